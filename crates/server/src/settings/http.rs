use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use api::{http::Settings, origins::Origins};
use clap::Args;

use super::value::{Fault, Faults, Switch, whole};

const INTERNAL_PORT: &str = "http-internal-port";

/// The HTTP server.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "HTTP")]
pub(crate) struct HttpSettings {
    /// Address to listen on
    #[arg(
        id = "http-bind-address",
        long,
        env = "HTTP_BIND_ADDRESS",
        value_name = "IP",
        default_value = "0.0.0.0"
    )]
    bind_address: IpAddr,

    /// TCP port for REST and sockets; 0 for any free one
    #[arg(id = "http-port", long, env = "PORT", value_name = "0..65535",
        default_value = "4000", value_parser = whole::<u16>(0, 65_535))]
    port: u16,

    /// TCP port for `/internal` and the health checks alone; if not set, the other port serves them too
    #[arg(id = INTERNAL_PORT, long, env = "HTTP_INTERNAL_PORT", value_name = "0..65535",
        value_parser = whole::<u16>(0, 65_535))]
    internal_port: Option<u16>,

    /// Address to listen on with `HTTP_INTERNAL_PORT`
    #[arg(
        id = "http-internal-bind-address",
        long,
        env = "HTTP_INTERNAL_BIND_ADDRESS",
        value_name = "IP",
        default_value = "127.0.0.1"
    )]
    internal_bind_address: IpAddr,

    /// Worker threads; one per core if not set
    #[arg(id = "http-workers", long, env = "HTTP_WORKERS", value_name = "1..1024",
        value_parser = whole::<usize>(1, 1_024))]
    pub(crate) workers: Option<usize>,

    /// Connections per worker; when there are as many, a new one takes the place of a stranger's whose last request is longest ago
    #[arg(id = "http-connections-per-worker-max", long, env = "HTTP_CONNECTIONS_PER_WORKER_MAX",
        value_name = "1..1000000", default_value = "25000",
        value_parser = whole::<usize>(1, 1_000_000))]
    pub(crate) connections_per_worker_max: usize,

    /// Connections from one address, sockets not counted, if no proxy is trusted; four times as many from a /48 network of IPv6
    #[arg(id = "http-connections-per-address-max", long, env = "HTTP_CONNECTIONS_PER_ADDRESS_MAX",
        value_name = "1..1000000", default_value = "1000",
        value_parser = whole::<usize>(1, 1_000_000))]
    pub(crate) connections_per_address_max: usize,

    /// Connections that sockets and signed-in people cannot take, kept for newcomers; at most half of all are
    #[arg(id = "http-reserved-connections", long, env = "HTTP_RESERVED_CONNECTIONS",
        value_name = "1..100000", default_value = "256",
        value_parser = whole::<usize>(1, 100_000))]
    pub(crate) reserved_connections: usize,

    /// Connections that the system queues until they are accepted
    #[arg(id = "http-backlog-connections-max", long, env = "HTTP_BACKLOG_CONNECTIONS_MAX",
        value_name = "1..65535", default_value = "2048", value_parser = whole::<u32>(1, 65_535))]
    pub(crate) backlog_connections_max: u32,

    /// How long an idle connection is kept open; should be longer than the timeout of a proxy in front
    #[arg(id = "http-keep-alive-s", long, env = "HTTP_KEEP_ALIVE_S", value_name = "1..3600",
        default_value = "75", value_parser = whole::<u64>(1, 3_600))]
    pub(crate) keep_alive_s: u64,

    /// How long the head of each request may take to be received
    #[arg(id = "http-client-request-timeout-ms", long, env = "HTTP_CLIENT_REQUEST_TIMEOUT_MS",
        value_name = "100..600000", default_value = "5000",
        value_parser = whole::<u64>(100, 600_000))]
    pub(crate) client_request_timeout_ms: u64,

    /// How long a client may take to close a connection
    #[arg(id = "http-client-disconnect-timeout-ms", long,
        env = "HTTP_CLIENT_DISCONNECT_TIMEOUT_MS", value_name = "100..600000",
        default_value = "1000", value_parser = whole::<u64>(100, 600_000))]
    pub(crate) client_disconnect_timeout_ms: u64,

    /// How long a client may read nothing of an answer that waits for it
    #[arg(id = "http-response-stall-timeout-ms", long, env = "HTTP_RESPONSE_STALL_TIMEOUT_MS",
        value_name = "100..600000", default_value = "60000",
        value_parser = whole::<u64>(100, 600_000))]
    pub(crate) response_stall_timeout_ms: u64,

    /// Bytes per second at which such an answer must be read on average; 0 for any rate
    #[arg(id = "http-response-bytes-per-s-min", long, env = "HTTP_RESPONSE_BYTES_PER_S_MIN",
        value_name = "0..1000000", default_value = "1024", value_parser = whole::<u32>(0, 1_000_000))]
    pub(crate) response_bytes_per_s_min: u32,

    /// Maximum size of a JSON body
    #[arg(
        id = "http-json-body-max-bytes",
        long,
        env = "HTTP_JSON_BODY_MAX_BYTES",
        value_name = "16384..16777216",
        default_value = "262144",
        value_parser = whole::<usize>(16_384, 16_777_216)
    )]
    json_body_max_bytes: usize,

    /// Maximum size of a JSON body under `/internal`
    #[arg(
        id = "http-internal-body-max-bytes",
        long,
        env = "HTTP_INTERNAL_BODY_MAX_BYTES",
        value_name = "16384..67108864",
        default_value = "4194304",
        value_parser = whole::<usize>(16_384, 67_108_864)
    )]
    internal_body_max_bytes: usize,

    /// How long the body of a request may take to be received
    #[arg(
        id = "http-body-deadline-ms",
        long,
        env = "HTTP_BODY_DEADLINE_MS",
        value_name = "100..600000",
        default_value = "30000",
        value_parser = whole::<u64>(100, 600_000)
    )]
    body_deadline_ms: u64,

    /// How long the database may take to answer before `/health/ready` reports not ready
    #[arg(
        id = "http-readiness-deadline-ms",
        long,
        env = "HTTP_READINESS_DEADLINE_MS",
        value_name = "10..60000",
        default_value = "2000",
        value_parser = whole::<u64>(10, 60_000)
    )]
    readiness_deadline_ms: u64,

    /// Whether the documentation is served under `/docs/`; if not set, outside production only
    #[arg(
        id = "http-serve-docs",
        long,
        env = "HTTP_SERVE_DOCS",
        value_name = "SWITCH",
        value_enum
    )]
    serve_docs: Option<Switch>,

    /// How long a graceful shutdown may take, in which sockets are closed and running requests answered
    #[arg(id = "http-shutdown-timeout-s", long, env = "HTTP_SHUTDOWN_TIMEOUT_S",
        value_name = "1..600", default_value = "10", value_parser = whole::<u64>(1, 600))]
    pub(crate) shutdown_timeout_s: u64,
}

impl HttpSettings {
    /// The address to listen on.
    pub(crate) fn address(&self) -> SocketAddr {
        (self.bind_address, self.port).into()
    }

    /// The address for the internal API alone.
    pub(crate) fn internal_address(&self) -> Option<SocketAddr> {
        Some((self.internal_bind_address, self.internal_port?).into())
    }

    /// Checks that the two ports differ, unless the system chooses them.
    pub(super) fn check(&self, faults: &mut Faults) {
        if self.port != 0 && self.internal_port == Some(self.port) {
            faults.note(Fault::new(INTERNAL_PORT, "must differ from PORT"));
        }
    }

    /// How long a graceful shutdown may take.
    pub(crate) fn shutdown_timeout(&self) -> Duration {
        Duration::from_secs(self.shutdown_timeout_s)
    }

    /// The settings of the REST interface.
    pub(super) fn rest(
        &self,
        origins: Origins,
        in_production: bool,
        (upload_deadline_ms, upload_bytes_per_s_min): (u64, u32),
    ) -> Settings {
        Settings {
            origins,
            json_body_max_bytes: self.json_body_max_bytes,
            internal_body_max_bytes: self.internal_body_max_bytes,
            body_deadline_ms: self.body_deadline_ms,
            readiness_deadline_ms: self.readiness_deadline_ms,
            upload_deadline_ms,
            upload_bytes_per_s_min,
            serve_docs: self.serve_docs.map_or(!in_production, Switch::is_on),
        }
    }
}
