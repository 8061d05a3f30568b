//! Hostile input against the real server: refused with a reason, nothing stored, nobody else harmed (G9).

mod bystander;
mod polling;
mod resource_use;
mod rest;
mod sockets;
mod upgrade;

use testkit::{Fault, fault::same, person::Person, test_app::TestApp};

const SERVER: &str = env!("CARGO_BIN_EXE_messaging-server");

/// A conversation, somebody to whom it is none of their business, and two bystanders with one of their own.
struct Fixture {
    app: TestApp,
    salon: Person,
    client: Person,
    stranger: Person,
    conversation: String,
    rival: Person,
    regular: Person,
    other_conversation: String,
}

impl Fixture {
    async fn start() -> Result<Self, Fault> {
        Self::start_with(&[]).await
    }

    async fn start_with(settings: &[(&str, &str)]) -> Result<Self, Fault> {
        // Jobs would change the tables on their own.
        let settings = [settings, &[("JOBS_RUN", "off")]].concat();
        let app = TestApp::start_with(SERVER, &settings).await?;
        let salon = Person::salon("salon-1", "Encre Noire");
        let client = Person::client("client-1", "Camille", "Martin");
        let stranger = Person::client("client-2", "Dominique", "Petit");
        let conversation = app.conversation(&salon, &client).await?;
        app.introduce(&stranger).await?;
        let rival = Person::salon("salon-2", "Au Fil Rouge");
        let regular = Person::client("client-3", "Alix", "Durand");
        let other_conversation = app.conversation(&rival, &regular).await?;
        Ok(Self { app, salon, client, stranger, conversation, rival, regular, other_conversation })
    }

    /// Nothing was stored since `before`, and the server still serves.
    async fn is_unharmed(&self, before: &str) -> Result<(), Fault> {
        let after = self.app.database.digest().await?;
        same("what is stored", after.as_str(), before)?;
        self.is_alive().await
    }

    /// The server serves, and nothing in it panicked.
    async fn is_alive(&self) -> Result<(), Fault> {
        let alive = self.app.anonymous().get("/health/live").await?;
        same("its health", alive.status, 200)?;
        let log = self.app.server.log()?;
        match log.lines().find(|line| line.contains("panicked")) {
            None => Ok(()),
            Some(line) => Err(Fault::new(format!("something panicked: {line}"))),
        }
    }
}
