//! When to ping, and when a pong is overdue. Deadlines are absolute, so that delays never add up.

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
    Resting { ping_at: Instant },
    Awaiting { pong_by: Instant },
}

/// What a deadline that passed asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beat {
    /// Nothing: the deadline is still ahead.
    Steady,
    /// Send a ping.
    Ping,
    /// The pong is overdue; the session is over.
    Overdue,
}

impl Heartbeat {
    /// A heartbeat that starts when the session opens.
    pub(crate) fn new(config: &Config, opened: Instant) -> Self {
        Self {
            interval_ms: config.ping_interval_ms,
            timeout_ms: config.ping_timeout_ms,
            phase: Phase::Resting { ping_at: after(opened, config.ping_interval_ms) },
        }
    }

    /// When to call [`beat`](Self::beat) next.
    pub(crate) fn deadline(&self) -> Instant {
        match self.phase {
            Phase::Resting { ping_at } => ping_at,
            Phase::Awaiting { pong_by } => pong_by,
        }
    }

    /// Looks at the clock. The pong is due counting from when the ping *should* have gone out.
    pub(crate) fn beat(&mut self, now: Instant) -> Beat {
        if now < self.deadline() {
            return Beat::Steady;
        }
        match self.phase {
            Phase::Resting { ping_at } => {
                let pong_by = after(ping_at, self.timeout_ms);
                self.phase = Phase::Awaiting { pong_by };
                Beat::Ping
            }
            Phase::Awaiting { .. } => Beat::Overdue,
        }
    }

    /// Takes a pong. One that nobody asked for changes nothing.
    pub(crate) fn pong(&mut self, now: Instant) {
        if let Phase::Awaiting { .. } = self.phase {
            self.phase = Phase::Resting { ping_at: after(now, self.interval_ms) };
        }
    }

    /// Grants a client that is owed the full time for its pong once more, because it was the
    /// session that did not read.
    pub(crate) fn excuse(&mut self, now: Instant) {
        if let Phase::Awaiting { .. } = self.phase {
            self.phase = Phase::Awaiting { pong_by: after(now, self.timeout_ms) };
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
        assert_eq!(heartbeat.beat(opened + 299 * MS), Beat::Steady);
        // The timer fires late, yet the deadline of the pong does not move.
        assert_eq!(heartbeat.beat(opened + 320 * MS), Beat::Ping);
        assert_eq!(heartbeat.beat(opened + 499 * MS), Beat::Steady);
        assert_eq!(heartbeat.beat(opened + 500 * MS), Beat::Overdue);
    }

    #[test]
    fn the_next_ping_counts_from_the_pong() {
        let opened = Instant::now();
        let mut heartbeat = heartbeat(opened);
        assert_eq!(heartbeat.beat(opened + 300 * MS), Beat::Ping);
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
    fn an_excuse_moves_the_pong_but_never_the_ping() {
        let opened = Instant::now();
        let mut heartbeat = heartbeat(opened);
        heartbeat.excuse(opened + 100 * MS);
        assert_eq!(heartbeat.deadline(), opened + 300 * MS);
        assert_eq!(heartbeat.beat(opened + 300 * MS), Beat::Ping);
        heartbeat.excuse(opened + 450 * MS);
        assert_eq!(heartbeat.deadline(), opened + 650 * MS);
    }
}
