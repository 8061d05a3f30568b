//! How a session ends.

use std::time::Duration;

use actix_ws::CloseCode;

use crate::{
    engine::{ClosePlan, Disconnected, Fault},
    packet::ParseError,
    reason::DisconnectReason,
};

/// Why a session ends, and what its client is told.
#[derive(Clone, Copy, Debug)]
pub(super) struct SessionEnd {
    pub(super) reason: DisconnectReason,
    code: CloseCode,
    /// Whether what waits is still sent. Not to a client that misbehaved or is behind.
    drains: bool,
    is_clients_wish: bool,
}

impl SessionEnd {
    /// The connection ended by itself.
    pub(super) fn lost() -> Self {
        DisconnectReason::TransportClose.into()
    }

    /// The client said that it ends.
    pub(super) fn wished() -> Self {
        Self { is_clients_wish: true, ..Self::lost() }
    }

    pub(super) fn farewell(self, patience_ms: u64) -> ClosePlan {
        ClosePlan {
            code: self.code,
            drains: self.drains,
            is_clients_wish: self.is_clients_wish,
            patience: Duration::from_millis(patience_ms),
        }
    }
}

impl From<DisconnectReason> for SessionEnd {
    fn from(reason: DisconnectReason) -> Self {
        let (code, drains) = match reason {
            DisconnectReason::ParseError => (CloseCode::Protocol, false),
            DisconnectReason::SlowReader => (CloseCode::Again, false),
            DisconnectReason::Unavailable => (CloseCode::Again, true),
            DisconnectReason::HandlerPanicked => (CloseCode::Error, false),
            DisconnectReason::ServerShutdown => (CloseCode::Away, true),
            DisconnectReason::ConnectTimeout => (CloseCode::Policy, true),
            DisconnectReason::ServerNamespaceDisconnect => (CloseCode::Normal, true),
            _ => (CloseCode::Normal, false),
        };
        Self { reason, code, drains, is_clients_wish: false }
    }
}

impl From<Fault> for SessionEnd {
    fn from(fault: Fault) -> Self {
        let code = match fault {
            Fault::TooBig => CloseCode::Size,
            Fault::Protocol => CloseCode::Protocol,
            Fault::NotText => CloseCode::Invalid,
            Fault::Broken => CloseCode::Normal,
        };
        Self {
            reason: DisconnectReason::TransportError,
            code,
            drains: false,
            is_clients_wish: false,
        }
    }
}

impl From<ParseError> for SessionEnd {
    fn from(error: ParseError) -> Self {
        tracing::debug!(%error, "a client sent what is no packet");
        DisconnectReason::ParseError.into()
    }
}

impl From<Disconnected> for SessionEnd {
    fn from(_: Disconnected) -> Self {
        Self::lost()
    }
}
