//! What people write, who they are and what they sign in with never reaches the log, however loud it
//! is and whatever goes wrong.

use serde_json::{Value, json};
use testkit::{Fault, fault::same, person::Person, socket::Socket, test_app::TestApp};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

const SERVER: &str = env!("CARGO_BIN_EXE_messaging-server");
const WORDS: &str = "zanzibar-des-mots";
const FIRST_NAME: &str = "Zoraide";
const LAST_NAME: &str = "Zylberstein";
const SALON_NAME: &str = "Zenith-Tatouage";
const EMAIL: &str = "zoraide@zylberstein.example";
const SUBJECT: &str = "zeppelin-en-sujet";

struct Fixture {
    app: TestApp,
    salon: Person,
    client: Person,
    path: String,
    message: Value,
}

impl Fixture {
    async fn start() -> Result<Self, Fault> {
        let app = TestApp::start_with(SERVER, &[("LOG_LEVEL", "trace")]).await?;
        let salon = Person::salon("salon-1", SALON_NAME);
        let client = Person::client("client-1", FIRST_NAME, LAST_NAME).with("email", EMAIL);
        let conversation = app.conversation(&salon, &client).await?;
        let path = format!("/messaging/conversations/{conversation}");
        let message = json!({
            "conversationId": conversation,
            "content": WORDS,
            "clientMessageId": "key-1",
        });
        Ok(Self { app, salon, client, path, message })
    }

    /// All goes well.
    async fn talk(&self) -> Result<(), Fault> {
        let rest = self.app.rest(&self.salon)?;
        rest.patch(&self.path, &json!({ "subject": SUBJECT })).await?.expect(200)?;
        let mut socket = self.app.socket(&self.client).await?;
        let here = json!({ "conversationId": self.message["conversationId"] });
        socket.call_ok("join-conversation", &here).await?;
        socket.call_ok("send-message", &self.message).await?;
        socket.wait_for("new-message").await.map(drop)
    }

    /// The caller does everything wrong.
    async fn stumble(&self) -> Result<(), Fault> {
        let rest = self.app.rest(&self.client)?;
        let messages = format!("{}/messages", self.path);
        let mut other = self.message.clone();
        other["content"] = json!(format!("{WORDS} encore"));
        let conflict = rest.post(&messages, &other).await?;
        same("the same key for other words", conflict.status, 409)?;
        let wrong = json!({ "content": [WORDS], "attachments": WORDS, "type": WORDS });
        same("wrong fields", rest.post(&messages, &wrong).await?.status, 400)?;
        let headers = [("content-type", "application/json")];
        let broken = format!("{{\"content\":\"{WORDS}").into_bytes();
        let answer = rest.send("POST", &messages, &headers, broken).await?;
        same("broken JSON", answer.status, 400)?;
        let query = format!("{messages}?cursor={WORDS}");
        same("a wrong cursor", rest.get(&query).await?.status, 400)?;
        let unknown = format!("/messaging/messages/{WORDS}");
        same("an unknown id", rest.delete(&unknown).await?.status, 404)?;

        let socket = self.app.socket(&self.client).await?;
        socket.call("send-message", &wrong).await?;
        socket.emit("send-message", &wrong);
        socket.call("send-message", &other).await.map(drop)
    }

    /// The caller is not let in.
    async fn be_refused(&self) -> Result<(), Fault> {
        let forged = format!("{}x", self.app.token(&self.client)?);
        let rest = self.app.anonymous().with_token(&forged);
        same("a forged token", rest.get(&self.path).await?.status, 401)?;
        let refused = Socket::connect(&self.app.server.url(), &forged).await;
        same("a forged token on a socket", refused.is_err(), true)
    }

    /// PostgreSQL complains about the row, and quotes it.
    async fn break_the_database(&self) -> Result<(), Fault> {
        let sql = "ALTER TABLE messaging.message ADD CONSTRAINT provoked CHECK (false) NOT VALID";
        let database = self.app.database.client().await?;
        database.batch_execute(sql).await.map_err(Fault::while_doing("break the database"))?;
        let messages = format!("{}/messages", self.path);
        let rest = self.app.rest(&self.client)?;
        let mut fresh = self.message.clone();
        fresh["clientMessageId"] = json!("key-2");
        let answer = rest.post(&messages, &fresh).await?;
        same("a broken database", answer.status, 500)?;
        let shown = answer.body.to_string();
        same("the caller learns no details", shown.contains("provoked"), false)
    }
}

#[tokio::test]
async fn what_strangers_send_is_no_error_of_ours() -> Result<(), Fault> {
    let app = TestApp::start_with(SERVER, &[]).await?;
    let address = app.server.url().trim_start_matches("http://").to_owned();
    let endless = format!("GET / HTTP/1.1\r\nx: {}", "x".repeat(200_000));
    let malformed = [
        "\x16\x03\x01\x02\x00 not a request\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "GET /\r\n\r\n",
        "GET / HTTP/1.1\r\nno colon\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "POST /messaging/conversations HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        endless.as_str(),
    ];
    for bytes in malformed {
        let mut stranger = TcpStream::connect(&address)
            .await
            .map_err(Fault::while_doing("connect to the server"))?;
        // The server may have closed already.
        let _sent = stranger.write_all(bytes.as_bytes()).await;
        let _ended = stranger.shutdown().await;
        let _read = stranger.read_to_end(&mut Vec::new()).await;
    }
    let log = app.server.log()?;
    let loud =
        log.lines().find(|line| !line.contains("\"level\":\"INFO\"") && line.contains("actix"));
    same("lines above INFO", loud, None)?;
    same("errors", log.contains("\"level\":\"ERROR\""), false)
}

#[tokio::test]
async fn no_words_names_addresses_or_tokens_are_logged() -> Result<(), Fault> {
    let fixture = Fixture::start().await?;
    fixture.talk().await?;
    fixture.stumble().await?;
    fixture.be_refused().await?;
    fixture.break_the_database().await?;

    let log = fixture.app.server.log()?;
    let token = fixture.app.token(&fixture.client)?;
    let payload = token.split('.').nth(1).unwrap_or_default();
    let secret = fixture.app.server.secret();
    for canary in [WORDS, FIRST_NAME, LAST_NAME, SALON_NAME, EMAIL, SUBJECT, payload, secret] {
        let line = log.lines().find(|line| line.contains(canary));
        same(&format!("lines with {canary}"), line, None)?;
    }
    // The failure itself must be there: a silent log would pass everything above.
    assert!(log.contains("23514") || log.contains("provoked"), "the fault was not logged");
    assert!(log.contains("\"level\":\"TRACE\"") || log.contains("\"level\":\"DEBUG\""));
    Ok(())
}
