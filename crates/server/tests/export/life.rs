//! An archive comes, and goes again.

use std::fs;

use testkit::{Fault, fault::same, rest::fetch, test_app::text, wait};

use crate::{EXPORT, Fixture, archive::Unpacked, ready};

/// Until no archive is kept.
async fn gone(fixture: &Fixture) -> Result<(), Fault> {
    wait::until("the archive gone", async || Ok(fixture.archives()?.is_empty().then_some(()))).await
}

#[tokio::test]
async fn an_archive_is_deleted_when_its_day_is_over_and_the_photos_stay() -> Result<(), Fault> {
    let fixture = Fixture::start().await?;
    fixture.show(&fixture.client, "").await?;
    let link = text(&ready(&fixture.client).await?, "url")?;
    same("archives", fixture.archives()?.len(), 1)?;
    let photos = fixture.kept("full")?;
    // Nobody waits for a day here.
    let day = "UPDATE messaging.job SET run_at = now() WHERE kind = 'delete_object'";
    let passed = fixture.app.database.client().await?.execute(day, &[]).await;
    same("deletions", passed.map_err(Fault::while_doing("let a day pass"))?, 1)?;
    gone(&fixture).await?;
    same("photos", fixture.kept("full")?, photos)?;
    same("the link", fetch(&link).await?.status, 404)
}

#[tokio::test]
async fn an_archive_goes_with_its_person_and_no_other_is_made() -> Result<(), Fault> {
    let fixture = Fixture::start().await?;
    let link = text(&ready(&fixture.client).await?, "url")?;
    fixture.service.delete("/internal/participants/demo-client").await?.expect(202)?;
    gone(&fixture).await?;
    same("the link", fetch(&link).await?.status, 404)?;
    let asked = fixture.client.get(EXPORT).await?;
    same("asked again", (asked.status, asked.code()), (401, "unauthorized"))?;
    same("archives", fixture.archives()?, vec![])
}

#[tokio::test]
async fn an_archive_says_which_photo_is_lost() -> Result<(), Fault> {
    let fixture = Fixture::start().await?;
    fixture.show(&fixture.client, "la photo").await?;
    for photo in fixture.kept("full")? {
        fs::remove_file(photo).map_err(Fault::while_doing("lose a photo"))?;
    }
    let unpacked = Unpacked::of(&fixture.client, "lost").await?;
    let page = unpacked.words("index.html")?;
    assert!(page.contains("la photo") && page.contains("n’a pas pu être retrouvée"), "{page}");
    assert!(unpacked.data()?.to_string().contains(r#""missing":true"#));
    Ok(())
}
