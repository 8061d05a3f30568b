//! A running server with a database of its own, as most tests need it.

use std::{path::PathBuf, thread};

use serde_json::{Value, json};
use xtask::workspace;

use crate::{
    Fault,
    database::{self, Database},
    person::{self, Person},
    rest::Rest,
    server::{Launch, Server},
    socket::Socket,
};

/// A running server and its database. Both go with it, the server first.
#[derive(Debug)]
pub struct TestApp {
    /// The server.
    pub server: Server,
    /// Its database.
    pub database: Database,
}

impl TestApp {
    /// A ready server on a fresh database of the tests' cluster.
    ///
    /// # Errors
    /// When either cannot be started.
    pub async fn start(binary: &str) -> Result<Self, Fault> {
        Self::start_with(binary, &[]).await
    }

    /// The same, with further settings.
    ///
    /// # Errors
    /// See [`start`](Self::start).
    pub async fn start_with(binary: &str, settings: &[(&str, &str)]) -> Result<Self, Fault> {
        let database = Database::fresh().await?;
        Self::start_on(binary, database, settings).await
    }

    /// A ready server on this database.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn start_on(
        binary: &str,
        database: Database,
        settings: &[(&str, &str)],
    ) -> Result<Self, Fault> {
        let mut launch = Launch::new(binary, &database.url(), log_of_this_test());
        for (name, value) in settings {
            launch = launch.with(name, value);
        }
        let server = Server::start(launch).await?;
        Ok(Self { server, database })
    }

    /// A good token for somebody.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn token(&self, person: &Person) -> Result<String, Fault> {
        person::mint(self.server.secret(), person, person::LIFETIME_S)
    }

    /// Somebody at the REST interface.
    ///
    /// # Errors
    /// When their token cannot be signed.
    pub fn rest(&self, person: &Person) -> Result<Rest, Fault> {
        Ok(self.anonymous().with_token(&self.token(person)?))
    }

    /// Nobody at the REST interface.
    pub fn anonymous(&self) -> Rest {
        Rest::new(&self.server.url())
    }

    /// Somebody at the Socket.IO interface.
    ///
    /// # Errors
    /// When the server does not let them in.
    pub async fn socket(&self, person: &Person) -> Result<Socket, Fault> {
        let token = self.token(person)?;
        Ok(Socket::connect(&self.server.url(), &token).await?)
    }

    /// Has the server get to know somebody: it learns names from tokens.
    ///
    /// # Errors
    /// When it does not answer as it must.
    pub async fn introduce(&self, person: &Person) -> Result<(), Fault> {
        let answer = self.rest(person)?.get("/messaging/conversations/unread/total").await?;
        answer.expect(200).map(drop)
    }

    /// Has a salon open a conversation about a new appointment. Both are introduced.
    ///
    /// # Errors
    /// When the server does not open it.
    pub async fn conversation(&self, salon: &Person, client: &Person) -> Result<String, Fault> {
        self.introduce(salon).await?;
        self.introduce(client).await?;
        self.conversation_about(&database::id("appointment"), salon, client).await
    }

    /// Has a salon open a conversation about an appointment. Both are known already.
    ///
    /// # Errors
    /// When the server does not open it.
    pub async fn conversation_about(
        &self,
        appointment: &str,
        salon: &Person,
        client: &Person,
    ) -> Result<String, Fault> {
        let new = json!({
            "clientUserId": client.id,
            "appointmentId": appointment,
            "subject": "Rendez-vous",
        });
        let answer = self.rest(salon)?.post("/messaging/conversations", &new).await?;
        text(&answer.expect(201)?, "id")
    }

    /// Has somebody send a message by REST.
    ///
    /// # Errors
    /// When the server does not take it.
    pub async fn message(
        &self,
        author: &Person,
        conversation: &str,
        content: &str,
    ) -> Result<Value, Fault> {
        let path = format!("/messaging/conversations/{conversation}/messages");
        let body = json!({ "content": content });
        self.rest(author)?.post(&path, &body).await?.expect(201)
    }
}

/// A string field of an answer.
///
/// # Errors
/// When it is not there.
pub fn text(value: &Value, field: &str) -> Result<String, Fault> {
    let text = value[field].as_str().map(str::to_owned);
    text.ok_or_else(|| Fault::new(format!("no {field} in {value}")))
}

/// Where the server of the running test logs to: a file that bears the test's name.
pub fn log_of_this_test() -> PathBuf {
    let thread = thread::current();
    let test = thread.name().unwrap_or("main").replace("::", "-");
    workspace::target().join("testkit").join(format!("{test}.log"))
}
