//! Files made to do harm: each is refused with its own code, and nothing of it stays.

use media::testing::{Expected, HostileFile, hostile_files};
use testkit::{Fault, fault::same, rest::FormFile, wait};

use crate::{Fixture, UPLOADS};

/// Status and code of the answer.
fn answer_to(file: &HostileFile) -> (u16, &'static str) {
    match file.expected {
        Expected::TypeNotAllowed => (415, "file_type_not_allowed"),
        Expected::Unreadable => (422, "file_unreadable"),
        Expected::TooManyPixels => (422, "too_many_pixels"),
        Expected::TooLarge => (413, "file_too_large"),
        Expected::Kept => (201, ""),
    }
}

#[tokio::test]
async fn hostile_files_are_refused_and_leave_nothing() -> Result<(), Fault> {
    let fixture =
        Fixture::with(&[crate::EAGER[0], ("FILES_UNSENT_PER_PERSON_MAX", "1000")]).await?;
    let mut kept = 0;
    println!("{:>8} kB  at rest", fixture.app.server.peak_memory_kb()?);
    for file in hostile_files() {
        let bytes = (file.build)();
        let form = FormFile { name: file.file_name, media_type: file.declared, bytes: &bytes };
        let answer = form.post(&fixture.client, UPLOADS).await?;
        let found = (answer.status, answer.code());
        same(file.name, found, answer_to(&file))?;
        println!("{:>8} kB  {} {}", fixture.app.server.peak_memory_kb()?, found.0, file.name);
        kept += usize::from(file.expected == Expected::Kept);
    }
    wait::until("nothing of the others left", async || {
        Ok((fixture.kept()?.len() == 2 * kept).then_some(()))
    })
    .await
}

#[tokio::test]
async fn a_hundred_megabytes_are_not_read() -> Result<(), Fault> {
    let fixture = Fixture::start().await?;
    let before = fixture.app.server.peak_memory_kb()?;
    let bytes = vec![0xff; 100_000_000];
    let form = FormFile { name: "a.jpg", media_type: "image/jpeg", bytes: &bytes };
    // The server answers, or closes while we still send; either way nothing is taken.
    if let Ok(answer) = form.post(&fixture.client, UPLOADS).await {
        same("the answer", (answer.status, answer.code()), (413, "file_too_large"))?;
    }
    let grown = fixture.app.server.peak_memory_kb()? - before;
    assert!(grown < 64_000, "the server held {grown} kB more");
    same("files kept", fixture.kept()?.len(), 0)
}

#[tokio::test]
async fn names_lead_nowhere() -> Result<(), Fault> {
    let fixture = Fixture::start().await?;
    let bytes = media::testing::phone_photo();
    for name in ["../../etc/passwd", "..\\\\a.jpg", "a/b.jpg", "/etc/passwd"] {
        let form = FormFile { name, media_type: "image/jpeg", bytes: &bytes };
        let answer = form.post(&fixture.client, UPLOADS).await?;
        same(name, answer.status, 400)?;
    }
    same("files kept", fixture.kept()?.len(), 0)
}
