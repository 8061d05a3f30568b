//! The bounds of a server.

use std::time::Duration;

use tokio::time::Instant;

/// Every bound of a [`Server`](crate::Server). The default values of the protocol's own settings
/// are those of the Node.js server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// From a pong, or the opening, to the next ping.
    pub ping_interval_ms: u64,
    /// From a ping to the moment its pong is overdue and the session closes.
    pub ping_timeout_ms: u64,
    /// How clients may connect.
    pub transports: Transports,
    /// How long a WebSocket that is to take over from polling may take for it.
    pub upgrade_timeout_ms: u64,
    /// How long the last words of a session that the server ended wait for a poll. A session whose
    /// last words wait still counts.
    pub polling_tombstone_ms: u64,
    /// Whether WebSocket messages are compressed for clients that offer it (RFC 7692), from 1 KiB
    /// on and each by itself. It costs processor time, and lets whoever can both plant text in a
    /// message and see its length on the wire guess at the rest of it.
    pub compression: bool,
    /// Whether clients may take up again where a lost connection left them. The state for that is
    /// the application's: see [`Accepted::with_pid`](crate::Accepted::with_pid).
    pub recovery: bool,
    /// The longest message accepted from a client, all its fragments together, and the longest
    /// body of a polling request.
    pub max_payload_bytes: usize,
    /// The largest packet accepted from a client: its text and all its attachments together.
    pub max_packet_bytes: usize,
    /// The most attachments one packet of a client may announce.
    pub max_attachments: usize,
    /// From the opening to the moment a session with no namespace connected closes.
    pub connect_timeout_ms: u64,
    /// How long [`Namespace::connect`](crate::Namespace::connect) may take; then the future is
    /// dropped and the session ends, so that the client comes back.
    pub connect_decision_timeout_ms: u64,
    /// How long a session that closes in good order may take to send what still waits.
    pub close_timeout_ms: u64,
    /// Outgoing messages that may wait, per session.
    pub mailbox_messages: usize,
    /// Bytes of outgoing messages that may wait, per session. One message always fits.
    pub mailbox_bytes: usize,
    /// Received events that may wait for their handler, per session. While it is full, or the
    /// events in it exceed `max_payload_bytes`, the session reads nothing more, and the client
    /// is not held to the pong deadline.
    pub inbox_events: usize,
    /// Sessions in this process. Further handshakes are refused.
    pub sessions_max: usize,
}

/// How clients may connect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Transports {
    /// By HTTP long-polling, with a WebSocket to take over if the client can, or by WebSocket from
    /// the start. With several processes, every request of a session must reach the same one.
    #[default]
    PollingAndWebSocket,
    /// By WebSocket from the start, and no other way.
    WebSocketOnly,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            ping_interval_ms: 25_000,
            ping_timeout_ms: 20_000,
            transports: Transports::default(),
            upgrade_timeout_ms: 10_000,
            polling_tombstone_ms: 30_000,
            compression: false,
            recovery: false,
            max_payload_bytes: 1_000_000,
            max_packet_bytes: 4_000_000,
            max_attachments: 10,
            connect_timeout_ms: 45_000,
            connect_decision_timeout_ms: 10_000,
            close_timeout_ms: 5_000,
            mailbox_messages: 256,
            mailbox_bytes: 1024 * 1024,
            inbox_events: 64,
            sessions_max: 20_000,
        }
    }
}

/// The moment `delay_ms` after `start`. A delay no clock can hold counts as a century.
pub(crate) fn after(start: Instant, delay_ms: u64) -> Instant {
    const CENTURY: Duration = Duration::from_hours(100 * 365 * 24);
    start.checked_add(Duration::from_millis(delay_ms)).unwrap_or_else(|| start + CENTURY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_endless_delay_is_still_a_moment() {
        let now = Instant::now();
        assert!(after(now, u64::MAX) > now);
        assert_eq!(after(now, 5), now + Duration::from_millis(5));
    }
}
