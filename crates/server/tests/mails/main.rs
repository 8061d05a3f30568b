//! Mail about messages that wait, at a real mail server (D15). Nobody waits an hour here: settings are
//! short, or the database is told that an hour has passed.

mod bad_day;
mod hours;
mod operator;
mod refused;
mod replies;
mod secrecy;
mod trouble;
mod waiting;
mod wishes;

use serde_json::json;
use testkit::{
    Fault,
    appointment::register,
    fault::same,
    person::Person,
    rest::Rest,
    smtp::{MailServer, all_settled},
    stage::Stage,
    wait,
};

pub(crate) const SERVER: &str = env!("CARGO_BIN_EXE_messaging-server");
/// Mail is decided about as soon as something waits.
pub(crate) const AT_ONCE: (&str, &str) = ("MAIL_DELAY_MS", "0");
/// What failed is tried again soon, and nothing is waited for very long.
pub(crate) const BRISK: [(&str, &str); 6] = [
    AT_ONCE,
    ("MAIL_DELIVERY_TIMEOUT_MS", "900"),
    ("JOBS_LEASE_MS", "2000"),
    ("JOBS_ATTEMPTS_MAX", "100"),
    ("JOBS_FIRST_RETRY_MS", "20"),
    ("JOBS_LONGEST_RETRY_MS", "100"),
];
/// Where the front end is.
pub(crate) const SITE: &str = "https://salon.example";

/// A salon, its clients, and their mail.
pub(crate) struct Scene {
    pub(crate) stage: Stage,
    pub(crate) post: MailServer,
    pub(crate) salon: Person,
}

/// A client who talks with the salon.
pub(crate) struct Guest {
    pub(crate) person: Person,
    pub(crate) rest: Rest,
    pub(crate) address: String,
    pub(crate) conversation: String,
}

impl Scene {
    pub(crate) async fn set(settings: &[(&str, &str)]) -> Result<Self, Fault> {
        let post = MailServer::start().await?;
        let url = post.url();
        Self::with(post, &url, settings).await
    }

    /// The same, with mail that leaves by this address.
    pub(crate) async fn with(
        post: MailServer,
        url: &str,
        settings: &[(&str, &str)],
    ) -> Result<Self, Fault> {
        let mut all = vec![
            ("MAIL_SMTP_URL", url),
            ("MAIL_FROM", "noreply@mail.example.org"),
            ("MAIL_SITE_URL", SITE),
            ("JOBS_POLL_INTERVAL_MS", "20"),
        ];
        all.extend(settings);
        let stage = Stage::set_with(SERVER, &all).await?;
        Ok(Self { stage, post, salon: Person::salon("salon-1", "Encre Noire") })
    }

    /// A client with an address, and a conversation with the salon in which nothing is said.
    pub(crate) async fn guest(&self, id: &str) -> Result<Guest, Fault> {
        let person = Person::client(id, "Camille", "Martin");
        let conversation = self.stage.conversation(&self.salon, &person).await?;
        let address = format!("{id}@example.org");
        let entry = json!({ "role": "client", "firstName": "Camille", "email": address });
        register(&self.stage, id, &entry).await?;
        Ok(Guest { rest: self.stage.rest(&person)?, person, address, conversation })
    }

    /// A number that the database knows.
    pub(crate) async fn count(&self, query: &str) -> Result<i64, Fault> {
        let row = self.stage.database.client().await?.query_one(query, &[]).await;
        Ok(row.map_err(Fault::while_doing("ask the database"))?.get(0))
    }

    /// Waits until as many mails were tried in vain.
    pub(crate) async fn setbacks(&self, mails: i64) -> Result<(), Fault> {
        let tried = "SELECT count(*) FROM messaging.job
            WHERE kind = 'send_mail' AND last_failure = 'mail_server_failed'";
        wait::until("mails tried in vain", async || {
            Ok((self.count(tried).await? >= mails).then_some(()))
        })
        .await
    }

    /// Waits until nothing is under way, and no mail arrived that nobody asked for.
    pub(crate) async fn nothing_more(&mut self) -> Result<(), Fault> {
        all_settled(&self.stage.database).await?;
        same("further mails", self.post.arrived()?, vec![])
    }

    /// The salon writes to a client.
    pub(crate) async fn tell(&self, guest: &Guest, words: &str) -> Result<(), Fault> {
        self.stage.message(&self.salon, &guest.conversation, words).await.map(drop)
    }
}
