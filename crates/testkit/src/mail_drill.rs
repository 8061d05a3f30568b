//! A mail drill: the mail server fails repeatedly and the messaging server is killed. Every notification
//! must still arrive, and duplicates must be recognisable by their Message-ID.

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

/// Settings of the messaging server: mail without delay, and short retry intervals.
pub const SETTINGS: [(&str, &str); 9] = [
    ("MAIL_FROM", "noreply@mail.example.org"),
    ("MAIL_DELAY_MS", "0"),
    ("MAIL_DELIVERY_TIMEOUT_MS", "900"),
    // Jobs interrupted by a kill are retried after their lease expires.
    ("JOBS_LEASE_MS", "1000"),
    ("JOBS_POLL_INTERVAL_MS", "20"),
    ("JOBS_ATTEMPTS_MAX", "100"),
    ("JOBS_FIRST_RETRY_MS", "20"),
    ("JOBS_LONGEST_RETRY_MS", "500"),
    ("JOBS_AT_ONCE_MAX", "8"),
];

/// The parameters of the drill.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// The number of people, each notified once.
    pub notices: usize,
    /// How often the messaging server is killed.
    pub kills: usize,
}

impl Plan {
    /// The number of arrived notifications at which the server is killed next. The intervals between
    /// kills vary.
    fn arrived_before_kill(self, killed: usize) -> usize {
        let even = self.notices * (killed + 1) / (self.kills + 1);
        (even + killed * 7 % 5).min(self.notices - 1)
    }
}

/// Notifies everybody, and collects their mail while the messaging server is killed repeatedly.
///
/// # Errors
/// When a mail does not arrive, arrives under two ids, or work stays pending.
pub async fn run(
    plan: Plan,
    server: &mut Server,
    database: &Database,
    mail_server: &mut MailServer,
) -> Result<Outcome, Fault> {
    let conversations = prepare(plan.notices, server).await?;
    let salon = salon(server)?;
    let writing = write(&salon, &conversations);
    let collecting = collect(plan, server, mail_server);
    let ((), mut outcome) = tokio::try_join!(writing, collecting)?;

    all_settled(database).await?;
    // A mail that was delivered twice may arrive a second time only now.
    for email in mail_server.arrived()? {
        outcome.add(&email);
    }
    outcome.retries = server.log()?.matches("a job is tried again later").count();
    outcome.checked(plan)
}

async fn collect(
    plan: Plan,
    server: &mut Server,
    mail_server: &mut MailServer,
) -> Result<Outcome, Fault> {
    let mut outcome = Outcome::default();
    while outcome.delivered() < plan.notices {
        outcome.add(&mail_server.mail().await?);
        let is_due = outcome.delivered() > plan.arrived_before_kill(outcome.kills);
        if outcome.kills < plan.kills && is_due {
            server.restart().await?;
            outcome.kills += 1;
        }
    }
    Ok(outcome)
}

/// Maximum people in one request to the directory.
const BATCH: usize = 1_000;

/// A REST client for the salon.
fn salon(server: &Server) -> Result<Rest, Fault> {
    rest(server, &Person::salon("salon", "Encre Noire"))
}

/// Registers the clients, and opens an empty conversation with each.
async fn prepare(clients: usize, server: &Server) -> Result<Vec<String>, Fault> {
    let (service, salon) = (rest(server, &booking_service())?, salon(server)?);
    let numbers: Vec<usize> = (0..clients).collect();
    for batch in numbers.chunks(BATCH) {
        let people: Vec<_> = batch
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

/// Sends one message in each conversation, and retries until the server accepts it.
async fn write(salon: &Rest, conversations: &[String]) -> Result<(), Fault> {
    for (number, conversation) in conversations.iter().enumerate() {
        let path = format!("/messaging/conversations/{conversation}/messages");
        let key = format!("notice-{number}");
        let message = json!({ "content": "Votre dessin est prêt.", "clientMessageId": key });
        wait::until("an accepted message", async || {
            // The server may be down; the idempotency key makes the retry safe.
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

/// The mails that arrived.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The ids of the mails, by recipient.
    mails: BTreeMap<String, HashSet<String>>,
    copies: usize,
    /// How often the messaging server was killed.
    pub kills: usize,
    /// How often a job was retried because the mail server refused.
    pub retries: usize,
}

impl Outcome {
    fn add(&mut self, email: &Email) {
        self.copies += 1;
        self.mails.entry(email.to.clone()).or_default().insert(email.header("Message-ID"));
    }

    /// The number of people who got mail.
    pub fn delivered(&self) -> usize {
        self.mails.len()
    }

    /// The number of mails that arrived again under the same id.
    pub fn repeated(&self) -> usize {
        self.copies - self.mails.len()
    }

    /// Checks the outcome.
    fn checked(self, plan: Plan) -> Result<Self, Fault> {
        same("people who got mail", self.delivered(), plan.notices)?;
        same("kills", self.kills, plan.kills)?;
        let duplicates = self.mails.values().filter(|ids| ids.len() != 1).count();
        same("people who got mail under two ids", duplicates, 0)?;
        let nameless = self.mails.values().flatten().filter(|id| id.is_empty()).count();
        same("mails without an id", nameless, 0)?;
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn email(to: &str, id: &str) -> Email {
        Email { to: to.to_owned(), source: format!("Message-ID: {id}\r\n\r\n") }
    }

    #[test]
    fn a_mail_that_arrives_again_is_counted_and_one_under_a_new_id_is_a_fault() {
        let plan = Plan { notices: 1, kills: 0 };
        let mut outcome = Outcome::default();
        outcome.add(&email("lea@example.org", "<1@a>"));
        outcome.add(&email("lea@example.org", "<1@a>"));
        assert_eq!((outcome.delivered(), outcome.repeated()), (1, 1));
        assert!(outcome.clone().checked(plan).is_ok());
        assert!(outcome.clone().checked(Plan { notices: 2, ..plan }).is_err());
        outcome.add(&email("lea@example.org", "<2@a>"));
        assert!(outcome.checked(plan).is_err());
    }
}
