//! The command that takes over the former system, as an operator runs it: killed on the way, run
//! again, and then served from.

use std::{
    collections::BTreeMap,
    process::{Output, Stdio},
};

use serde_json::json;
use testkit::{
    Fault,
    appointment::{self, Report, booking_service},
    database::Database,
    fault::same,
    person::Person,
    reference::{self, Size},
    test_app::TestApp,
    tokio_postgres::Row,
    wait,
};
use tokio::process::Command;

const SERVER: &str = env!("CARGO_BIN_EXE_messaging-server");
const SECRET: &str = "a secret for tests alone, long enough";
const SIZE: Size = Size { conversations: 200, messages: 20_000 };

fn import(from: &Database, into: &Database, arguments: &[&str]) -> Command {
    let mut command = Command::new(SERVER);
    command
        .args(["import", "--from", &from.url()])
        .args(arguments)
        .env("DATABASE_URL", into.url())
        .env("JWT_SECRET", SECRET)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

async fn to_end(mut command: Command) -> Result<Output, Fault> {
    let output = command.output().await.map_err(Fault::while_doing("run the import"))?;
    let why = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(output) } else { Err(Fault::new(why)) }
}

fn printed(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

async fn former() -> Result<Database, Fault> {
    let database = Database::fresh().await?;
    reference::fill(&database.client().await?, SIZE).await?;
    Ok(database)
}

#[tokio::test]
async fn an_import_that_is_killed_goes_on_and_a_second_one_changes_nothing() -> Result<(), Fault> {
    let (from, into) = (former().await?, Database::fresh().await?);
    let mut first = import(&from, &into, &[]).spawn().map_err(Fault::while_doing("start"))?;
    let client = into.client().await?;
    wait::until("some conversations to be here", async || {
        let here = "SELECT to_regclass('messaging.import_mark') IS NOT NULL";
        let is_made: bool = client.query_one(here, &[]).await.is_ok_and(|row| row.get(0));
        if !is_made {
            return Ok(None);
        }
        let some = "SELECT count(*) FROM messaging.conversation";
        let some = client.query_one(some, &[]).await.map_err(Fault::while_doing("count"))?;
        Ok((some.get::<_, i64>(0) > 0).then_some(()))
    })
    .await?;
    first.kill().await.map_err(Fault::while_doing("kill the import"))?;

    let goes_on = to_end(import(&from, &into, &[])).await?;
    let before = into.digest().await?;
    let again = to_end(import(&from, &into, &[])).await?;
    same("everything that is kept", into.digest().await?, before)?;
    let read = |output: &Output| {
        let lines = printed(output);
        lines
            .lines()
            .filter(|line| line.starts_with("read "))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    same("what was read, interrupted or not", read(&goes_on), read(&again))
}

#[tokio::test]
async fn who_moved_in_finds_what_was_said_and_goes_on_talking() -> Result<(), Fault> {
    let (from, into) = (former().await?, Database::fresh().await?);
    let registered = printed(&to_end(import(&from, &into, &[])).await?);
    let refused = registered.lines().filter(|line| line.starts_with("refused\tmessage\t")).count();
    same("messages that are named as left out", refused, 4)?;

    let old = from.client().await?;
    let row = old
        .query_one(
            "SELECT here.id, here.\"clientUserId\", count(*) FROM \"Conversation\" AS here
             JOIN \"Message\" AS said ON said.\"conversationId\" = here.id
             WHERE here.id ~ '^c[0-9a-f]{24}$' GROUP BY here.id ORDER BY 3 DESC LIMIT 1",
            &[],
        )
        .await
        .map_err(Fault::while_doing("look into the former system"))?;
    let (conversation, client, said): (String, String, i64) = (row.get(0), row.get(1), row.get(2));

    let app = TestApp::start_on(SERVER, into, &[]).await?;
    let rest = app.rest(&Person::client(&client, "Camille", "Roux"))?;
    let path = format!("/messaging/conversations/{conversation}/messages");
    let page = rest.get(&path).await?.expect(200)?;
    same("messages in all", page["total"].as_i64(), Some(said))?;
    let newest = page["data"][0]["seq"].as_i64();
    let next = rest.post(&path, &serde_json::json!({ "content": "Bonjour" })).await?.expect(201)?;
    let follows = next["seq"].as_i64() > newest;
    same("the next message stands behind the newest", follows, true)
}

#[tokio::test]
async fn a_booking_that_was_made_before_the_cutover_goes_on_in_its_conversation()
-> Result<(), Fault> {
    let (from, into) = (former().await?, Database::fresh().await?);
    let old = from.client().await?;
    let row = old
        .query_one(
            "SELECT here.id, here.\"salonId\", here.\"clientUserId\" FROM \"Conversation\" AS here
             JOIN \"User\" AS client ON client.id = here.\"clientUserId\" AND client.role::text = 'client'
             JOIN \"User\" AS salon ON salon.id = here.\"salonId\" AND salon.role::text = 'user_salon'
             WHERE here.id ~ '^c[0-9a-f]{24}$' ORDER BY here.id LIMIT 1",
            &[],
        )
        .await
        .map_err(Fault::while_doing("look into the former system"))?;
    let (conversation, salon, client): (String, String, String) =
        (row.get(0), row.get(1), row.get(2));
    old.execute(
        "WITH booking AS (
             INSERT INTO \"Appointment\" (id, title, prestation, start, \"end\", \"updatedAt\", \"userId\", \"clientUserId\")
             VALUES ('rdv-1', 'Bras gauche', 'TATTOO', '2026-12-12 10:00', '2026-12-12 12:00', '2026-11-30 09:00', $2, $3))
         UPDATE \"Conversation\" SET \"appointmentId\" = 'rdv-1', status = 'ACTIVE' WHERE id = $1",
        &[&conversation, &salon, &client],
    )
    .await
    .map_err(Fault::while_doing("book"))?;
    to_end(import(&from, &into, &[])).await?;

    let app = TestApp::start_on(SERVER, into, &[]).await?;
    let service = app.rest(&booking_service())?;
    let path = format!("/internal/conversations?salonId={salon}&appointmentId=rdv-1");
    let found = service.get(&path).await?.expect(200)?;
    same(
        "what the booking's page finds",
        found["conversations"][0]["id"].as_str(),
        Some(&*conversation),
    )?;
    // The id that old links hold is nobody else's.
    let other = Report::new("booked", "rdv-2", &salon, &client);
    let taken = other.with("conversationId", conversation.as_str()).send(&service).await?;
    same("another booking", (taken.status, taken.code()), (409, "conversation_id_taken"))?;

    let cancelled = Report::new("cancelled", "rdv-1", &salon, &client)
        .with("conversationId", conversation.as_str());
    cancelled.send(&service).await?.expect(202)?;
    wait::until("the booking to be called off", async || {
        let found = service.get(&path).await?.expect(200)?;
        Ok((found["conversations"][0]["status"] == "ARCHIVED").then_some(()))
    })
    .await?;
    let reader = app.rest(&Person::client(&client, "Camille", "Roux"))?;
    let path = format!("/messaging/conversations/{conversation}/messages");
    let page = reader.get(&path).await?.expect(200)?;
    same("what is said", page["data"][0]["content"].as_str(), Some("Ce rendez-vous a été annulé."))
}

#[tokio::test]
async fn an_address_that_is_none_is_refused_without_repeating_it() -> Result<(), Fault> {
    let into = Database::fresh().await?;
    let mut command = Command::new(SERVER);
    command
        .args(["import", "--from", "mysql://salon:hunter2@db.example/old"])
        .env("DATABASE_URL", into.url())
        .env("JWT_SECRET", SECRET);
    let output = command.output().await.map_err(Fault::while_doing("run the import"))?;
    same("success", output.status.success(), false)?;
    let all = [output.stdout, output.stderr].concat();
    same("a password", String::from_utf8_lossy(&all).contains("hunter2"), false)
}

/// The people of the former system, as they are to be here: id, role, names.
const THERE: &str =
    "SELECT id, role::text, \"firstName\", \"lastName\", \"salonName\" FROM \"User\"
    WHERE id ~ '^c[0-9a-z]{24}$' ORDER BY id COLLATE \"C\"";
/// The same people here.
const HERE: &str =
    "SELECT id::text, role, first_name, last_name, salon_name FROM messaging.participant
    WHERE id ~ '^c[0-9a-z]{24}$' AND id <> 'cgone00000000000000000000' ORDER BY id";

/// A person's role and names.
type Known = [Option<String>; 4];

async fn people(database: &Database, sql: &str) -> Result<BTreeMap<String, Known>, Fault> {
    let rows = database.client().await?.query(sql, &[]).await;
    let rows = rows.map_err(Fault::while_doing("look at people"))?;
    let person = |row: &Row| (row.get(0), [row.get(1), row.get(2), row.get(3), row.get(4)]);
    Ok(rows.iter().map(person).collect())
}

#[tokio::test]
async fn people_keep_role_and_names_over_two_imports_and_what_the_platform_told_in_between()
-> Result<(), Fault> {
    let (from, into) = (former().await?, Database::fresh().await?);
    let there = people(&from, THERE).await?;
    to_end(import(&from, &into, &[])).await?;
    let first = people(&into, HERE).await?;
    same("everybody after the first import", &first, &there)?;

    // A salon of which the platform tells, one that comes by itself, one that changes there alone.
    let salons = "SELECT DISTINCT \"salonId\" FROM \"Conversation\" WHERE \"salonId\" <> \"clientUserId\" ORDER BY 1 LIMIT 3";
    let rows = from.client().await?.query(salons, &[]).await;
    let rows = rows.map_err(Fault::while_doing("find salons"))?;
    let [registered, came, changed] = [0, 1, 2].map(|place| rows[place].get::<_, String>(0));
    let app = TestApp::start_on(SERVER, into, &[]).await?;
    let entry =
        json!({ "role": "user_tatoueur", "firstName": "Told", "salonName": "Encre Claire" });
    appointment::register(&app, &registered, &entry).await?;
    app.introduce(&Person::salon(&came, "Par elle-même")).await?;
    let between = people(&app.database, HERE).await?;

    let goes_on = format!(
        "UPDATE \"User\" SET role = 'client', \"salonName\" = 'Ancien', \"firstName\" = 'Ancienne'
         WHERE id IN ('{registered}', '{came}');
         UPDATE \"User\" SET \"salonName\" = 'Autre' WHERE id = '{changed}'"
    );
    let went_on = from.client().await?.batch_execute(&goes_on).await;
    went_on.map_err(Fault::while_doing("let the platform go on"))?;
    to_end(import(&from, &app.database, &[])).await?;
    let second = people(&app.database, HERE).await?;

    let some = |text: &str| Some(text.to_owned());
    let mut expected = first;
    // Told wholly: what it left out was not known any more, and is gained.
    let before = between[&registered].clone();
    same(
        "what was registered",
        &before,
        &[some("user_tatoueur"), some("Told"), None, some("Encre Claire")],
    )?;
    let last_name = there[&registered][2].clone();
    expected
        .insert(registered, [before[0].clone(), before[1].clone(), last_name, before[3].clone()]);
    same("what she came with", &between[&came][3], &some("Par elle-même"))?;
    let first_name = between[&came][1].clone().or(some("Ancienne"));
    expected.insert(came.clone(), {
        let [role, _, last_name, salon_name] = between[&came].clone();
        [role, first_name, last_name, salon_name]
    });
    expected.entry(changed).and_modify(|known| known[3] = some("Autre"));
    same("everybody after the second import", &second, &expected)
}
