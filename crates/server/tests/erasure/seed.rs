//! The data of one person, with a marker word in everything they leave.

use std::collections::BTreeSet;

use media::testing::{phone_photo, small_jpeg};
use serde_json::json;
use testkit::{
    Fault,
    appointment::{Report, booking_service, register},
    person::Person,
    rest::{FormFile, Rest, fetch},
    test_app::text,
    wait,
};

use crate::{fixture::Fixture, reply};

/// The word.
pub(crate) const MARKER: &str = "Zerbinette";
/// Everywhere that the id of an erased client stays. Of one with a booking it stays in `appointment_event` too.
pub(crate) const ID_STAYS_IN: [&str; 8] = [
    "audit.person_id",
    "audit.subject",
    "conversation.client_id",
    "erasure.person_id",
    "event.actor_id",
    "event.client_id",
    "participant.id",
    "session_end.person_id",
];
/// Who leaves it.
pub(crate) const ERASED: &str = "client-forgotten";
const UPLOADS: &str = "/messaging/attachments";

/// What was stored, and where it can be seen.
pub(crate) struct Seeded {
    /// The person's picture, as it is kept.
    pub(crate) picture: Vec<u8>,
    /// Links to that picture, and to the archives of the person and of the salon.
    pub(crate) links: Vec<String>,
    /// The files of everybody else.
    pub(crate) others: BTreeSet<String>,
}

/// The two who pair, at the REST interface, and their conversation.
struct Pair<'a> {
    fixture: &'a Fixture,
    salon: Person,
    client: Person,
    rest: Rest,
    path: String,
}

/// Stores the marker everywhere that a person's data can be.
pub(crate) async fn seed(fixture: &mut Fixture) -> Result<Seeded, Fault> {
    let salon = Person::salon("salon-1", "Encre Noire");
    fixture.salon_mail(true).await?;
    let others = seed_other_client(fixture, &salon).await?;
    set_profile(fixture, &format!("{MARKER}@client.example")).await?;
    let client = Person::new(ERASED, "client");
    let conversation = fixture.app.conversation_about("booking-1", &salon, &client).await?;

    // By mail at first: afterwards no mail reaches them.
    fixture.app.message(&salon, &conversation, "Bonjour").await?;
    let mail = fixture.mail_server.mail().await?;
    reply::answer(&fixture.app, &mail, &format!("Par courriel, {MARKER}")).await?;

    let rest = fixture.app.rest(&client)?;
    let path = format!("/messaging/conversations/{conversation}");
    let pair = Pair { fixture, salon, client, rest, path };
    pair.write().await?;
    let picture = pair.photos().await?;
    pair.fail_mail(&conversation).await?;
    pair.report_booking().await?;
    pair.set_preferences(&conversation).await?;
    let mut links = vec![archive(&pair.rest).await?];
    links.push(archive(&fixture.app.rest(&pair.salon)?).await?);
    links.push(picture.clone());
    Ok(Seeded { picture: fetch(&picture).await?.bytes, links, others })
}

/// Another client of the salon sends a picture and a message; both stay.
async fn seed_other_client(fixture: &Fixture, salon: &Person) -> Result<BTreeSet<String>, Fault> {
    let other = Person::client("client-2", "Camille", "Martin");
    let conversation = fixture.app.conversation(salon, &other).await?;
    let rest = fixture.app.rest(&other)?;
    let body = json!({ "content": "Je reste", "attachments": [{ "attachmentId": upload(&rest, "bras", &small_jpeg()).await? }] });
    let path = format!("/messaging/conversations/{conversation}/messages");
    rest.post(&path, &body).await?.expect(201)?;
    fixture.file_names()
}

async fn set_profile(fixture: &Fixture, email: &str) -> Result<(), Fault> {
    let entry = json!({
        "role": "client", "firstName": MARKER, "lastName": format!("de {MARKER}"),
        "image": format!("https://utfs.io/f/{MARKER}"), "email": email,
    });
    register(&fixture.app, ERASED, &entry).await
}

impl Pair<'_> {
    /// Words, under a key, and a subject.
    async fn write(&self) -> Result<(), Fault> {
        let message = json!({
            "content": format!("Bonjour, ici {MARKER}"),
            "clientMessageId": format!("key-of-{MARKER}"),
        });
        self.rest.post(&format!("{}/messages", self.path), &message).await?.expect(201)?;
        let subject = json!({ "subject": format!("Tatouage de {MARKER}") });
        let salon = self.fixture.app.rest(&self.salon)?;
        salon.patch(&self.path, &subject).await?.expect(200)?;
        let under_way = "job WHERE kind = 'send_mail' AND attempts > 0 AND dead_at IS NULL";
        self.fixture.wait_for_rows("mail under way to the salon", under_way).await
    }

    /// A picture that is sent and one that is not. Returns a link to the first.
    async fn photos(&self) -> Result<String, Fault> {
        let sent = json!({ "content": "", "attachments": [{ "attachmentId": upload(&self.rest, MARKER, &phone_photo()).await? }] });
        let answer =
            self.rest.post(&format!("{}/messages", self.path), &sent).await?.expect(201)?;
        upload(&self.rest, &format!("{MARKER} encore"), &phone_photo()).await?;
        text(&answer["attachments"][0], "fileUrl")
    }

    /// An address that nobody has, and one that refuses what is said.
    async fn fail_mail(&self, conversation: &str) -> Result<(), Fault> {
        let Self { fixture, salon, .. } = self;
        set_profile(fixture, &format!("unknown@{MARKER}.example")).await?;
        fixture.app.message(salon, conversation, "Êtes-vous là ?").await?;
        fixture.wait_for_rows("a suppressed address", "suppressed_address").await?;
        set_profile(fixture, &format!("spam@{MARKER}.example")).await?;
        fixture.app.message(salon, conversation, "Vraiment ?").await?;
        fixture.wait_for_rows("a dead letter", "job WHERE dead_at IS NOT NULL").await
    }

    /// The platform reports a booking by name.
    async fn report_booking(&self) -> Result<(), Fault> {
        let report = Report::new("confirmed", "booking-1", &self.salon.id, &self.client.id)
            .with("clientFirstName", MARKER);
        report.send(&self.fixture.app.rest(&booking_service())?).await?.expect(202)?;
        let handled = "appointment_event WHERE handled_at IS NOT NULL";
        self.fixture.wait_for_rows("a booking handled", handled).await
    }

    /// What they want of mail.
    async fn set_preferences(&self, conversation: &str) -> Result<(), Fault> {
        let wish = json!({ "emailFrequency": "DAILY", "timeZone": "Europe/Brussels" });
        self.rest.patch("/notification-preferences", &wish).await?.expect(200)?;
        let which = json!({ "conversationId": conversation });
        self.rest.post("/notification-preferences/mute", &which).await?.expect(201).map(drop)
    }
}

/// Uploads a picture under this name. Returns its id.
pub(crate) async fn upload(who: &Rest, name: &str, bytes: &[u8]) -> Result<String, Fault> {
    let name = format!("{name}.jpg");
    let file = FormFile { name: &name, media_type: "image/jpeg", bytes };
    text(&file.post(who, UPLOADS).await?.expect(201)?, "id")
}

/// Asks for somebody's archive until there is a link to it.
pub(crate) async fn archive(rest: &Rest) -> Result<String, Fault> {
    wait::until("an archive", async || {
        let answer = rest.get("/messaging/me/export").await?;
        Ok(answer.body["url"].as_str().map(str::to_owned))
    })
    .await
}
