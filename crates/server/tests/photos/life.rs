//! An upload belongs to its uploader until it is sent, once.

use testkit::{Fault, fault::same};

use crate::{EAGER, Fixture, UPLOADS, upload};

#[tokio::test]
async fn an_upload_is_its_owner_s_alone_until_it_is_sent() -> Result<(), Fault> {
    let fixture = Fixture::start().await?;
    let photo = upload(&fixture.client).await?;
    let path = format!("{UPLOADS}/{photo}");
    same("its owner sees it", fixture.client.get(&path).await?.status, 200)?;
    same("the other side does not", fixture.salon.get(&path).await?.status, 404)?;
    let stolen = fixture.send(&fixture.salon, &photo).await?;
    same("nor may they send it", (stolen.status, stolen.code()), (422, "attachment_unknown"))?;
    fixture.send(&fixture.client, &photo).await?.expect(201)?;
    same("sent, both see it", fixture.salon.get(&path).await?.status, 200)?;
    let again = fixture.send(&fixture.client, &photo).await?;
    same("sent once", (again.status, again.code()), (422, "attachment_unknown"))
}

#[tokio::test]
async fn nobody_hoards_uploads() -> Result<(), Fault> {
    let bounded = [EAGER[0], ("FILES_UNSENT_PER_PERSON_MAX", "2")];
    let fixture = Fixture::with(&bounded).await?;
    upload(&fixture.client).await?;
    let second = upload(&fixture.client).await?;
    let third = upload(&fixture.client).await;
    assert!(third.is_err(), "a third upload was taken");
    same("files kept", fixture.kept()?.len(), 4)?;
    fixture.send(&fixture.client, &second).await?.expect(201)?;
    upload(&fixture.client).await.map(drop)
}

#[tokio::test]
async fn whoever_names_nobody_uploads_nothing() -> Result<(), Fault> {
    let fixture = Fixture::start().await?;
    let nobody = fixture.app.anonymous();
    assert!(upload(&nobody).await.is_err(), "an upload of nobody was taken");
    same("files kept", fixture.kept()?.len(), 0)
}
