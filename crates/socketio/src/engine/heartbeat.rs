//! When to ping, and when a pong is overdue. Deadlines are absolute, so delays do not accumulate.

use tokio::time::Instant;

use crate::config::{Config, after};

/// The heartbeat of one session.
#[derive(Debug)]
pub(crate) struct Heartbeat {
    interval_ms: u64,
    timeout_ms: u64,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    Idle { ping_at: Instant },
    AwaitingPong { pong_by: Instant },
}

/// What the session has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeartbeatAction {
    /// Nothing: the deadline has not passed.
    Wait,
    /// Send a ping.
    Ping,
    /// The pong is overdue: end the session.
    TimedOut,
}

impl Heartbeat {
    /// A heartbeat that starts when the session opens.
    pub(crate) fn new(config: &Config, opened: Instant) -> Self {
        Self {
            interval_ms: config.ping_interval_ms,
            timeout_ms: config.ping_timeout_ms,
            phase: Phase::Idle { ping_at: after(opened, config.ping_interval_ms) },
        }
    }

    /// When to call [`check`](Self::check) next.
    pub(crate) fn deadline(&self) -> Instant {
        match self.phase {
            Phase::Idle { ping_at } => ping_at,
            Phase::AwaitingPong { pong_by } => pong_by,
        }
    }

    /// Returns what is due at `now`. The pong deadline counts from when the ping *should* have been
    /// sent, not from when it was.
    pub(crate) fn check(&mut self, now: Instant) -> HeartbeatAction {
        if now < self.deadline() {
            return HeartbeatAction::Wait;
        }
        match self.phase {
            Phase::Idle { ping_at } => {
                let pong_by = after(ping_at, self.timeout_ms);
                self.phase = Phase::AwaitingPong { pong_by };
                HeartbeatAction::Ping
            }
            Phase::AwaitingPong { .. } => HeartbeatAction::TimedOut,
        }
    }

    /// Processes a pong. An unsolicited one is ignored.
    pub(crate) fn pong(&mut self, now: Instant) {
        if let Phase::AwaitingPong { .. } = self.phase {
            self.phase = Phase::Idle { ping_at: after(now, self.interval_ms) };
        }
    }

    /// Restarts the pong timeout, if a pong is pending: the session did not read, so the client is
    /// not to blame.
    pub(crate) fn extend_pong_deadline(&mut self, now: Instant) {
        if let Phase::AwaitingPong { .. } = self.phase {
            self.phase = Phase::AwaitingPong { pong_by: after(now, self.timeout_ms) };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn heartbeat(opened: Instant) -> Heartbeat {
        let config = Config { ping_interval_ms: 300, ping_timeout_ms: 200, ..Config::default() };
        Heartbeat::new(&config, opened)
    }

    #[test]
    fn a_silent_session_ends_exactly_interval_plus_timeout_after_it_opened() {
        let opened = Instant::now();
        let mut heartbeat = heartbeat(opened);
        assert_eq!(heartbeat.check(opened + 299 * MS), HeartbeatAction::Wait);
        // The timer fires late, yet the deadline of the pong does not move.
        assert_eq!(heartbeat.check(opened + 320 * MS), HeartbeatAction::Ping);
        assert_eq!(heartbeat.check(opened + 499 * MS), HeartbeatAction::Wait);
        assert_eq!(heartbeat.check(opened + 500 * MS), HeartbeatAction::TimedOut);
    }

    #[test]
    fn the_next_ping_counts_from_the_pong() {
        let opened = Instant::now();
        let mut heartbeat = heartbeat(opened);
        assert_eq!(heartbeat.check(opened + 300 * MS), HeartbeatAction::Ping);
        heartbeat.pong(opened + 350 * MS);
        assert_eq!(heartbeat.deadline(), opened + 650 * MS);
    }

    #[test]
    fn a_pong_nobody_asked_for_changes_nothing() {
        let opened = Instant::now();
        let mut heartbeat = heartbeat(opened);
        heartbeat.pong(opened + 100 * MS);
        assert_eq!(heartbeat.deadline(), opened + 300 * MS);
    }

    #[test]
    fn extending_the_pong_deadline_never_moves_the_ping() {
        let opened = Instant::now();
        let mut heartbeat = heartbeat(opened);
        heartbeat.extend_pong_deadline(opened + 100 * MS);
        assert_eq!(heartbeat.deadline(), opened + 300 * MS);
        assert_eq!(heartbeat.check(opened + 300 * MS), HeartbeatAction::Ping);
        heartbeat.extend_pong_deadline(opened + 450 * MS);
        assert_eq!(heartbeat.deadline(), opened + 650 * MS);
    }
}
