//! How a session ends.

use std::{sync::Arc, time::Duration};

use actix_ws::CloseCode;

use crate::{
    engine::websocket::{Fault, Gone, Outlet},
    link::Link,
    packet::ParseError,
    reason::DisconnectReason,
};

/// Why a session ends, and what its connection is told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ending {
    pub(super) reason: DisconnectReason,
    code: CloseCode,
    /// Whether what waits is still sent. Not to a client that misbehaved or is behind.
    drains: bool,
}

impl Ending {
    /// The connection ended by itself.
    pub(super) fn lost() -> Self {
        DisconnectReason::TransportClose.into()
    }

    /// Sends what is to be sent, then closes the connection.
    pub(super) async fn carry_out(self, link: &Arc<Link>, mut outlet: Outlet, timeout_ms: u64) {
        if self.drains {
            let timeout = Duration::from_millis(timeout_ms);
            if tokio::time::timeout(timeout, drain(link, &mut outlet)).await.is_err() {
                tracing::debug!("a session closed before everything was sent");
            }
        }
        link.discard();
        outlet.close(self.code);
    }
}

async fn drain(link: &Arc<Link>, outlet: &mut Outlet) {
    while outlet.pump(|| link.pop()).is_ok() {
        if link.is_idle() && outlet.is_empty() {
            return;
        }
        outlet.room().await;
    }
}

impl From<DisconnectReason> for Ending {
    fn from(reason: DisconnectReason) -> Self {
        let (code, drains) = match reason {
            DisconnectReason::ParseError => (CloseCode::Protocol, false),
            DisconnectReason::SlowReader => (CloseCode::Again, false),
            DisconnectReason::HandlerPanicked => (CloseCode::Error, false),
            DisconnectReason::ServerShutdown => (CloseCode::Away, true),
            DisconnectReason::ConnectTimeout => (CloseCode::Policy, true),
            DisconnectReason::ServerNamespaceDisconnect => (CloseCode::Normal, true),
            _ => (CloseCode::Normal, false),
        };
        Self { reason, code, drains }
    }
}

impl From<Fault> for Ending {
    fn from(fault: Fault) -> Self {
        let code = match fault {
            Fault::TooBig => CloseCode::Size,
            Fault::Protocol => CloseCode::Protocol,
            Fault::NotText => CloseCode::Invalid,
            Fault::Broken => CloseCode::Normal,
        };
        Self { reason: DisconnectReason::TransportError, code, drains: false }
    }
}

impl From<ParseError> for Ending {
    fn from(error: ParseError) -> Self {
        tracing::debug!(%error, "a client sent what is no packet");
        DisconnectReason::ParseError.into()
    }
}

impl From<Gone> for Ending {
    fn from(_: Gone) -> Self {
        Self::lost()
    }
}
