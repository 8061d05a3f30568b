//! The bounds of live conversations.

use domain::conversation::live::TypingPolicy;

use super::{
    presence,
    recovery_token::{Offered, RecoveryKey},
};
use crate::input::EVENTS_PER_PAGE_MAX;

/// The bounds of live conversations.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The bounds of sockets. `sessions_max` counts those of both front doors.
    pub socket: socketio::Config,
    /// Open sockets of one person at the same time, on this node.
    pub sessions_per_person_max: usize,
    /// Sockets from one address at the same time, on this node.
    pub sessions_per_address_max: usize,
    /// Sockets from one address that have not said whose they are, on this node; further ones are
    /// refused.
    pub unauthenticated_per_address_max: usize,
    /// Bytes of events of one socket that wait or are handled; of more it is answered `busy`.
    pub events_per_session_bytes_max: usize,
    /// The same for all sockets of one person, on this node.
    pub events_per_person_bytes_max: usize,
    /// The same for everybody, on this node.
    pub events_bytes_max: usize,
    /// Conversations that one socket may have joined at the same time.
    pub rooms_per_session_max: usize,
    /// Messages in the history that a join is given: 1 to 100.
    pub history_messages: u32,
    /// Events that a client which lost its connection is sent one by one; with more it reloads. 1 to 200.
    pub resume_events_max: u32,
    /// Bytes of the answer to one command of a socket, its events included, and of what a resuming
    /// client is sent; of more it is sent a part and that there is more, or `resync`. 128 KiB at
    /// least, so that one message always fits.
    pub answer_bytes_max: usize,
    /// Signs recovery tokens; the same on all nodes. Without it no connection is recovered.
    pub recovery_key: Option<RecoveryKey>,
    /// To which clients recovery is offered.
    pub recovery_offered: Offered,
    /// How old a lost connection may be to be recovered, in milliseconds.
    pub recovery_age_max_ms: u64,
    /// How long before its token ends a socket is warned, in milliseconds.
    pub expiry_notice_ms: u64,
    /// How long clients are asked to wait before they reconnect when this node stops, in milliseconds.
    pub drain_retry_after_ms: u64,
    /// The grace and bounds of presence.
    pub presence: presence::Settings,
    /// How long a person counts as typing, and how often that is announced.
    pub typing: TypingPolicy,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            // A socket that does not say who it is has five seconds.
            socket: socketio::Config {
                connect_timeout_ms: 5_000,
                max_event_bytes: 128 * 1024,
                ..socketio::Config::default()
            },
            sessions_per_person_max: 32,
            sessions_per_address_max: 1_000,
            unauthenticated_per_address_max: 1_000,
            events_per_session_bytes_max: 256 * 1024,
            events_per_person_bytes_max: 1024 * 1024,
            events_bytes_max: 64 * 1024 * 1024,
            rooms_per_session_max: 64,
            history_messages: 50,
            resume_events_max: EVENTS_PER_PAGE_MAX,
            answer_bytes_max: 512 * 1024,
            recovery_key: None,
            recovery_offered: Offered::UnlessDeclined,
            recovery_age_max_ms: 3_600_000,
            expiry_notice_ms: 60_000,
            drain_retry_after_ms: 1_000,
            presence: presence::Settings::default(),
            typing: TypingPolicy::default(),
        }
    }
}
