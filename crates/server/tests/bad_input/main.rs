//! Hostile input against the real server: refused with a reason, nothing stored, nobody else harmed (G9).

mod bystander;
mod greed;
mod polling;
mod rest;
mod sockets;
mod upgrade;

use testkit::{Fault, fault::same, person::Person, stage::Stage};

const SERVER: &str = env!("CARGO_BIN_EXE_messaging-server");

/// A conversation, somebody to whom it is none of their business, and two bystanders with one of their own.
struct Scene {
    stage: Stage,
    salon: Person,
    client: Person,
    stranger: Person,
    conversation: String,
    rival: Person,
    regular: Person,
    other_conversation: String,
}

impl Scene {
    async fn set() -> Result<Self, Fault> {
        Self::set_with(&[]).await
    }

    async fn set_with(settings: &[(&str, &str)]) -> Result<Self, Fault> {
        // What jobs do to the tables is nobody's request.
        let settings = [settings, &[("JOBS_RUN", "off")]].concat();
        let stage = Stage::set_with(SERVER, &settings).await?;
        let salon = Person::salon("salon-1", "Encre Noire");
        let client = Person::client("client-1", "Camille", "Martin");
        let stranger = Person::client("client-2", "Dominique", "Petit");
        let conversation = stage.conversation(&salon, &client).await?;
        stage.introduce(&stranger).await?;
        let rival = Person::salon("salon-2", "Au Fil Rouge");
        let regular = Person::client("client-3", "Alix", "Durand");
        let other_conversation = stage.conversation(&rival, &regular).await?;
        Ok(Self {
            stage,
            salon,
            client,
            stranger,
            conversation,
            rival,
            regular,
            other_conversation,
        })
    }

    /// Nothing was stored since `before`, and the server still serves.
    async fn is_unharmed(&self, before: &str) -> Result<(), Fault> {
        let after = self.stage.database.digest().await?;
        same("what is stored", after.as_str(), before)?;
        self.is_alive().await
    }

    /// The server serves, and nothing in it panicked.
    async fn is_alive(&self) -> Result<(), Fault> {
        let alive = self.stage.anonymous().get("/health/live").await?;
        same("its health", alive.status, 200)?;
        let log = self.stage.server.log()?;
        match log.lines().find(|line| line.contains("panicked")) {
            None => Ok(()),
            Some(line) => Err(Fault::new(format!("something panicked: {line}"))),
        }
    }
}
