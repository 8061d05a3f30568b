//! Hostile input against the real server: refused with a reason, nothing stored, nobody else harmed (G9).

mod rest;
mod sockets;

use rig::{Fault, fault::same, person::Person, stage::Stage};

const SERVER: &str = env!("CARGO_BIN_EXE_messaging-server");

/// A conversation between two people who behave.
struct Scene {
    stage: Stage,
    client: Person,
    conversation: String,
}

impl Scene {
    async fn set() -> Result<Self, Fault> {
        let stage = Stage::set(SERVER).await?;
        let salon = Person::salon("salon-1", "Encre Noire");
        let client = Person::client("client-1", "Camille", "Martin");
        let conversation = stage.conversation(&salon, &client).await?;
        Ok(Self { stage, client, conversation })
    }

    /// Nothing was stored since `before`, and the server still serves.
    async fn is_unharmed(&self, before: &str) -> Result<(), Fault> {
        let after = self.stage.database.digest().await?;
        same("what is stored", after.as_str(), before)?;
        let alive = self.stage.anonymous().get("/health/live").await?;
        same("its health", alive.status, 200)
    }
}
