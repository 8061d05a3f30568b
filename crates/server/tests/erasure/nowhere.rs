//! The word is looked for in every column of every table, in a dump, in the names and bytes of files, in
//! mail that leaves later, and in the log at its most talkative; before, where it must be found, and
//! after.

use std::collections::BTreeSet;

use testkit::{
    Fault,
    appointment::booking_service,
    backup::{Backup, Way, emptied},
    database::Database,
    fault::same,
    operator::Operator,
    rest::fetch,
    stage::log_of_this_test,
    traces,
};

use crate::{
    SERVER,
    house::House,
    planted::{PERSON, Planted, WORD, plant},
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
/// Everywhere that the id of a forgotten person stays.
const ID_STAYS_IN: [&str; 7] = [
    "appointment_event.client_id",
    "audit.person_id",
    "audit.subject",
    "conversation.client_id",
    "erasure.person_id",
    "event.actor_id",
    "participant.id",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_person_s_words_are_nowhere_nor_after_a_restore() -> Result<(), Fault> {
    emptied(&House::folder("first"))?;
    let mut house = House::open("first", Database::fresh().await?).await?;
    let planted = plant(&mut house).await?;
    assert_is_there(&house, &planted).await?;
    let (url, folder) = (house.stage.database.url(), log_of_this_test().with_extension("backup"));
    let backup = Backup::take(Way::best(&url).await?, &folder, &url, &house.files).await?;

    let service = house.stage.rest(&booking_service())?;
    service.delete(&format!("/internal/participants/{PERSON}")).await?.expect(202)?;
    house.forgotten(PERSON).await?;
    assert_is_nowhere(&mut house, &planted).await?;
    let list = Operator::of(&house.stage, SERVER).run(&["erase", "--list"]).await?;
    same("the list of the forgotten", list.as_str(), &format!("{PERSON}\n"))?;
    drop(house);

    let database = Database::fresh().await?;
    backup.restore(SERVER.as_ref(), &database.url(), &House::folder("second")).await?;
    replay(&database, &list).await?;
    let mut house = House::open("second", database).await?;
    house.forgotten(PERSON).await?;
    assert_is_nowhere(&mut house, &planted).await
}

/// Applies the list to what was restored, in which the person is back.
async fn replay(database: &Database, list: &str) -> Result<(), Fault> {
    let back = traces::in_database(&database.url(), WORD).await?;
    same("where they are back", back, KEPT_IN.map(str::to_owned).into())?;
    let file = log_of_this_test().with_extension("forgotten");
    std::fs::write(&file, list).map_err(Fault::while_doing("keep the list"))?;
    let file = file.to_str().ok_or_else(|| Fault::new("a folder with an odd name"))?;
    let operator = Operator::new(SERVER, &database.url());
    operator.run(&["erase", "--replay", file]).await.map(drop)
}

async fn assert_is_there(house: &House, planted: &Planted) -> Result<(), Fault> {
    same("columns", house.columns(WORD).await?, KEPT_IN.map(str::to_owned).into())?;
    assert_ne!(house.dump_holds(WORD).await?, Some(false), "a dump without the word");
    let pictures = traces::in_folder(&house.files, &planted.picture)?;
    assert!(!pictures.is_empty(), "the picture is in no file");
    for link in &planted.links {
        same(link, fetch(link).await?.status, 200)?;
    }
    let ids = house.columns(PERSON).await?;
    for table in ["preference", "muted_conversation", "mailed_conversation", "mail", "export"] {
        let is_there = ids.iter().any(|column| column.starts_with(&format!("{table}.")));
        assert!(is_there, "nothing was planted in {table}: {ids:?}");
    }
    same("lines of the log", house.logged(WORD)?, None)
}

async fn assert_is_nowhere(house: &mut House, planted: &Planted) -> Result<(), Fault> {
    same("columns", house.columns(WORD).await?, BTreeSet::new())?;
    assert_ne!(house.dump_holds(WORD).await?, Some(true), "a dump with the word");
    same("files", traces::in_folder(&house.files, WORD.as_bytes())?, vec![])?;
    same("pictures", traces::in_folder(&house.files, &planted.picture)?, vec![])?;
    same("the files that are left", house.kept()?, planted.others.clone())?;
    for link in &planted.links {
        // After a restore it names a server that is gone.
        let path = link.split_once("/messaging/").map_or("", |(_, path)| path);
        let link = format!("{}/messaging/{path}", house.stage.server.url());
        same(&link, fetch(&link).await?.status, 404)?;
    }
    for mail in house.post.arrived()? {
        assert!(!mail.says(WORD), "{mail:?}");
    }
    same("lines of the log", house.logged(WORD)?, None)?;
    let log = house.stage.server.log()?;
    assert!(log.contains("\"level\":\"TRACE\"") || log.contains("\"level\":\"DEBUG\""));
    same("where the id stays", house.columns(PERSON).await?, ID_STAYS_IN.map(str::to_owned).into())
}
