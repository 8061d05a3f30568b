//! A word that stands in everything that one person leaves.

use std::collections::BTreeSet;

use media::testing::{phone_photo, small_jpeg};
use serde_json::json;
use testkit::{
    Fault,
    appointment::{Report, booking_service, register},
    person::Person,
    rest::{FormFile, Rest, fetch},
    stage::text,
    wait,
};

use crate::{house::House, reply};

/// The word.
pub(crate) const WORD: &str = "Zerbinette";
/// Who leaves it.
pub(crate) const PERSON: &str = "client-forgotten";
const UPLOADS: &str = "/messaging/attachments";

/// What was planted, and where it can be seen.
pub(crate) struct Planted {
    /// The person's picture, as it is kept.
    pub(crate) picture: Vec<u8>,
    /// Links to that picture, and to the archives of the person and of the salon.
    pub(crate) links: Vec<String>,
    /// The files of everybody else.
    pub(crate) others: BTreeSet<String>,
}

/// The two who talk, at the REST interface, and their conversation.
struct Talk<'a> {
    house: &'a House,
    salon: Person,
    client: Person,
    rest: Rest,
    path: String,
}

/// Has somebody leave the word wherever they can.
pub(crate) async fn plant(house: &mut House) -> Result<Planted, Fault> {
    let salon = Person::salon("salon-1", "Encre Noire");
    house.salon_mail(true).await?;
    let others = somebody_else(house, &salon).await?;
    call_them(house, &format!("{WORD}@client.example")).await?;
    let client = Person::new(PERSON, "client");
    let conversation = house.stage.conversation_about("booking-1", &salon, &client).await?;

    // By mail at first: afterwards no mail reaches them.
    house.stage.message(&salon, &conversation, "Bonjour").await?;
    let mail = house.post.mail().await?;
    reply::answer(&house.stage, &mail, &format!("Par courriel, {WORD}")).await?;

    let rest = house.stage.rest(&client)?;
    let path = format!("/messaging/conversations/{conversation}");
    let talk = Talk { house, salon, client, rest, path };
    talk.write().await?;
    let picture = talk.photos().await?;
    talk.lose_mail(&conversation).await?;
    talk.be_booked().await?;
    talk.wish(&conversation).await?;
    let mut links = vec![archive(&talk.rest).await?];
    links.push(archive(&house.stage.rest(&talk.salon)?).await?);
    links.push(picture.clone());
    Ok(Planted { picture: fetch(&picture).await?.bytes, links, others })
}

/// Another client of the salon sends a picture and a message; both stay.
async fn somebody_else(house: &House, salon: &Person) -> Result<BTreeSet<String>, Fault> {
    let other = Person::client("client-2", "Camille", "Martin");
    let conversation = house.stage.conversation(salon, &other).await?;
    let rest = house.stage.rest(&other)?;
    let body = json!({ "content": "Je reste", "attachments": [{ "attachmentId": upload(&rest, "bras", &small_jpeg()).await? }] });
    let path = format!("/messaging/conversations/{conversation}/messages");
    rest.post(&path, &body).await?.expect(201)?;
    house.kept()
}

async fn call_them(house: &House, email: &str) -> Result<(), Fault> {
    let entry = json!({
        "role": "client", "firstName": WORD, "lastName": format!("de {WORD}"),
        "image": format!("https://utfs.io/f/{WORD}"), "email": email,
    });
    register(&house.stage, PERSON, &entry).await
}

impl Talk<'_> {
    /// Words, under a key, and a subject.
    async fn write(&self) -> Result<(), Fault> {
        let message = json!({
            "content": format!("Bonjour, ici {WORD}"),
            "clientMessageId": format!("key-of-{WORD}"),
        });
        self.rest.post(&format!("{}/messages", self.path), &message).await?.expect(201)?;
        let subject = json!({ "subject": format!("Tatouage de {WORD}") });
        let salon = self.house.stage.rest(&self.salon)?;
        salon.patch(&self.path, &subject).await?.expect(200)?;
        let under_way = "job WHERE kind = 'send_mail' AND attempts > 0 AND dead_at IS NULL";
        self.house.some("mail under way to the salon", under_way).await
    }

    /// A picture that is sent and one that is not. Returns a link to the first.
    async fn photos(&self) -> Result<String, Fault> {
        let sent = json!({ "content": "", "attachments": [{ "attachmentId": upload(&self.rest, WORD, &phone_photo()).await? }] });
        let answer =
            self.rest.post(&format!("{}/messages", self.path), &sent).await?.expect(201)?;
        upload(&self.rest, &format!("{WORD} encore"), &phone_photo()).await?;
        text(&answer["attachments"][0], "fileUrl")
    }

    /// An address that nobody has, and one that refuses what is said.
    async fn lose_mail(&self, conversation: &str) -> Result<(), Fault> {
        let Self { house, salon, .. } = self;
        call_them(house, &format!("unknown@{WORD}.example")).await?;
        house.stage.message(salon, conversation, "Êtes-vous là ?").await?;
        house.some("a suppressed address", "suppressed_address").await?;
        call_them(house, &format!("spam@{WORD}.example")).await?;
        house.stage.message(salon, conversation, "Vraiment ?").await?;
        house.some("a dead letter", "job WHERE dead_at IS NOT NULL").await
    }

    /// The platform reports a booking by name.
    async fn be_booked(&self) -> Result<(), Fault> {
        let report = Report::new("confirmed", "booking-1", &self.salon.id, &self.client.id)
            .with("clientFirstName", WORD);
        report.send(&self.house.stage.rest(&booking_service())?).await?.expect(202)?;
        let handled = "appointment_event WHERE handled_at IS NOT NULL";
        self.house.some("a booking told of", handled).await
    }

    /// What they want of mail.
    async fn wish(&self, conversation: &str) -> Result<(), Fault> {
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
