//! A running server with its own database, as most tests need it.

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

/// A running server and its database. On drop the server is stopped, then the database dropped.
#[derive(Debug)]
pub struct TestApp {
    /// The server.
    pub server: Server,
    /// Its database.
    pub database: Database,
}

impl TestApp {
    /// Starts a ready server on a new database in the test cluster.
    ///
    /// # Errors
    /// When either cannot be started.
    pub async fn start(binary: &str) -> Result<Self, Fault> {
        Self::start_with(binary, &[]).await
    }

    /// Like [`start`](Self::start), with additional settings.
    ///
    /// # Errors
    /// See [`start`](Self::start).
    pub async fn start_with(binary: &str, settings: &[(&str, &str)]) -> Result<Self, Fault> {
        let database = Database::fresh().await?;
        Self::start_on(binary, database, settings).await
    }

    /// Starts a ready server on this database.
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

    /// A valid token for a person.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn token(&self, person: &Person) -> Result<String, Fault> {
        person::mint(self.server.secret(), person, person::LIFETIME_S)
    }

    /// A REST client for a person.
    ///
    /// # Errors
    /// When their token cannot be signed.
    pub fn rest(&self, person: &Person) -> Result<Rest, Fault> {
        Ok(self.anonymous().with_token(&self.token(person)?))
    }

    /// A REST client without a token.
    pub fn anonymous(&self) -> Rest {
        Rest::new(&self.server.url())
    }

    /// A connected socket for a person.
    ///
    /// # Errors
    /// When the server refuses the connection.
    pub async fn socket(&self, person: &Person) -> Result<Socket, Fault> {
        let token = self.token(person)?;
        Ok(Socket::connect(&self.server.url(), &token).await?)
    }

    /// Sends a request as a person, so that the server stores their profile from the token.
    ///
    /// # Errors
    /// When the request fails.
    pub async fn introduce(&self, person: &Person) -> Result<(), Fault> {
        let answer = self.rest(person)?.get("/messaging/conversations/unread/total").await?;
        answer.expect(200).map(drop)
    }

    /// Introduces both and opens a conversation about a new appointment as the salon.
    ///
    /// # Errors
    /// When the server does not open it.
    pub async fn conversation(&self, salon: &Person, client: &Person) -> Result<String, Fault> {
        self.introduce(salon).await?;
        self.introduce(client).await?;
        self.conversation_about(&database::id("appointment"), salon, client).await
    }

    /// Opens a conversation about an appointment as the salon. Both must have been introduced.
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

    /// Sends a message by REST.
    ///
    /// # Errors
    /// When the server does not accept it.
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

/// A string field of a response.
///
/// # Errors
/// When it is missing.
pub fn text(value: &Value, field: &str) -> Result<String, Fault> {
    let text = value[field].as_str().map(str::to_owned);
    text.ok_or_else(|| Fault::new(format!("no {field} in {value}")))
}

/// The log file for the server of the running test, named after the test.
pub fn log_of_this_test() -> PathBuf {
    let thread = thread::current();
    let test = thread.name().unwrap_or("main").replace("::", "-");
    workspace::target().join("testkit").join(format!("{test}.log"))
}
