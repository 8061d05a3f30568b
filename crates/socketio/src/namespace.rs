//! What an application is, seen from here.

use std::{fmt, net::IpAddr, sync::Arc};

use actix_web::http::header::HeaderMap;
use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use crate::{
    frame::Frame,
    socket::{Event, Socket},
};

/// Decides who enters a namespace.
#[async_trait]
pub trait Namespace: Send + Sync + 'static {
    /// Decides on one CONNECT. Nothing is answered before this returns; what is sent on `socket`
    /// meanwhile follows the answer. The session goes on with its heartbeat and other namespaces.
    ///
    /// If the session ends first, this still runs on, and a handler it returns is
    /// [`disconnected`](Handler::disconnected) at once. It is dropped halfway only when it takes
    /// longer than [`connect_decision_timeout_ms`](crate::Config::connect_decision_timeout_ms);
    /// that is then [`Refusal::not_now`].
    ///
    /// # Errors
    /// A [`Refusal`], which the client receives as `connect_error`; or one that ends its session.
    async fn connect(&self, request: ConnectRequest, socket: Socket) -> Result<Accepted, Refusal>;
}

/// Handles what one socket says.
#[async_trait]
pub trait Handler: Send {
    /// Handles one event. Events of a socket come one at a time, in order of arrival. A panic here
    /// ends the session.
    async fn event(&mut self, event: Event);

    /// The last call, made exactly once, after every event that came before the disconnect.
    async fn disconnected(self: Box<Self>, reason: DisconnectReason);
}

/// HTTP request headers, packed to be kept as long as a session lives. What is not UTF-8 in a value
/// is replaced by U+FFFD. `Debug` hides the values.
#[derive(Clone)]
pub struct Headers(Arc<str>);

impl Headers {
    /// Packs the headers of a request.
    pub fn pack(headers: &HeaderMap) -> Self {
        let mut packed = String::new();
        for (name, value) in headers {
            packed.push_str(name.as_str());
            packed.push(':');
            packed.push_str(&String::from_utf8_lossy(value.as_bytes()));
            packed.push('\n');
        }
        Self(packed.into())
    }

    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn none() -> Self {
        Self("".into())
    }

    /// The value of the first header called `name`, in whatever case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.get_all(name).next()
    }

    /// The values of all headers called `name`, in whatever case, in the order in which they came.
    pub fn get_all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.lines().filter(move |(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Neither a name can hold a colon nor a value a line break.
    fn lines(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.lines().filter_map(|line| line.split_once(':'))
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.lines().map(|(name, _)| name)).finish()
    }
}

// A client at the door of a namespace, and what the application may say to it.

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

// Why a socket ended.

/// Why a [`Socket`](crate::Socket) ended. Displays as the protocol's own words where it has some.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DisconnectReason {
    /// The client left this namespace.
    ClientNamespaceDisconnect,
    /// The application disconnected this socket, or its whole session.
    ServerNamespaceDisconnect,
    /// The client closed the connection, or it simply ended.
    TransportClose,
    /// The connection broke, or the client broke the rules of its transport.
    TransportError,
    /// A ping was left unanswered.
    PingTimeout,
    /// The client sent what no client may send.
    ParseError,
    /// The client read too slowly and its mailbox overflowed.
    SlowReader,
    /// No namespace was connected in time.
    ConnectTimeout,
    /// The application could let nobody in at the moment, or took too long to decide.
    Unavailable,
    /// A handler of this session panicked.
    HandlerPanicked,
    /// The server is stopping.
    ServerShutdown,
}

impl fmt::Display for DisconnectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ClientNamespaceDisconnect => "client namespace disconnect",
            Self::ServerNamespaceDisconnect => "server namespace disconnect",
            Self::TransportClose => "transport close",
            Self::TransportError => "transport error",
            Self::PingTimeout => "ping timeout",
            Self::ParseError => "parse error",
            Self::SlowReader => "slow reader",
            Self::ConnectTimeout => "connect timeout",
            Self::Unavailable => "server unavailable",
            Self::HandlerPanicked => "forced server close",
            Self::ServerShutdown => "server shutting down",
        })
    }
}

#[cfg(test)]
mod namespace_tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn a_header_is_found_by_its_name_and_its_value_is_not_printed() {
        let mut map = HeaderMap::new();
        map.insert(
            HeaderName::from_static("origin"),
            HeaderValue::from_static("https://example.org:8080"),
        );
        let headers = Headers::pack(&map);
        assert_eq!(headers.get("Origin"), Some("https://example.org:8080"));
        assert_eq!(headers.get("host"), None);
        assert_eq!(format!("{headers:?}"), r#"{"origin"}"#);
    }

    #[test]
    fn a_header_may_come_several_times_and_need_not_be_ascii() {
        let mut map = HeaderMap::new();
        for value in [&b"one"[..], b"two, \xff", b"three"] {
            let value = HeaderValue::from_bytes(value).expect("a value on the wire");
            map.append(HeaderName::from_static("x-forwarded-for"), value);
        }
        let headers = Headers::pack(&map);
        let lines: Vec<_> = headers.get_all("X-Forwarded-For").collect();
        assert_eq!(lines, ["one", "two, \u{fffd}", "three"]);
        assert_eq!(headers.get("x-forwarded-for"), Some("one"));
    }
}

#[cfg(test)]
mod connect_tests {
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
