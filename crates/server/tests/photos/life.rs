//! An upload belongs to whoever made it, until it is sent, once.

use testkit::{Fault, fault::same};

use crate::{EAGER, Scene, UPLOADS, upload};

#[tokio::test]
async fn an_upload_is_its_owner_s_alone_until_it_is_sent() -> Result<(), Fault> {
    let scene = Scene::set().await?;
    let photo = upload(&scene.client).await?;
    let path = format!("{UPLOADS}/{photo}");
    same("its owner sees it", scene.client.get(&path).await?.status, 200)?;
    same("the other side does not", scene.salon.get(&path).await?.status, 404)?;
    let stolen = scene.send(&scene.salon, &photo).await?;
    same("nor may they send it", (stolen.status, stolen.code()), (422, "attachment_unknown"))?;
    scene.send(&scene.client, &photo).await?.expect(201)?;
    same("sent, both see it", scene.salon.get(&path).await?.status, 200)?;
    let again = scene.send(&scene.client, &photo).await?;
    same("sent once", (again.status, again.code()), (422, "attachment_unknown"))
}

#[tokio::test]
async fn nobody_hoards_uploads() -> Result<(), Fault> {
    let bounded = [EAGER[0], ("FILES_UNSENT_PER_PERSON_MAX", "2")];
    let scene = Scene::with(&bounded).await?;
    upload(&scene.client).await?;
    let second = upload(&scene.client).await?;
    let third = upload(&scene.client).await;
    assert!(third.is_err(), "a third upload was taken");
    same("files kept", scene.kept()?.len(), 4)?;
    scene.send(&scene.client, &second).await?.expect(201)?;
    upload(&scene.client).await.map(drop)
}

#[tokio::test]
async fn whoever_names_nobody_uploads_nothing() -> Result<(), Fault> {
    let scene = Scene::set().await?;
    let nobody = scene.stage.anonymous();
    assert!(upload(&nobody).await.is_err(), "an upload of nobody was taken");
    same("files kept", scene.kept()?.len(), 0)
}
