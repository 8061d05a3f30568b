//! How a connection ends: a close code for programs, and a word for people.

use std::fmt;

use actix_ws::CloseCode;

use crate::{code::Code, failure::Failure};

/// Why the server closes a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CloseReason {
    code: u16,
    word: &'static str,
}

impl CloseReason {
    /// The client said goodbye, or is gone.
    pub(super) const LEFT: Self = Self { code: 1000, word: "goodbye" };
    /// The server goes down; others are there.
    pub(super) const GOING_AWAY: Self = Self { code: 1001, word: "going_away" };
    /// RFC 6455 is not kept.
    pub(super) const PROTOCOL: Self = Self { code: 1002, word: "protocol_error" };
    /// Everything here is text.
    pub(super) const BINARY: Self = Self { code: 1003, word: "binary_not_spoken" };
    /// A message is longer than allowed.
    pub(super) const TOO_BIG: Self = Self { code: 1009, word: "message_too_big" };
    /// A message is no JSON object with an `event`, or the first one is not `auth`.
    pub(super) const BAD_MESSAGE: Self = Self { code: 4400, word: "bad_message" };
    /// The token ended.
    pub(super) const TOKEN_ENDED: Self = Self { code: 4401, word: "token_expired" };
    /// The client did not say who it is.
    pub(super) const UNAUTHENTICATED: Self = Self { code: 4408, word: "authentication_timeout" };
    /// A ping was not answered.
    pub(super) const SILENT: Self = Self { code: 4410, word: "ping_timeout" };
    /// More waits for the client than there is room for.
    pub(super) const SLOW_READER: Self = Self { code: 4413, word: "slow_reader" };

    /// What follows from not being let in.
    pub(super) fn refusing(failure: &Failure) -> Self {
        let code = match failure.code() {
            Code::Unauthorized | Code::TokenExpired => 4401,
            Code::Forbidden => 4403,
            Code::TooManySessions => 4429,
            _ => 4503,
        };
        Self { code, word: failure.code().as_str() }
    }

    pub(super) fn reason(self) -> actix_ws::CloseReason {
        actix_ws::CloseReason {
            code: CloseCode::Other(self.code),
            description: Some(self.word.to_owned()),
        }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word)
    }
}
