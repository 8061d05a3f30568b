use api::realtime::{Settings, recovery_token::RecoveryKey};
use clap::Args;
use secrecy::{ExposeSecret as _, SecretString};

use super::{
    presence::PresenceSettings,
    value::{Recovery, Switch, Transports, secret, whole},
};

/// Sockets.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Sockets")]
pub(crate) struct RealtimeSettings {
    /// Sockets in this process, Socket.IO and plain WebSocket together; further ones are refused
    #[arg(id = "realtime-sessions-max", long, env = "REALTIME_SESSIONS_MAX",
        value_name = "1..1000000", default_value = "20000",
        value_parser = whole::<usize>(1, 1_000_000))]
    sessions_max: usize,

    /// Sockets of one person at the same time
    #[arg(id = "realtime-sessions-per-person-max", long, env = "REALTIME_SESSIONS_PER_PERSON_MAX",
        value_name = "1..10000", default_value = "32", value_parser = whole::<usize>(1, 10_000))]
    sessions_per_person_max: usize,

    /// Sockets from one address at the same time
    #[arg(id = "realtime-sessions-per-address-max", long,
        env = "REALTIME_SESSIONS_PER_ADDRESS_MAX", value_name = "1..1000000",
        default_value = "1000", value_parser = whole::<usize>(1, 1_000_000))]
    sessions_per_address_max: usize,

    /// Sockets from one address that are not authenticated yet; further ones are refused
    #[arg(id = "realtime-unauthenticated-per-address-max", long,
        env = "REALTIME_UNAUTHENTICATED_PER_ADDRESS_MAX", value_name = "1..1000000",
        default_value = "1000", value_parser = whole::<usize>(1, 1_000_000))]
    unauthenticated_per_address_max: usize,

    /// Bytes of received events of one socket that wait or are handled; beyond them it is answered `busy`
    #[arg(id = "realtime-events-per-session-max-bytes", long,
        env = "REALTIME_EVENTS_PER_SESSION_MAX_BYTES", value_name = "16384..1073741824",
        default_value = "262144", value_parser = whole::<usize>(16_384, 1_073_741_824))]
    events_per_session_max_bytes: usize,

    /// The same for all sockets of one person
    #[arg(id = "realtime-events-per-person-max-bytes", long,
        env = "REALTIME_EVENTS_PER_PERSON_MAX_BYTES", value_name = "16384..1073741824",
        default_value = "1048576", value_parser = whole::<usize>(16_384, 1_073_741_824))]
    events_per_person_max_bytes: usize,

    /// The same for all sockets of this process
    #[arg(id = "realtime-events-max-bytes", long, env = "REALTIME_EVENTS_MAX_BYTES",
        value_name = "1048576..1099511627776", default_value = "67108864",
        value_parser = whole::<usize>(1_048_576, 1_099_511_627_776))]
    events_max_bytes: usize,

    /// Conversations that one socket may have joined at the same time
    #[arg(id = "realtime-rooms-per-session-max", long, env = "REALTIME_ROOMS_PER_SESSION_MAX",
        value_name = "1..10000", default_value = "64", value_parser = whole::<usize>(1, 10_000))]
    rooms_per_session_max: usize,

    /// Messages of the history that a join returns
    #[arg(id = "realtime-history-messages", long, env = "REALTIME_HISTORY_MESSAGES",
        value_name = "1..100", default_value = "50", value_parser = whole::<u32>(1, 100))]
    history_messages: u32,

    /// Maximum size of the answer to one command, with its events; a larger one is cut, and says that there is more
    #[arg(id = "realtime-answer-max-bytes", long, env = "REALTIME_ANSWER_MAX_BYTES",
        value_name = "131072..16777216", default_value = "524288",
        value_parser = whole::<usize>(131_072, 16_777_216))]
    answer_max_bytes: usize,

    /// How long before its token expires a socket is notified
    #[arg(id = "realtime-expiry-notice-ms", long, env = "REALTIME_EXPIRY_NOTICE_MS",
        value_name = "0..3600000", default_value = "60000",
        value_parser = whole::<u64>(0, 3_600_000))]
    expiry_notice_ms: u64,

    /// How long clients are told to wait before they reconnect when the server stops
    #[arg(id = "realtime-drain-retry-after-ms", long, env = "REALTIME_DRAIN_RETRY_AFTER_MS",
        value_name = "0..600000", default_value = "1000", value_parser = whole::<u64>(0, 600_000))]
    drain_retry_after_ms: u64,

    /// How clients may connect: by polling with an upgrade to WebSocket, or by WebSocket alone
    #[arg(
        id = "realtime-transports",
        long,
        env = "REALTIME_TRANSPORTS",
        value_name = "TRANSPORTS",
        value_enum,
        default_value = "polling-and-websocket"
    )]
    transports: Transports,

    /// Whether WebSocket messages of 1 KiB and more are compressed for clients that offer it
    #[arg(
        id = "realtime-compression",
        long,
        env = "REALTIME_COMPRESSION",
        value_name = "SWITCH",
        value_enum,
        default_value = "off"
    )]
    compression: Switch,

    /// Time from a pong to the next ping
    #[arg(id = "realtime-ping-interval-ms", long, env = "REALTIME_PING_INTERVAL_MS",
        value_name = "100..600000", default_value = "25000",
        value_parser = whole::<u64>(100, 600_000))]
    ping_interval_ms: u64,

    /// Time from a ping until a socket without a pong is closed
    #[arg(id = "realtime-ping-timeout-ms", long, env = "REALTIME_PING_TIMEOUT_MS",
        value_name = "100..600000", default_value = "20000",
        value_parser = whole::<u64>(100, 600_000))]
    ping_timeout_ms: u64,

    /// How long a socket may take to authenticate
    #[arg(id = "realtime-connect-timeout-ms", long, env = "REALTIME_CONNECT_TIMEOUT_MS",
        value_name = "100..600000", default_value = "5000",
        value_parser = whole::<u64>(100, 600_000))]
    connect_timeout_ms: u64,

    /// How long a socket may stay in no namespace after it left the last one
    #[arg(id = "realtime-namespace-timeout-ms", long, env = "REALTIME_NAMESPACE_TIMEOUT_MS",
        value_name = "100..600000", default_value = "30000",
        value_parser = whole::<u64>(100, 600_000))]
    namespace_timeout_ms: u64,

    /// Refused connect attempts after which a socket is closed
    #[arg(id = "realtime-refused-connects-max", long, env = "REALTIME_REFUSED_CONNECTS_MAX",
        value_name = "1..1000", default_value = "3", value_parser = whole::<usize>(1, 1_000))]
    refused_connects_max: usize,

    /// How long the server may take to accept or refuse a connect attempt
    #[arg(id = "realtime-connect-decision-timeout-ms", long,
        env = "REALTIME_CONNECT_DECISION_TIMEOUT_MS", value_name = "100..600000",
        default_value = "10000", value_parser = whole::<u64>(100, 600_000))]
    connect_decision_timeout_ms: u64,

    /// How long a closing socket may take to send its queued messages
    #[arg(id = "realtime-close-timeout-ms", long, env = "REALTIME_CLOSE_TIMEOUT_MS",
        value_name = "100..600000", default_value = "5000",
        value_parser = whole::<u64>(100, 600_000))]
    close_timeout_ms: u64,

    /// How long a WebSocket may take to take over from polling
    #[arg(id = "realtime-upgrade-timeout-ms", long, env = "REALTIME_UPGRADE_TIMEOUT_MS",
        value_name = "100..600000", default_value = "10000",
        value_parser = whole::<u64>(100, 600_000))]
    upgrade_timeout_ms: u64,

    /// How long the last packets of a closed polling session are kept for its client
    #[arg(id = "realtime-polling-tombstone-ms", long, env = "REALTIME_POLLING_TOMBSTONE_MS",
        value_name = "0..600000", default_value = "30000",
        value_parser = whole::<u64>(0, 600_000))]
    polling_tombstone_ms: u64,

    /// Maximum size of a message from a socket, all fragments together
    #[arg(id = "realtime-max-payload-bytes", long, env = "REALTIME_MAX_PAYLOAD_BYTES",
        value_name = "65536..104857600", default_value = "1000000",
        value_parser = whole::<usize>(65_536, 104_857_600))]
    max_payload_bytes: usize,

    /// Maximum size of an event from a socket; a larger one is answered `payload_too_large`
    #[arg(id = "realtime-event-max-bytes", long, env = "REALTIME_EVENT_MAX_BYTES",
        value_name = "65536..104857600", default_value = "131072",
        value_parser = whole::<usize>(65_536, 104_857_600))]
    event_max_bytes: usize,

    /// Maximum size of the message by which a socket authenticates
    #[arg(id = "realtime-connect-max-bytes", long, env = "REALTIME_CONNECT_MAX_BYTES",
        value_name = "1024..1048576", default_value = "16384",
        value_parser = whole::<usize>(1_024, 1_048_576))]
    connect_max_bytes: usize,

    /// Maximum size of anything else from a socket that is not authenticated yet
    #[arg(id = "realtime-unconnected-max-bytes", long, env = "REALTIME_UNCONNECTED_MAX_BYTES",
        value_name = "128..1048576", default_value = "1024",
        value_parser = whole::<usize>(128, 1_048_576))]
    unconnected_max_bytes: usize,

    /// Maximum size of a packet from a socket, text and binary attachments together
    #[arg(id = "realtime-max-packet-bytes", long, env = "REALTIME_MAX_PACKET_BYTES",
        value_name = "65536..104857600", default_value = "4000000",
        value_parser = whole::<usize>(65_536, 104_857_600))]
    max_packet_bytes: usize,

    /// Maximum number of binary attachments of a packet
    #[arg(id = "realtime-max-attachments", long, env = "REALTIME_MAX_ATTACHMENTS",
        value_name = "0..100", default_value = "10", value_parser = whole::<usize>(0, 100))]
    max_attachments: usize,

    /// Outgoing messages that may be queued for one socket; one more closes it
    #[arg(id = "realtime-mailbox-messages", long, env = "REALTIME_MAILBOX_MESSAGES",
        value_name = "8..100000", default_value = "256", value_parser = whole::<usize>(8, 100_000))]
    mailbox_messages: usize,

    /// Bytes of outgoing messages that may be queued for one socket
    #[arg(id = "realtime-mailbox-bytes", long, env = "REALTIME_MAILBOX_BYTES",
        value_name = "65536..104857600", default_value = "1048576",
        value_parser = whole::<usize>(65_536, 104_857_600))]
    mailbox_bytes: usize,

    /// Received events of one socket that may be queued; then no more are read from it
    #[arg(id = "realtime-inbox-events", long, env = "REALTIME_INBOX_EVENTS",
        value_name = "1..10000", default_value = "64", value_parser = whole::<usize>(1, 10_000))]
    inbox_events: usize,
}

impl RealtimeSettings {
    /// The settings of the realtime interface. `fallback` signs recovery tokens if they have no secret. Every field is
    /// named, so that none can be forgotten.
    pub(super) fn settings(
        &self,
        presence: &PresenceSettings,
        resume: &ResumeSettings,
        fallback: Option<&SecretString>,
    ) -> Settings {
        Settings {
            socket: self.socket(),
            sessions_per_person_max: self.sessions_per_person_max,
            sessions_per_address_max: self.sessions_per_address_max,
            unauthenticated_per_address_max: self.unauthenticated_per_address_max,
            events_per_session_bytes_max: self.events_per_session_max_bytes,
            events_per_person_bytes_max: self.events_per_person_max_bytes,
            events_bytes_max: self.events_max_bytes,
            rooms_per_session_max: self.rooms_per_session_max,
            history_messages: self.history_messages,
            resume_events_max: resume.events_max,
            answer_bytes_max: self.answer_max_bytes,
            recovery_key: resume.key(fallback),
            recovery_offered: resume.recovery.into(),
            recovery_age_max_ms: resume.age_max_ms(),
            expiry_notice_ms: self.expiry_notice_ms,
            drain_retry_after_ms: self.drain_retry_after_ms,
            presence: presence.presence(),
            typing: presence.typing(),
        }
    }

    fn socket(&self) -> socketio::Config {
        socketio::Config {
            ping_interval_ms: self.ping_interval_ms,
            ping_timeout_ms: self.ping_timeout_ms,
            transports: self.transports.into(),
            upgrade_timeout_ms: self.upgrade_timeout_ms,
            polling_tombstone_ms: self.polling_tombstone_ms,
            compression: self.compression.is_on(),
            // Set by `api`, which knows whether there is a key.
            recovery: false,
            max_payload_bytes: self.max_payload_bytes,
            max_packet_bytes: self.max_packet_bytes,
            max_attachments: self.max_attachments,
            max_event_bytes: self.event_max_bytes,
            // Set by `api`, which knows the events.
            kept_event_members: &[],
            max_connect_bytes: self.connect_max_bytes,
            max_unconnected_bytes: self.unconnected_max_bytes,
            max_refused_connects: self.refused_connects_max,
            connect_timeout_ms: self.connect_timeout_ms,
            namespace_timeout_ms: self.namespace_timeout_ms,
            connect_decision_timeout_ms: self.connect_decision_timeout_ms,
            close_timeout_ms: self.close_timeout_ms,
            mailbox_messages: self.mailbox_messages,
            mailbox_bytes: self.mailbox_bytes,
            inbox_events: self.inbox_events,
            sessions_max: self.sessions_max,
        }
    }
}

/// Resuming after a disconnect.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Resuming")]
pub(crate) struct ResumeSettings {
    /// Secret that signs recovery tokens, the same on every node; `JWT_SECRET` if not set, and without both no connection is resumed
    #[arg(id = "resume-signing-secret", long, env = "RESUME_SIGNING_SECRET", value_name = "SECRET",
        hide_env_values = true, value_parser = secret)]
    signing_secret: Option<SecretString>,

    /// Whether Socket.IO clients recover their connection, for which every event has one more argument: `on` unless a client sends `recovery: false`, `on-request` if it sends `recovery: true`, or `off`
    #[arg(
        id = "resume-recovery",
        long,
        env = "RESUME_RECOVERY",
        value_name = "RECOVERY",
        value_enum,
        default_value = "on"
    )]
    recovery: Recovery,

    /// How long after a disconnect a client may resume
    #[arg(id = "resume-age-max-s", long, env = "RESUME_AGE_MAX_S", value_name = "1..86400",
        default_value = "3600", value_parser = whole::<u64>(1, 86_400))]
    age_max_s: u64,

    /// Maximum number of missed events that are replayed; a client that missed more reloads
    #[arg(id = "resume-events-max", long, env = "RESUME_EVENTS_MAX", value_name = "1..200",
        default_value = "200", value_parser = whole::<u32>(1, 200))]
    events_max: u32,
}

impl ResumeSettings {
    /// The key of recovery tokens, made of `fallback` if no secret is set.
    pub(super) fn key(&self, fallback: Option<&SecretString>) -> Option<RecoveryKey> {
        let secret = self.signing_secret.as_ref().or(fallback)?;
        Some(RecoveryKey::derived_from(secret.expose_secret().as_bytes()))
    }

    /// How long after a disconnect a client may resume, in milliseconds.
    pub(super) fn age_max_ms(&self) -> u64 {
        self.age_max_s * 1_000
    }
}
