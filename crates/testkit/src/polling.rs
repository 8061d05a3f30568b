//! An Engine.IO 4 session over HTTP long-polling, with full control over requests.

use serde_json::Value;

use crate::{
    Fault,
    rest::{Answer, Rest},
    wait,
};

/// Separates the packets of one body.
const SEPARATOR: char = '\u{1e}';

/// A polling session. It sends nothing automatically.
#[derive(Clone, Debug)]
pub struct Polling {
    http: Rest,
    /// The Engine.IO session id.
    pub sid: String,
}

impl Polling {
    /// Opens a session.
    ///
    /// # Errors
    /// When the server refuses it.
    pub async fn open(url: &str) -> Result<Self, Fault> {
        let http = Rest::new(url);
        let answer = http.get("/socket.io/?EIO=4&transport=polling").await?;
        let open = text(&answer.expect(200)?);
        let handshake: Value = open
            .strip_prefix('0')
            .and_then(|json| serde_json::from_str(json).ok())
            .ok_or_else(|| Fault::new(format!("no handshake: {open}")))?;
        let sid = crate::test_app::text(&handshake, "sid")?;
        Ok(Self { http, sid })
    }

    /// A client that uses an existing session id.
    pub fn with_sid(url: &str, sid: &str) -> Self {
        Self { http: Rest::new(url), sid: sid.to_owned() }
    }

    /// Connects to the namespace with this token.
    ///
    /// # Errors
    /// When the server refuses the connection.
    pub async fn enter(&self, token: &str) -> Result<(), Fault> {
        let auth = serde_json::json!({ "token": token });
        self.post(format!("40/messaging,{auth}").into_bytes()).await?.expect(200)?;
        self.wait_for("40/messaging,").await.map(drop)
    }

    /// Polls once.
    ///
    /// # Errors
    /// When there is no response; a response with any status is `Ok`.
    pub async fn get(&self) -> Result<Answer, Fault> {
        self.http.get(&self.path()).await
    }

    /// Posts a body.
    ///
    /// # Errors
    /// See [`get`](Self::get).
    pub async fn post(&self, body: impl Into<Vec<u8>>) -> Result<Answer, Fault> {
        self.post_as("text/plain;charset=UTF-8", body).await
    }

    /// Posts a body with this content type.
    ///
    /// # Errors
    /// See [`get`](Self::get).
    pub async fn post_as(&self, kind: &str, body: impl Into<Vec<u8>>) -> Result<Answer, Fault> {
        self.http.send("POST", &self.path(), &[("content-type", kind)], body.into()).await
    }

    /// Polls until a packet with this prefix arrives, and answers pings.
    ///
    /// # Errors
    /// When the session ends first.
    pub async fn wait_for(&self, prefix: &str) -> Result<String, Fault> {
        wait::within(prefix, async {
            loop {
                let body = text(&self.get().await?.expect(200)?);
                for packet in body.split(SEPARATOR) {
                    if packet.starts_with(prefix) {
                        return Ok(packet.to_owned());
                    }
                    if packet == "2" {
                        self.post("3").await?.expect(200)?;
                    }
                }
            }
        })
        .await?
    }

    /// Polls until the session has ended.
    ///
    /// # Errors
    /// When it does not end in time.
    pub async fn ended(&self) -> Result<(), Fault> {
        wait::within("the end of a polling session", async {
            while self.get().await?.status == 200 {}
            Ok(())
        })
        .await?
    }

    fn path(&self) -> String {
        format!("/socket.io/?EIO=4&transport=polling&sid={}", self.sid)
    }
}

// A body of only digits has been parsed as JSON.
fn text(body: &Value) -> String {
    body.as_str().map_or_else(|| body.to_string(), str::to_owned)
}
