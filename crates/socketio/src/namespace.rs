//! What an application is, seen from here.

use std::{fmt, sync::Arc};

use actix_web::http::header::HeaderMap;
use async_trait::async_trait;

use crate::{
    connect::{Accepted, ConnectRequest, Refusal},
    event::Event,
    reason::DisconnectReason,
    socket::Socket,
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

#[cfg(test)]
mod tests {
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
