//! A deployment of the service: a server with its database, its files and its log.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use serde_json::{Value, json};
use tokio_postgres::Client;

use super::{Plan, answers::Snapshot};
use crate::{
    Fault,
    appointment::{Report, booking_service},
    database::{self, Database},
    leak_check,
    operator::Operator,
    person::Person,
    rest::{FormFile, Rest},
    server::{Launch, Server},
    test_app::{TestApp, text},
    wait,
};

/// Mail about a new message is sent at once, about further ones an hour later.
const SETTINGS: [(&str, &str); 4] = [
    ("MAIL_FROM", "noreply@mail.example.org"),
    ("MAIL_DELAY_MS", "0"),
    ("JOBS_POLL_INTERVAL_MS", "20"),
    ("LOG_LEVEL", "trace"),
];
/// The token secret. The same in both deployments, so that links stay valid.
const SECRET: &str = "the-secret-of-a-drill-which-is-long-enough";
/// The number of jobs, mails and reports due now or soon, without dead jobs.
const PENDING_WORK: &str = "
SELECT (SELECT count(*) FROM messaging.job
        WHERE dead_at IS NULL AND run_at < now() + interval '10 minutes')
    + (SELECT count(*) FROM messaging.pending_mail WHERE wait_until IS NULL)
    + (SELECT count(*) FROM messaging.appointment_event
        WHERE handled_at IS NULL AND rejected_at IS NULL)";

/// A running service.
pub(super) struct Deployment {
    pub(super) app: TestApp,
    pub(super) operator: Operator,
    pub(super) files: PathBuf,
}

impl Deployment {
    /// Starts a server with this database, named files folder, and with or without jobs.
    pub(super) async fn open(
        plan: &Plan,
        name: &str,
        database: Database,
        mail: &str,
        jobs: bool,
    ) -> Result<Self, Fault> {
        let files = Self::files_in(plan, name);
        let folder = files.to_str().ok_or_else(|| Fault::new("a folder name that is not UTF-8"))?;
        let log = plan.folder.join(format!("{name}.log"));
        let mut launch = Launch::new(&plan.server, &database.url(), log)
            .with("FILES_FOLDER", folder)
            .with("MAIL_SMTP_URL", mail)
            .with("JOBS_RUN", if jobs { "on" } else { "off" });
        for (name, value) in SETTINGS {
            launch = launch.with(name, value);
        }
        SECRET.clone_into(&mut launch.secret);
        let operator = Self::operator(plan, &database);
        let app = TestApp { server: Server::start(launch).await?, database };
        Ok(Self { app, operator, files })
    }

    /// The files folder of a deployment.
    pub(super) fn files_in(plan: &Plan, name: &str) -> PathBuf {
        plan.folder.join(format!("files-{name}"))
    }

    /// The administration commands for a database.
    pub(super) fn operator(plan: &Plan, database: &Database) -> Operator {
        Operator::new(&plan.server, &database.url())
    }

    pub(super) fn url(&self) -> String {
        self.app.database.url()
    }

    /// Waits until no work is pending.
    pub(super) async fn wait_until_idle(&self) -> Result<(), Fault> {
        let client = self.app.database.client().await?;
        wait::until("no pending work", async || {
            let row = client.query_one(PENDING_WORK, &[]).await;
            let row = row.map_err(Fault::while_doing("count pending work"))?;
            Ok((row.get::<_, i64>(0) == 0).then_some(()))
        })
        .await
    }

    /// Waits until a person is erased and no work is pending.
    pub(super) async fn wait_for_erasure(&self, person: &str) -> Result<(), Fault> {
        let service = self.app.rest(&booking_service())?;
        let path = format!("/internal/erasures/{person}");
        wait::until("the end of an erasure", async || {
            let receipt = service.get(&path).await?.expect(200)?;
            Ok(receipt["finishedAt"].is_string().then_some(()))
        })
        .await?;
        self.wait_until_idle().await
    }

    /// The snapshots of these people, with their ids.
    pub(super) async fn snapshots(
        &self,
        people: impl Iterator<Item = &Person>,
    ) -> Result<Vec<(String, Snapshot)>, Fault> {
        let mut all = Vec::new();
        for person in people {
            all.push((person.id.clone(), Snapshot::to(&self.app.rest(person)?).await?));
        }
        Ok(all)
    }

    /// Where a word is found: columns, files and log lines.
    pub(super) async fn leaks(&self, word: &str) -> Result<Vec<String>, Fault> {
        let mut found = leak_check::files_with(&self.files, word.as_bytes())?;
        found.extend(leak_check::columns_with(&self.url(), word).await?);
        let log = self.app.server.log()?;
        let line = log.lines().find(|line| leak_check::contains(line.as_bytes(), word.as_bytes()));
        found.extend(line.map(str::to_owned));
        Ok(found)
    }
}

// The ids of a person's data.

const CONVERSATIONS: &str = "SELECT id::text FROM messaging.conversation WHERE client_id = $1";
/// Besides the conversations: their messages, attachments and file keys, and the exports of all
/// participants.
const OTHER_DATA: &str = "
WITH theirs AS (SELECT id, salon_id FROM messaging.conversation WHERE client_id = $1)
SELECT id::text FROM messaging.message WHERE conversation_id IN (SELECT id FROM theirs)
UNION SELECT unnest(ARRAY[a.object_key, a.thumbnail_key])::text FROM messaging.attachment AS a
    JOIN messaging.message AS m ON m.id = a.message_id WHERE m.conversation_id IN (SELECT id FROM theirs)
UNION SELECT object_key FROM messaging.export
    WHERE person_id = $1 OR person_id IN (SELECT salon_id FROM theirs)";

/// The files deleted with the person: those they sent, and the exports.
const FILES: &str = "
WITH theirs AS (SELECT id, salon_id FROM messaging.conversation WHERE client_id = $1)
SELECT unnest(ARRAY[a.object_key, a.thumbnail_key])::text FROM messaging.attachment AS a
    JOIN messaging.message AS m ON m.id = a.message_id
    WHERE m.conversation_id IN (SELECT id FROM theirs) AND m.author_side = 'client'
UNION SELECT object_key FROM messaging.export
    WHERE person_id = $1 OR person_id IN (SELECT salon_id FROM theirs)";

/// The ids of a person and of all their data.
pub(super) struct PersonData {
    conversations: BTreeSet<String>,
    files: BTreeSet<String>,
    all: Vec<String>,
}

impl PersonData {
    /// Loads the ids of a client's data.
    pub(super) async fn of(url: &str, client: &str) -> Result<Self, Fault> {
        let database = database::connect(url).await?;
        let conversations = ids(&database, CONVERSATIONS, client).await?;
        let files = ids(&database, FILES, client).await?;
        let mut all = vec![client.to_owned()];
        all.extend(conversations.iter().cloned());
        all.extend(ids(&database, OTHER_DATA, client).await?);
        Ok(Self { conversations, files, all })
    }

    /// The ids of the conversations.
    pub(super) fn conversations(&self) -> &BTreeSet<String> {
        &self.conversations
    }

    /// The files without those of the person.
    pub(super) fn without_files(
        &self,
        files: &BTreeMap<String, Vec<u8>>,
    ) -> BTreeMap<String, Vec<u8>> {
        let mut left = files.clone();
        left.retain(|name, _| !self.files.contains(name));
        left
    }

    /// Whether a row contains any of the ids.
    pub(super) fn is_in_row(&self, row: &str) -> bool {
        let mut words = row.split(|c: char| !(c.is_ascii_alphanumeric() || "-_/".contains(c)));
        words.any(|word| self.all.iter().any(|id| id == word))
    }
}

async fn ids(database: &Client, sql: &str, client: &str) -> Result<BTreeSet<String>, Fault> {
    let rows = database.query(sql, &[&client]).await;
    let rows = rows.map_err(Fault::while_doing("list the ids of a person"))?;
    Ok(rows.iter().filter_map(|row| row.get::<_, Option<String>>(0)).collect())
}

// A fixture with a row in every table.

/// The name of the client to be erased, contained in everything they write.
pub(super) const MARKER: &str = "Zerbinette";
/// An address the mail server refuses permanently: its mails end as dead letters.
const REFUSED: &str = "spam@example.org";
const PHOTO: &[u8] = include_bytes!("../../assets/phone-photo.jpg");

/// The people of the fixture.
pub(super) struct Fixture {
    pub(super) salons: [Person; 2],
    /// The first one is erased.
    pub(super) clients: Vec<Person>,
}

impl Fixture {
    /// The people for this plan.
    pub(super) fn of(plan: &Plan) -> Self {
        let client = |number: usize| {
            let first_name = if number == 0 { MARKER } else { "Camille" };
            Person::client(&format!("client-{number}"), first_name, "Martin")
        };
        Self {
            salons: [
                Person::salon("salon-1", "Encre Noire"),
                Person::salon("salon-2", "Atelier Bleu"),
            ],
            clients: (0..plan.clients).map(client).collect(),
        }
    }

    /// The person to be erased.
    pub(super) fn erased(&self) -> &Person {
        &self.clients[0]
    }

    /// All people who are not erased.
    pub(super) fn others(&self) -> impl Iterator<Item = &Person> {
        self.salons.iter().chain(&self.clients[1..])
    }

    /// All people.
    pub(super) fn people(&self) -> impl Iterator<Item = &Person> {
        self.salons.iter().chain(&self.clients)
    }

    /// Creates conversations, messages, photos, preferences and exports.
    pub(super) async fn fill(&self, app: &TestApp, messages: usize) -> Result<(), Fault> {
        self.register(&app.rest(&booking_service())?).await?;
        for (number, client) in self.clients.iter().enumerate() {
            let salon = &self.salons[number % 2];
            let conversation =
                app.conversation_about(&format!("booking-{number}"), salon, client).await?;
            let pair = Pair { app, salon, client, conversation };
            pair.send_messages(messages).await?;
            if number % 3 == 0 {
                pair.photo(client).await?;
                pair.photo(salon).await?;
            }
            if number % 4 == 1 {
                pair.read_by(salon).await?;
                pair.mute(client).await?;
            }
        }
        book(app, &self.salons[0], self.erased()).await?;
        for person in [&self.clients[0], &self.clients[1], &self.salons[0]] {
            request_export(&app.rest(person)?).await?;
        }
        Ok(())
    }

    async fn register(&self, service: &Rest) -> Result<(), Fault> {
        let client = |(number, person): (usize, &Person)| {
            let email = match number {
                0 => format!("{MARKER}@example.org"),
                1 => REFUSED.to_owned(),
                _ => format!("{}@example.org", person.id),
            };
            let name = &person.claims()["firstName"];
            json!({ "id": person.id, "role": "client", "firstName": name, "lastName": "Martin", "email": email })
        };
        let mut people: Vec<_> = self.clients.iter().enumerate().map(client).collect();
        for salon in &self.salons {
            let (name, email) = (&salon.claims()["salonName"], format!("{}@example.org", salon.id));
            people.push(
                json!({ "id": salon.id, "role": "user_salon", "salonName": name, "email": email }),
            );
        }
        let entries = json!({ "participants": people });
        service.post("/internal/participants:batch", &entries).await?.expect(204).map(drop)
    }
}

/// A salon and a client with a conversation.
struct Pair<'a> {
    app: &'a TestApp,
    salon: &'a Person,
    client: &'a Person,
    conversation: String,
}

impl Pair<'_> {
    async fn send_messages(&self, messages: usize) -> Result<(), Fault> {
        let name = self.client.claims()["firstName"].as_str().unwrap_or_default();
        for number in 0..messages {
            let sent = if number % 2 == 0 {
                let content = format!("Bonjour, ici {name}, question {number}");
                self.app.message(self.client, &self.conversation, &content).await?
            } else {
                let content = format!("Réponse {number}");
                self.app.message(self.salon, &self.conversation, &content).await?
            };
            if number == 2 {
                let path = format!("/messaging/messages/{}", text(&sent, "id")?);
                self.app.rest(self.client)?.delete(&path).await?.expect(204)?;
            }
        }
        Ok(())
    }

    async fn photo(&self, author: &Person) -> Result<(), Fault> {
        let rest = self.app.rest(author)?;
        // Without the marker in the salon's file name: the salon's data is not erased.
        let name = match author.claims().get("firstName").and_then(Value::as_str) {
            Some(first_name) => format!("dessin de {first_name}.jpg"),
            None => "croquis.jpg".to_owned(),
        };
        let file = FormFile { name: &name, media_type: "image/jpeg", bytes: PHOTO };
        let upload = file.post(&rest, "/messaging/attachments").await?.expect(201)?;
        let message =
            json!({ "content": "", "attachments": [{ "attachmentId": text(&upload, "id")? }] });
        let path = format!("/messaging/conversations/{}/messages", self.conversation);
        rest.post(&path, &message).await?.expect(201).map(drop)
    }

    async fn read_by(&self, reader: &Person) -> Result<(), Fault> {
        let path = format!("/messaging/conversations/{}/mark-read", self.conversation);
        self.app.rest(reader)?.call("PATCH", &path, None).await?.expect(204).map(drop)
    }

    async fn mute(&self, person: &Person) -> Result<(), Fault> {
        let rest = self.app.rest(person)?;
        let preference = json!({ "emailFrequency": "HOURLY" });
        rest.patch("/notification-preferences", &preference).await?.expect(200)?;
        let conversation = json!({ "conversationId": self.conversation });
        rest.post("/notification-preferences/mute", &conversation).await?.expect(201).map(drop)
    }
}

/// Reports an appointment of the two as the platform.
async fn book(app: &TestApp, salon: &Person, client: &Person) -> Result<(), Fault> {
    let report = Report::new("confirmed", "booking-0", &salon.id, &client.id)
        .with("clientFirstName", MARKER);
    report.send(&app.rest(&booking_service())?).await?.expect(202).map(drop)
}

/// Requests a data export until it is ready.
async fn request_export(rest: &Rest) -> Result<(), Fault> {
    wait::until("an export", async || {
        let answer = rest.get("/messaging/me/export").await?;
        Ok((answer.status == 200).then_some(()))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_about_an_id_only_when_it_names_it_whole() {
        let (conversations, files) = (BTreeSet::new(), BTreeSet::new());
        let person_data = PersonData { conversations, files, all: vec!["client-0".to_owned()] };
        assert!(person_data.is_in_row("messaging.participant (client-0,client,\"\")"));
        assert!(!person_data.is_in_row("messaging.participant (client-01,client,\"\")"));
    }
}
