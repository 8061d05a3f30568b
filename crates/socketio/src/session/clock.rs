//! What a session does in time: ping, give up on a silent client, give up on one that enters nothing.

use tokio::time::Instant;

use super::{Session, SessionEnd};
use crate::{
    engine::{Beat, Transport},
    reason::DisconnectReason,
};

/// How long the session waits for a first namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ConnectDeadline {
    Until(Instant),
    /// Time is up, but a decision is pending; a refusal ends the session.
    Exhausted,
    /// A namespace was connected, or there are none.
    Rewarded,
}

impl Session {
    /// A client whose events pile up is not read, and so cannot be blamed for a missing pong; unless
    /// they pile up because it does not take the answers to those before.
    pub(super) fn is_reading(&mut self) -> bool {
        let is_full = self.members.is_full();
        if self.held_back || is_full {
            self.link.heard();
        }
        if self.held_back && !is_full {
            self.heartbeat.excuse(Instant::now());
        }
        self.held_back = is_full;
        !is_full
    }

    pub(super) fn deadline(&self) -> Instant {
        match self.patience {
            ConnectDeadline::Until(moment) => moment.min(self.heartbeat.deadline()),
            ConnectDeadline::Exhausted | ConnectDeadline::Rewarded => self.heartbeat.deadline(),
        }
    }

    pub(super) fn on_time(&mut self, transport: &mut impl Transport) -> Result<(), SessionEnd> {
        let now = Instant::now();
        match self.heartbeat.beat(now) {
            Beat::Steady => {}
            Beat::Ping => ping(transport)?,
            // The client needs pings to stay, even though nobody reads its answers.
            Beat::Overdue if self.held_back && !self.members.is_held_up() => {
                self.heartbeat.excuse(now);
                ping(transport)?;
            }
            Beat::Overdue if self.held_back => return Err(DisconnectReason::SlowReader.into()),
            Beat::Overdue => return Err(DisconnectReason::PingTimeout.into()),
        }
        if matches!(self.patience, ConnectDeadline::Until(moment) if moment <= now) {
            self.patience = ConnectDeadline::Exhausted;
        }
        self.check_patience()
    }

    /// Looks at the clock between alarms, which are never quite on time.
    pub(super) fn check_clock(&mut self, transport: &mut impl Transport) -> Result<(), SessionEnd> {
        while self.deadline() <= Instant::now() {
            self.on_time(transport)?;
        }
        Ok(())
    }

    pub(super) fn check_patience(&self) -> Result<(), SessionEnd> {
        if self.patience == ConnectDeadline::Exhausted && !self.members.is_anyone_present() {
            return Err(DisconnectReason::ConnectTimeout.into());
        }
        Ok(())
    }
}

/// A client that has not even taken the pings before this one does not read.
pub(super) fn ping(transport: &mut impl Transport) -> Result<(), SessionEnd> {
    if transport.ping()? {
        return Ok(());
    }
    Err(DisconnectReason::SlowReader.into())
}
