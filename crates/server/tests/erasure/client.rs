//! The word is looked for in every column of every table, in a dump, in the names and bytes of files, in
//! mail that leaves later, and in the log at its most verbose level; before, where it must be found, and
//! after.

use std::collections::BTreeSet;

use testkit::{
    Fault,
    appointment::booking_service,
    backup::{Backup, BackupMethod, empty_folder},
    database::Database,
    fault::same,
    leak_check,
    operator::Operator,
    rest::fetch,
    test_app::log_of_this_test,
};

use crate::{
    SERVER,
    fixture::Fixture,
    seed::{ERASED, ID_STAYS_IN, MARKER, Seeded, seed},
};

/// Everywhere that people's words, names and addresses are kept.
const KEPT_IN: [&str; 12] = [
    "appointment_event.client_first_name",
    "attachment.name",
    "conversation.subject",
    "message.client_message_id",
    "message.content",
    "message.notice",
    "participant.email",
    "participant.first_name",
    "participant.image",
    "participant.last_name",
    "suppressed_address.address",
    "upload.name",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_person_s_words_are_nowhere_nor_after_a_restore() -> Result<(), Fault> {
    empty_folder(&Fixture::folder("first"))?;
    let mut fixture = Fixture::start("first", Database::fresh().await?).await?;
    let seeded = seed(&mut fixture).await?;
    assert_is_there(&fixture, &seeded).await?;
    let (url, folder) = (fixture.app.database.url(), log_of_this_test().with_extension("backup"));
    let backup =
        Backup::take(BackupMethod::best(&url).await?, &folder, &url, &fixture.files).await?;

    let service = fixture.app.rest(&booking_service())?;
    service.delete(&format!("/internal/participants/{ERASED}")).await?.expect(202)?;
    fixture.wait_for_erasure(ERASED).await?;
    assert_is_nowhere(&mut fixture, &seeded).await?;
    let list = Operator::of(&fixture.app, SERVER).run(&["erase", "--list"]).await?;
    same("the list of the forgotten", list.as_str(), &format!("{ERASED}\n"))?;
    drop(fixture);

    let database = Database::fresh().await?;
    backup.restore(SERVER.as_ref(), &database.url(), &Fixture::folder("second")).await?;
    replay(&database, &list).await?;
    let mut fixture = Fixture::start("second", database).await?;
    fixture.wait_for_erasure(ERASED).await?;
    assert_is_nowhere(&mut fixture, &seeded).await
}

/// Applies the list to what was restored, in which the person is back.
async fn replay(database: &Database, list: &str) -> Result<(), Fault> {
    let back = leak_check::columns_with(&database.url(), MARKER).await?;
    same("where they are back", back, KEPT_IN.map(str::to_owned).into())?;
    let file = log_of_this_test().with_extension("forgotten");
    std::fs::write(&file, list).map_err(Fault::while_doing("keep the list"))?;
    let file = file.to_str().ok_or_else(|| Fault::new("a folder with an odd name"))?;
    let operator = Operator::new(SERVER, &database.url());
    operator.run(&["erase", "--replay", file]).await.map(drop)
}

async fn assert_is_there(fixture: &Fixture, seeded: &Seeded) -> Result<(), Fault> {
    same("columns", fixture.columns_with(MARKER).await?, KEPT_IN.map(str::to_owned).into())?;
    assert_ne!(fixture.dump_holds(MARKER).await?, Some(false), "a dump without the word");
    let pictures = leak_check::files_with(&fixture.files, &seeded.picture)?;
    assert!(!pictures.is_empty(), "the picture is in no file");
    for link in &seeded.links {
        same(link, fetch(link).await?.status, 200)?;
    }
    let ids = fixture.columns_with(ERASED).await?;
    for table in ["preference", "muted_conversation", "mailed_conversation", "mail", "export"] {
        let is_there = ids.iter().any(|column| column.starts_with(&format!("{table}.")));
        assert!(is_there, "nothing was seeded in {table}: {ids:?}");
    }
    same("lines of the log", fixture.log_line_with(MARKER)?, None)
}

async fn assert_is_nowhere(fixture: &mut Fixture, seeded: &Seeded) -> Result<(), Fault> {
    same("columns", fixture.columns_with(MARKER).await?, BTreeSet::new())?;
    assert_ne!(fixture.dump_holds(MARKER).await?, Some(true), "a dump with the word");
    same("files", leak_check::files_with(&fixture.files, MARKER.as_bytes())?, vec![])?;
    same("pictures", leak_check::files_with(&fixture.files, &seeded.picture)?, vec![])?;
    same("the files that are left", fixture.file_names()?, seeded.others.clone())?;
    for link in &seeded.links {
        // After a restore it names a server that is gone.
        let path = link.split_once("/messaging/").map_or("", |(_, path)| path);
        let link = format!("{}/messaging/{path}", fixture.app.server.url());
        same(&link, fetch(&link).await?.status, 404)?;
    }
    for mail in fixture.mail_server.arrived()? {
        assert!(!mail.says(MARKER), "{mail:?}");
    }
    same("lines of the log", fixture.log_line_with(MARKER)?, None)?;
    let log = fixture.app.server.log()?;
    assert!(log.contains("\"level\":\"TRACE\"") || log.contains("\"level\":\"DEBUG\""));
    same(
        "where the id stays",
        fixture.columns_with(ERASED).await?,
        ["appointment_event.client_id"].into_iter().chain(ID_STAYS_IN).map(str::to_owned).collect(),
    )
}
