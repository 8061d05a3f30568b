//! A bad day for mail: the mail server refuses again and again, and the messaging server is killed in
//! the middle of it. Every notice arrives all the same, and what arrives twice can be recognised.

use std::collections::{BTreeMap, HashSet};

use serde_json::json;

use crate::{
    Fault,
    appointment::booking_service,
    database::Database,
    fault::same,
    person::{self, Person},
    rest::Rest,
    server::Server,
    smtp::{Email, MailServer, all_settled},
    test_app::text,
    wait,
};

/// What the messaging server needs for it: mail at once, and no long waits after a failure.
pub const SETTINGS: [(&str, &str); 9] = [
    ("MAIL_FROM", "noreply@mail.example.org"),
    ("MAIL_DELAY_MS", "0"),
    ("MAIL_DELIVERY_TIMEOUT_MS", "900"),
    // What a kill cuts off comes back when its lease has run out.
    ("JOBS_LEASE_MS", "1000"),
    ("JOBS_POLL_INTERVAL_MS", "20"),
    ("JOBS_ATTEMPTS_MAX", "100"),
    ("JOBS_FIRST_RETRY_MS", "20"),
    ("JOBS_LONGEST_RETRY_MS", "500"),
    ("JOBS_AT_ONCE_MAX", "8"),
];

/// How bad the day is.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// People who are each written to once.
    pub notices: usize,
    /// How often the messaging server is killed.
    pub kills: usize,
}

impl Plan {
    /// How many notices have arrived when the server is killed for the next time; between every two
    /// kills there are as many as chance would have it.
    fn arrived_before_kill(self, killed: usize) -> usize {
        let even = self.notices * (killed + 1) / (self.kills + 1);
        (even + killed * 7 % 5).min(self.notices - 1)
    }
}

/// Writes to everybody, and collects their mail while the messaging server is killed again and again.
///
/// # Errors
/// When a mail does not arrive, arrives twice under two ids, or something is left undone.
pub async fn run(
    plan: Plan,
    server: &mut Server,
    database: &Database,
    post: &mut MailServer,
) -> Result<Outcome, Fault> {
    let conversations = prepare(plan.notices, server).await?;
    let salon = salon(server)?;
    let writing = write(&salon, &conversations);
    let collecting = collect(plan, server, post);
    let ((), mut outcome) = tokio::try_join!(writing, collecting)?;

    all_settled(database).await?;
    // A mail that was handed over twice may arrive for the second time now.
    for letter in post.arrived()? {
        outcome.add(&letter);
    }
    outcome.retries = server.log()?.matches("a job is tried again later").count();
    outcome.checked(plan)
}

async fn collect(plan: Plan, server: &mut Server, post: &mut MailServer) -> Result<Outcome, Fault> {
    let mut outcome = Outcome::default();
    while outcome.delivered() < plan.notices {
        outcome.add(&post.mail().await?);
        let is_due = outcome.delivered() > plan.arrived_before_kill(outcome.kills);
        if outcome.kills < plan.kills && is_due {
            server.restart().await?;
            outcome.kills += 1;
        }
    }
    Ok(outcome)
}

/// The most people that the directory takes in one request.
const BATCH: usize = 1_000;

/// The salon, at the REST interface.
fn salon(server: &Server) -> Result<Rest, Fault> {
    rest(server, &Person::salon("salon", "Encre Noire"))
}

/// Enters so many clients, and opens a conversation with each in which nothing is said yet.
async fn prepare(clients: usize, server: &Server) -> Result<Vec<String>, Fault> {
    let (service, salon) = (rest(server, &booking_service())?, salon(server)?);
    let numbers: Vec<usize> = (0..clients).collect();
    for some in numbers.chunks(BATCH) {
        let people: Vec<_> = some
            .iter()
            .map(|number| {
                let (id, email) =
                    (format!("client-{number}"), format!("client-{number}@example.org"));
                json!({ "id": id, "role": "client", "firstName": "Camille", "email": email })
            })
            .collect();
        let entries = json!({ "participants": people });
        service.post("/internal/participants:batch", &entries).await?.expect(204)?;
    }
    let mut conversations = Vec::new();
    for number in numbers {
        let new = json!({ "clientUserId": format!("client-{number}") });
        let opened = salon.post("/messaging/conversations", &new).await?.expect(201)?;
        conversations.push(text(&opened, "id")?);
    }
    Ok(conversations)
}

/// Writes once in each conversation, again and again until the server takes it.
async fn write(salon: &Rest, conversations: &[String]) -> Result<(), Fault> {
    for (number, conversation) in conversations.iter().enumerate() {
        let path = format!("/messaging/conversations/{conversation}/messages");
        let key = format!("notice-{number}");
        let message = json!({ "content": "Votre dessin est prêt.", "clientMessageId": key });
        wait::until("a message taken", async || {
            // The server may be killed just now; whether it took the message, the key will tell.
            let answer = salon.post(&path, &message).await.ok();
            Ok(answer.filter(|answer| matches!(answer.status, 200 | 201)))
        })
        .await?;
    }
    Ok(())
}

fn rest(server: &Server, person: &Person) -> Result<Rest, Fault> {
    let token = person::mint(server.secret(), person, person::LIFETIME_S)?;
    Ok(Rest::new(&server.url()).with_token(&token))
}

/// What arrived.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// By recipient, the ids of the mails and how often each arrived.
    mails: BTreeMap<String, HashSet<String>>,
    copies: usize,
    /// How often the messaging server was killed.
    pub kills: usize,
    /// How often a job was put off because the mail server refused.
    pub retries: usize,
}

impl Outcome {
    fn add(&mut self, letter: &Email) {
        self.copies += 1;
        self.mails.entry(letter.to.clone()).or_default().insert(letter.header("Message-ID"));
    }

    /// People who got mail.
    pub fn delivered(&self) -> usize {
        self.mails.len()
    }

    /// Mails that arrived again, under the id that they had.
    pub fn repeated(&self) -> usize {
        self.copies - self.mails.len()
    }

    /// The outcome, if it is as it must be.
    fn checked(self, plan: Plan) -> Result<Self, Fault> {
        same("people who were told", self.delivered(), plan.notices)?;
        same("kills", self.kills, plan.kills)?;
        let told_twice = self.mails.values().filter(|ids| ids.len() != 1).count();
        same("people told twice under two ids", told_twice, 0)?;
        let nameless = self.mails.values().flatten().filter(|id| id.is_empty()).count();
        same("mails without an id", nameless, 0)?;
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(to: &str, id: &str) -> Email {
        Email { to: to.to_owned(), source: format!("Message-ID: {id}\r\n\r\n") }
    }

    #[test]
    fn a_mail_that_arrives_again_is_counted_and_one_under_a_new_id_is_a_fault() {
        let plan = Plan { notices: 1, kills: 0 };
        let mut outcome = Outcome::default();
        outcome.add(&letter("lea@example.org", "<1@a>"));
        outcome.add(&letter("lea@example.org", "<1@a>"));
        assert_eq!((outcome.delivered(), outcome.repeated()), (1, 1));
        assert!(outcome.clone().checked(plan).is_ok());
        assert!(outcome.clone().checked(Plan { notices: 2, ..plan }).is_err());
        outcome.add(&letter("lea@example.org", "<2@a>"));
        assert!(outcome.checked(plan).is_err());
    }
}
