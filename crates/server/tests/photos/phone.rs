//! A photo from a phone, with the location where it was taken.

use media::testing::{leftovers, phone_photo, shows_scene};
use testkit::{Fault, fault::same, rest::fetch, test_app::text, wait};

use crate::{Fixture, UPLOADS, the_file, upload};

#[tokio::test]
async fn a_photo_is_seen_by_the_other_side_without_its_place_and_by_nobody_else()
-> Result<(), Fault> {
    let fixture = Fixture::start().await?;
    assert!(!leftovers(&phone_photo()).is_empty(), "the phone says where it was");
    let photo = upload(&fixture.client).await?;
    let sent = fixture.send(&fixture.client, &photo).await?.expect(201)?;
    same("the file's name", &the_file(&sent)?["fileName"], &"Bras – dessin.jpg".into())?;

    let page = format!("/messaging/conversations/{}/messages", fixture.conversation);
    let page = fixture.salon.get(&page).await?.expect(200)?;
    let seen = the_file(&page["data"][0])?;
    for link in ["fileUrl", "thumbnailUrl"] {
        let picture = fetch(&text(seen, link)?).await?;
        same("the status", picture.status, 200)?;
        same(link, leftovers(&picture.bytes), Vec::<String>::new())?;
        assert!(shows_scene(&picture.bytes), "{link}: not what was photographed, or not upright");
        let header = |name| picture.headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or("");
        same("sniffing", header("x-content-type-options"), "nosniff")?;
        assert!(header("cache-control").starts_with("private"), "{}", header("cache-control"));
    }

    let stranger = fixture.stranger().await?;
    let asked = stranger.get(&format!("{UPLOADS}/{photo}")).await?;
    same("the answer to a stranger", asked.status, 404)?;
    let link = text(seen, "fileUrl")?;
    let (bare, _signed) = link.split_once('?').ok_or_else(|| Fault::new("a bare link"))?;
    same("the bare address", fetch(bare).await?.status, 404)?;
    let forged = link.replace("expires=", "expires=9");
    same("a link made to last", fetch(&forged).await?.status, 404)
}

#[tokio::test]
async fn a_photo_goes_with_its_message() -> Result<(), Fault> {
    let fixture = Fixture::start().await?;
    let photo = upload(&fixture.client).await?;
    let sent = fixture.send(&fixture.client, &photo).await?.expect(201)?;
    let link = text(the_file(&sent)?, "fileUrl")?;
    same("files kept", fixture.kept()?.len(), 2)?;

    let path = format!("/messaging/messages/{}", text(&sent, "id")?);
    fixture.client.delete(&path).await?.expect(204)?;
    same("its link", fetch(&link).await?.status, 404)?;
    wait::until("its files gone", async || Ok(fixture.kept()?.is_empty().then_some(()))).await
}

#[tokio::test]
async fn photos_go_with_their_conversation() -> Result<(), Fault> {
    let fixture = Fixture::start().await?;
    for who in [&fixture.client, &fixture.salon] {
        let photo = upload(who).await?;
        fixture.send(who, &photo).await?.expect(201)?;
    }
    same("files kept", fixture.kept()?.len(), 4)?;
    let path = format!("/messaging/conversations/{}", fixture.conversation);
    fixture.salon.delete(&path).await?.expect(204)?;
    wait::until("their files gone", async || Ok(fixture.kept()?.is_empty().then_some(()))).await
}
