//! A client at the door of a namespace, and what the application may say to it.

use std::{fmt, net::IpAddr};

use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use crate::{
    frame::Frame,
    namespace::{Handler, Headers},
};

/// The longest `pid` and the longest offset that are handed to the application.
const MAX_RECOVERY_BYTES: usize = 1024;

/// A client that asks to enter a namespace. `Debug` hides what it sent.
pub struct ConnectRequest {
    /// The JSON object the client sent along; `{}` when it sent none.
    pub auth: Box<RawValue>,
    /// What the client wants to take up again. Always `None` unless
    /// [`Config::recovery`](crate::Config::recovery) is on.
    pub recovery: Option<RecoveryRequest>,
    /// The address the connection comes from, which may be a proxy's.
    pub remote: Option<IpAddr>,
    /// The headers of the HTTP request that opened the session.
    pub headers: Headers,
}

impl fmt::Debug for ConnectRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectRequest")
            .field("recovery", &self.recovery.is_some())
            .finish_non_exhaustive()
    }
}

/// A client that was here before and lost its connection. Both texts are as it sent them, 1024
/// bytes at most: they prove nothing until the application has checked them, and the client's
/// rights, once more. `Debug` hides them.
#[derive(Clone, Deserialize, PartialEq, Eq)]
pub struct RecoveryRequest {
    /// What [`Accepted::with_pid`] gave it.
    pub pid: String,
    /// The offset of the last event it received.
    pub offset: String,
}

impl RecoveryRequest {
    /// Reads it from what came with a CONNECT. Anything odd means that there is none.
    pub(crate) fn of(auth: &RawValue) -> Option<Self> {
        let request: Self = serde_json::from_str(auth.get()).ok()?;
        let is_sound = |text: &str| !text.is_empty() && text.len() <= MAX_RECOVERY_BYTES;
        (is_sound(&request.pid) && is_sound(&request.offset)).then_some(request)
    }
}

impl fmt::Debug for RecoveryRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecoveryRequest").finish_non_exhaustive()
    }
}

/// A client let in.
#[must_use]
pub struct Accepted {
    pub(crate) handler: Box<dyn Handler>,
    pub(crate) welcome: Welcome,
}

/// What a client let in is told.
#[derive(Debug, Default)]
pub(crate) struct Welcome {
    pub(crate) pid: Option<String>,
    pub(crate) socket_id: Option<String>,
    pub(crate) replay: Vec<Frame>,
}

impl Accepted {
    /// Lets the client in; `handler` handles what it says.
    pub fn new(handler: impl Handler + 'static) -> Self {
        Box::<dyn Handler>::from(Box::new(handler)).into()
    }

    /// Gives the client an id to come back with after it lost its connection. Whoever knows it can
    /// ask for what this client missed, so it must not be guessed. Not sent unless
    /// [`Config::recovery`](crate::Config::recovery) is on.
    ///
    /// A client that comes back knows that it was recovered when it gets the same id again.
    pub fn with_pid(mut self, pid: impl Into<String>) -> Self {
        self.welcome.pid = Some(pid.into());
        self
    }

    /// Takes up where the client left. It is told the socket id it had; [`Socket::id`] is another
    /// one all the same. The `replay` goes out ahead of everything else, and is exempt from the
    /// bounds of the mailbox: the application bounds it.
    ///
    /// [`Socket::id`]: crate::Socket::id
    pub fn recovered(mut self, socket_id: impl Into<String>, replay: Vec<Frame>) -> Self {
        self.welcome.socket_id = Some(socket_id.into());
        self.welcome.replay = replay;
        self
    }
}

impl From<Box<dyn Handler>> for Accepted {
    fn from(handler: Box<dyn Handler>) -> Self {
        Self { handler, welcome: Welcome::default() }
    }
}

impl fmt::Debug for Accepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accepted")
            .field("replay", &self.welcome.replay.len())
            .finish_non_exhaustive()
    }
}

/// Why a client may not enter.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// A text for the client.
    pub message: String,
    /// Details for the client.
    pub data: Option<Value>,
    is_final: bool,
}

impl Refusal {
    /// A refusal without details. The client does not come back by itself.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), data: None, is_final: true }
    }

    /// Nobody can be let in at the moment. In place of an answer the client's session ends, with
    /// all its namespaces ([`DisconnectReason::Unavailable`]): a stock client opens another one by
    /// itself after a while, which it does after no other refusal.
    ///
    /// [`DisconnectReason::Unavailable`]: crate::DisconnectReason::Unavailable
    pub fn not_now() -> Self {
        Self { message: String::new(), data: None, is_final: false }
    }

    /// Whether the client is told, and stays away. Otherwise its session ends, and it comes back.
    pub fn is_final(&self) -> bool {
        self.is_final
    }

    /// The same refusal, with details.
    #[must_use]
    pub fn with_data(mut self, data: Value) -> Self {
        self.data = Some(data);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(auth: &Value) -> Option<RecoveryRequest> {
        RecoveryRequest::of(&serde_json::value::to_raw_value(auth).expect("JSON"))
    }

    #[test]
    fn a_client_that_was_here_before_says_both_where_and_when() {
        let sound = serde_json::json!({ "pid": "p", "offset": "o", "token": "t" });
        let expected = RecoveryRequest { pid: "p".into(), offset: "o".into() };
        assert_eq!(request(&sound), Some(expected));
        for odd in [
            serde_json::json!({}),
            serde_json::json!({ "pid": "p" }),
            serde_json::json!({ "offset": "o" }),
            serde_json::json!({ "pid": "", "offset": "o" }),
            serde_json::json!({ "pid": 1, "offset": "o" }),
            serde_json::json!({ "pid": "p", "offset": "o".repeat(MAX_RECOVERY_BYTES + 1) }),
        ] {
            assert_eq!(request(&odd), None);
        }
    }

    #[test]
    fn what_a_client_presents_is_not_printed() {
        let request = RecoveryRequest { pid: "secret".into(), offset: "secret".into() };
        assert!(!format!("{request:?}").contains("secret"));
    }
}
