//! Mail about unread messages, at a real mail server (D15). No test waits for an hour: settings are
//! short, or times in the database are moved back.

mod faults;
mod hours;
mod mail_server;
mod operator;
mod preferences;
mod refused;
mod replies;
mod secrecy;
mod unread;

use serde_json::json;
use testkit::{
    Fault,
    appointment::register,
    fault::same,
    person::Person,
    rest::Rest,
    smtp::{MailServer, all_settled},
    test_app::TestApp,
    wait,
};

pub(crate) const SERVER: &str = env!("CARGO_BIN_EXE_messaging-server");
/// Mail is decided about as soon as something waits.
pub(crate) const AT_ONCE: (&str, &str) = ("MAIL_DELAY_MS", "0");
/// What failed is tried again soon, and nothing is waited for very long.
pub(crate) const FAST_RETRIES: [(&str, &str); 6] = [
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
pub(crate) struct Fixture {
    pub(crate) app: TestApp,
    pub(crate) mail_server: MailServer,
    pub(crate) salon: Person,
}

/// A client with a conversation with the salon.
pub(crate) struct Recipient {
    pub(crate) person: Person,
    pub(crate) rest: Rest,
    pub(crate) address: String,
    pub(crate) conversation: String,
}

impl Fixture {
    pub(crate) async fn start(settings: &[(&str, &str)]) -> Result<Self, Fault> {
        let mail_server = MailServer::start().await?;
        let url = mail_server.url();
        Self::with(mail_server, &url, settings).await
    }

    /// The same, with mail that leaves by this address.
    pub(crate) async fn with(
        mail_server: MailServer,
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
        let app = TestApp::start_with(SERVER, &all).await?;
        Ok(Self { app, mail_server, salon: Person::salon("salon-1", "Encre Noire") })
    }

    /// A client with an address, and a conversation with the salon in which nothing is said.
    pub(crate) async fn recipient(&self, id: &str) -> Result<Recipient, Fault> {
        let person = Person::client(id, "Camille", "Martin");
        let conversation = self.app.conversation(&self.salon, &person).await?;
        let address = format!("{id}@example.org");
        let entry = json!({ "role": "client", "firstName": "Camille", "email": address });
        register(&self.app, id, &entry).await?;
        Ok(Recipient { rest: self.app.rest(&person)?, person, address, conversation })
    }

    /// A number that the database knows.
    pub(crate) async fn count(&self, query: &str) -> Result<i64, Fault> {
        let row = self.app.database.client().await?.query_one(query, &[]).await;
        Ok(row.map_err(Fault::while_doing("ask the database"))?.get(0))
    }

    /// Waits until as many mails were tried in vain.
    pub(crate) async fn retries(&self, mails: i64) -> Result<(), Fault> {
        let tried = "SELECT count(*) FROM messaging.job
            WHERE kind = 'send_mail' AND last_failure = 'mail_server_failed'";
        wait::until("mails tried in vain", async || {
            Ok((self.count(tried).await? >= mails).then_some(()))
        })
        .await
    }

    /// Waits until no work is left, and no unexpected mail has arrived.
    pub(crate) async fn nothing_more(&mut self) -> Result<(), Fault> {
        all_settled(&self.app.database).await?;
        same("further mails", self.mail_server.arrived()?, vec![])
    }

    /// The salon writes to a client.
    pub(crate) async fn send_message(
        &self,
        recipient: &Recipient,
        words: &str,
    ) -> Result<(), Fault> {
        self.app.message(&self.salon, &recipient.conversation, words).await.map(drop)
    }
}
