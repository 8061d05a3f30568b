//! What a request that opens no session is told.

use std::borrow::Cow;

use actix_web::{HttpResponse, http::StatusCode};
use serde::Serialize;

/// A request turned away: an HTTP status, and the protocol's own error body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    status: StatusCode,
    code: u8,
    message: Cow<'static, str>,
}

impl Rejection {
    /// Turned away by the application, in the protocol's words.
    pub fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN, "Forbidden")
    }

    /// Turned away by the application, in its own words. The protocol's code is 4, "forbidden",
    /// for status 403, and 3, "bad request", for any other.
    pub fn new(status: StatusCode, message: impl Into<Cow<'static, str>>) -> Self {
        let code = if status == StatusCode::FORBIDDEN { 4 } else { 3 };
        Self { status, code, message: message.into() }
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn unknown_transport() -> Self {
        Self::fault(0, "Transport unknown")
    }

    pub(crate) fn unknown_session() -> Self {
        Self::fault(1, "Session ID unknown")
    }

    pub(crate) fn bad_method() -> Self {
        Self::fault(2, "Bad handshake method")
    }

    pub(crate) fn bad_request() -> Self {
        Self::fault(3, "Bad request")
    }

    pub(crate) fn unsupported_version() -> Self {
        Self::fault(5, "Unsupported protocol version")
    }

    /// The server is full, stopping, or out of order.
    pub(crate) fn unavailable() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "Service unavailable")
    }

    /// The answer. The connection closes with it, for a client that wanted a WebSocket has no use
    /// for it.
    pub(crate) fn response(&self) -> HttpResponse {
        #[derive(Serialize)]
        struct Body<'a> {
            code: u8,
            message: &'a str,
        }
        HttpResponse::build(self.status)
            .force_close()
            .json(Body { code: self.code, message: &self.message })
    }

    fn fault(code: u8, message: &'static str) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code, message: message.into() }
    }
}
