//! The configuration of a server.

use std::time::Duration;

use tokio::time::Instant;

/// The configuration of a [`Server`](crate::Server), including all its bounds. Defaults of settings
/// that the Node.js server has too are the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The time from a pong, or from the opening, to the next ping.
    pub ping_interval_ms: u64,
    /// The time from a ping until its pong is overdue and the session ends.
    pub ping_timeout_ms: u64,
    /// The allowed transports.
    pub transports: Transports,
    /// How long the upgrade from polling to WebSocket may take.
    pub upgrade_timeout_ms: u64,
    /// How long the closing packets of a polling session that the server ended wait for a poll.
    /// Until then the session still counts towards `sessions_max`.
    pub polling_tombstone_ms: u64,
    /// Whether WebSocket messages of 1 KiB or more are compressed (permessage-deflate, RFC 7692) for
    /// clients that offer it, each separately. It costs processor time, and an attacker who can
    /// inject text into a message and observe its length on the wire can guess the rest of it.
    pub compression: bool,
    /// Whether clients may recover their session after a lost connection. The application keeps the
    /// state for it: see [`Accepted::with_pid`](crate::Accepted::with_pid).
    pub recovery: bool,
    /// Maximum bytes of one message from a client, all fragments together, and of the body of one
    /// polling request.
    pub max_payload_bytes: usize,
    /// Maximum bytes of one packet from a client, text and attachments together.
    pub max_packet_bytes: usize,
    /// Maximum attachments of one packet from a client.
    pub max_attachments: usize,
    /// Maximum bytes of one event from a client, text and attachments together. Of a larger one its
    /// handler is given the name and [`kept_event_members`](Self::kept_event_members), as far as they stand at
    /// the beginning: a WebSocket discards what follows this many bytes as it arrives.
    pub max_event_bytes: usize,
    /// The members of an event's first argument that its handler is given also when the event itself is
    /// not kept, each up to 1 KiB.
    pub kept_event_members: &'static [&'static str],
    /// Maximum bytes of a CONNECT, and of any message, before a namespace is connected.
    pub max_connect_bytes: usize,
    /// Maximum bytes of anything else before a namespace is connected.
    pub max_unconnected_bytes: usize,
    /// The refused CONNECTs after which a session ends.
    pub max_refused_connects: usize,
    /// The time from the opening until a session without a connected namespace ends.
    pub connect_timeout_ms: u64,
    /// The time from the end of the last connected namespace until its session ends.
    pub namespace_timeout_ms: u64,
    /// How long [`Namespace::connect`](crate::Namespace::connect) may take. After that its future is
    /// dropped and the session ends, so that the client reconnects.
    pub connect_decision_timeout_ms: u64,
    /// How long a session that is closed normally may take to send its queued frames.
    pub close_timeout_ms: u64,
    /// Maximum queued outgoing frames per session.
    pub mailbox_messages: usize,
    /// Maximum bytes of queued outgoing frames per session. One frame always fits.
    pub mailbox_bytes: usize,
    /// Maximum received events that wait for their handlers, per session. While the inbox is full,
    /// or its events exceed `max_payload_bytes`, the session does not read, and the pong deadline
    /// does not apply.
    pub inbox_events: usize,
    /// Maximum sessions of this server. Further handshakes are refused.
    pub sessions_max: usize,
}

/// The allowed transports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Transports {
    /// HTTP long-polling with an optional upgrade to WebSocket, or WebSocket from the start. With
    /// several processes, all requests of a session must reach the same one.
    #[default]
    PollingAndWebSocket,
    /// WebSocket from the start only.
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
            max_event_bytes: 4_000_000,
            kept_event_members: &[],
            max_connect_bytes: 16 * 1024,
            max_unconnected_bytes: 1024,
            max_refused_connects: 3,
            connect_timeout_ms: 45_000,
            namespace_timeout_ms: 30_000,
            connect_decision_timeout_ms: 10_000,
            close_timeout_ms: 5_000,
            mailbox_messages: 256,
            mailbox_bytes: 1024 * 1024,
            inbox_events: 64,
            sessions_max: 20_000,
        }
    }
}

/// The instant `delay_ms` after `start`. If that overflows, a century after `start`.
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
