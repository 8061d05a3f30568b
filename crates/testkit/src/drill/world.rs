//! A service in which something of everything is there.

use serde_json::{Value, json};

use super::Plan;
use crate::{
    Fault,
    appointment::{Report, booking_service},
    multipart::FormFile,
    person::Person,
    rest::Rest,
    stage::{Stage, text},
    wait,
};

/// What the client who is to be forgotten is called, and writes in everything.
pub(super) const WORD: &str = "Zerbinette";
/// Refused for ever by the mail server: what is written to it ends as a dead letter.
const REFUSED: &str = "spam@example.org";
const PHOTO: &[u8] = include_bytes!("../../assets/phone-photo.jpg");

/// Everybody there is.
pub(super) struct World {
    pub(super) salons: [Person; 2],
    /// The first is to be forgotten.
    pub(super) clients: Vec<Person>,
}

impl World {
    /// Everybody, as they will be.
    pub(super) fn of(plan: &Plan) -> Self {
        let client = |number: usize| {
            let first_name = if number == 0 { WORD } else { "Camille" };
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

    /// Who is to be forgotten.
    pub(super) fn leaving(&self) -> &Person {
        &self.clients[0]
    }

    /// Everybody but who is to be forgotten.
    pub(super) fn staying(&self) -> impl Iterator<Item = &Person> {
        self.salons.iter().chain(&self.clients[1..])
    }

    /// Everybody.
    pub(super) fn people(&self) -> impl Iterator<Item = &Person> {
        self.salons.iter().chain(&self.clients)
    }

    /// Has everybody do what people do.
    pub(super) async fn fill(&self, stage: &Stage, messages: usize) -> Result<(), Fault> {
        self.register(&stage.rest(&booking_service())?).await?;
        for (number, client) in self.clients.iter().enumerate() {
            let salon = &self.salons[number % 2];
            let conversation =
                stage.conversation_about(&format!("booking-{number}"), salon, client).await?;
            let talk = Talk { stage, salon, client, conversation };
            talk.talk(messages).await?;
            if number % 3 == 0 {
                talk.photo(client).await?;
                talk.photo(salon).await?;
            }
            if number % 4 == 1 {
                talk.read_by(salon).await?;
                talk.mute(client).await?;
            }
        }
        book(stage, &self.salons[0], self.leaving()).await?;
        for person in [&self.clients[0], &self.clients[1], &self.salons[0]] {
            archive(&stage.rest(person)?).await?;
        }
        Ok(())
    }

    async fn register(&self, service: &Rest) -> Result<(), Fault> {
        let client = |(number, person): (usize, &Person)| {
            let email = match number {
                0 => format!("{WORD}@example.org"),
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

/// A salon and a client who talk.
struct Talk<'a> {
    stage: &'a Stage,
    salon: &'a Person,
    client: &'a Person,
    conversation: String,
}

impl Talk<'_> {
    async fn talk(&self, messages: usize) -> Result<(), Fault> {
        let name = self.client.claims()["firstName"].as_str().unwrap_or_default();
        for number in 0..messages {
            let sent = if number % 2 == 0 {
                let words = format!("Bonjour, ici {name}, question {number}");
                self.stage.message(self.client, &self.conversation, &words).await?
            } else {
                let words = format!("Réponse {number}");
                self.stage.message(self.salon, &self.conversation, &words).await?
            };
            if number == 2 {
                let path = format!("/messaging/messages/{}", text(&sent, "id")?);
                self.stage.rest(self.client)?.delete(&path).await?.expect(204)?;
            }
        }
        Ok(())
    }

    async fn photo(&self, author: &Person) -> Result<(), Fault> {
        let rest = self.stage.rest(author)?;
        // What the other side writes is theirs, and stays.
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
        self.stage.rest(reader)?.call("PATCH", &path, None).await?.expect(204).map(drop)
    }

    async fn mute(&self, person: &Person) -> Result<(), Fault> {
        let rest = self.stage.rest(person)?;
        let wish = json!({ "emailFrequency": "HOURLY" });
        rest.patch("/notification-preferences", &wish).await?.expect(200)?;
        let which = json!({ "conversationId": self.conversation });
        rest.post("/notification-preferences/mute", &which).await?.expect(201).map(drop)
    }
}

/// The platform reports an appointment of the two.
async fn book(stage: &Stage, salon: &Person, client: &Person) -> Result<(), Fault> {
    let report =
        Report::new("confirmed", "booking-0", &salon.id, &client.id).with("clientFirstName", WORD);
    report.send(&stage.rest(&booking_service())?).await?.expect(202).map(drop)
}

/// Asks for an archive of one's data until it can be fetched.
async fn archive(rest: &Rest) -> Result<(), Fault> {
    wait::until("an archive", async || {
        let answer = rest.get("/messaging/me/export").await?;
        Ok((answer.status == 200).then_some(()))
    })
    .await
}
