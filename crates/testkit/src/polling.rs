//! A session of Engine.IO 4 over HTTP long-polling, by hand: any body, in any order.

use serde_json::Value;

use crate::{
    Fault,
    rest::{Answer, Rest},
    wait,
};

/// Between the packets of one body.
const SEPARATOR: char = '\u{1e}';

/// A polling session that does nothing by itself.
#[derive(Clone, Debug)]
pub struct Polling {
    http: Rest,
    /// The engine's session id.
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

    /// Another client that has got hold of a session id.
    pub fn with_sid(url: &str, sid: &str) -> Self {
        Self { http: Rest::new(url), sid: sid.to_owned() }
    }

    /// Enters the namespace with this token.
    ///
    /// # Errors
    /// When the server does not let us in.
    pub async fn enter(&self, token: &str) -> Result<(), Fault> {
        let auth = serde_json::json!({ "token": token });
        self.post(format!("40/messaging,{auth}").into_bytes()).await?.expect(200)?;
        self.wait_for("40/messaging,").await.map(drop)
    }

    /// Whatever waits, or the next thing that happens.
    ///
    /// # Errors
    /// When there is no answer; an answer with any status is one.
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

    /// Posts a body of this type.
    ///
    /// # Errors
    /// See [`get`](Self::get).
    pub async fn post_as(&self, kind: &str, body: impl Into<Vec<u8>>) -> Result<Answer, Fault> {
        self.http.send("POST", &self.path(), &[("content-type", kind)], body.into()).await
    }

    /// Polls until there is a packet that begins with this, and answers the heartbeat.
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

    /// Polls until the server knows this session no more.
    ///
    /// # Errors
    /// When it goes on.
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

// A body of digits alone looks like JSON.
fn text(body: &Value) -> String {
    body.as_str().map_or_else(|| body.to_string(), str::to_owned)
}
