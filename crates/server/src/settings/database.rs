use std::{collections::BTreeMap, time::Duration};

use clap::Args;
use storage_pg::Address;

use super::value::{Fault, Faults, Source, Switch, address, whole};

/// The flag of the database's URL.
pub(super) const URL: &str = "database-url";
/// The flag of the URL that bypasses a connection pooler.
pub(super) const DIRECT_URL: &str = "database-direct-url";

const POOL_CONNECTIONS_MAX: &str = "database-pool-connections-max";
const POOL_WAIT_MS_MAX: &str = "database-pool-wait-ms-max";
const CONNECT_TIMEOUT_MS: &str = "database-connect-timeout-ms";

/// The database.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Database")]
pub(crate) struct DatabaseSettings {
    /// URL of PostgreSQL: `postgres://user:password@host:port/database?sslmode=require`
    #[arg(id = URL, long, env = "DATABASE_URL", value_name = "URL", hide_env_values = true,
        value_parser = address)]
    url: Option<Address>,

    /// URL of PostgreSQL itself, if the other one is that of a connection pooler; used instead of it
    #[arg(id = DIRECT_URL, long, env = "DATABASE_DIRECT_URL", value_name = "URL",
        hide_env_values = true, value_parser = address)]
    direct_url: Option<Address>,

    /// Whether migrations run at start; otherwise the server refuses to start with an old schema
    #[arg(
        id = "database-run-migrations",
        long,
        env = "DATABASE_RUN_MIGRATIONS",
        value_name = "SWITCH",
        value_enum,
        default_value = "on"
    )]
    run_migrations: Switch,

    /// How long the start waits for a database that does not answer, or that another node migrates
    #[arg(id = "database-start-wait-s", long, env = "DATABASE_START_WAIT_S",
        value_name = "0..3600", default_value = "30", value_parser = whole::<u64>(0, 3_600))]
    start_wait_s: u64,

    /// Maximum number of connections in the pool
    #[arg(id = POOL_CONNECTIONS_MAX, long, env = "DATABASE_POOL_CONNECTIONS_MAX",
        value_name = "1..1000", default_value = "16", value_parser = whole::<usize>(1, 1_000))]
    pool_connections_max: usize,

    /// Requests that may wait for a connection; further ones are answered 503
    #[arg(id = "database-pool-waiters-max", long, env = "DATABASE_POOL_WAITERS_MAX",
        value_name = "0..100000", default_value = "1024", value_parser = whole::<usize>(0, 100_000))]
    pool_waiters_max: usize,

    /// How long a request waits for a connection
    #[arg(id = POOL_WAIT_MS_MAX, long, env = "DATABASE_POOL_WAIT_MS_MAX",
        value_name = "1..600000", default_value = "2000", value_parser = whole::<u64>(1, 600_000))]
    pool_wait_ms_max: u64,

    /// How long opening a connection may take
    #[arg(id = CONNECT_TIMEOUT_MS, long, env = "DATABASE_CONNECT_TIMEOUT_MS",
        value_name = "1..600000", default_value = "5000", value_parser = whole::<u64>(1, 600_000))]
    connect_timeout_ms: u64,

    /// How long a statement may run, waiting for locks included
    #[arg(id = "database-statement-timeout-ms", long, env = "DATABASE_STATEMENT_TIMEOUT_MS",
        value_name = "1..600000", default_value = "5000", value_parser = whole::<u32>(1, 600_000))]
    statement_timeout_ms: u32,

    /// How long a statement may wait for a lock; then the request is answered 503
    #[arg(id = "database-lock-wait-ms-max", long, env = "DATABASE_LOCK_WAIT_MS_MAX",
        value_name = "1..600000", default_value = "3000", value_parser = whole::<u32>(1, 600_000))]
    lock_wait_ms_max: u32,

    /// How long a transaction may be idle
    #[arg(id = "database-idle-in-transaction-timeout-ms", long,
        env = "DATABASE_IDLE_IN_TRANSACTION_TIMEOUT_MS", value_name = "1..600000",
        default_value = "5000", value_parser = whole::<u32>(1, 600_000))]
    idle_in_transaction_timeout_ms: u32,

    /// Conversations whose participants are cached
    #[arg(id = "database-parties-cache-entries-max", long,
        env = "DATABASE_PARTIES_CACHE_ENTRIES_MAX", value_name = "1..10000000",
        default_value = "100000", value_parser = whole::<usize>(1, 10_000_000))]
    parties_cache_entries_max: usize,

    /// Lanes on which changes of conversations are committed in batches, each with a connection of its own
    #[arg(id = "database-lanes", long, env = "DATABASE_LANES",
        value_name = "1..32", default_value = "2",
        value_parser = whole::<usize>(1, 32))]
    lanes: usize,

    /// Changes that may wait for the lanes; further ones are answered 503
    #[arg(id = "database-lane-queue-commands-max", long, env = "DATABASE_LANE_QUEUE_COMMANDS_MAX",
        value_name = "1..100000", default_value = "1024",
        value_parser = whole::<usize>(1, 100_000))]
    lane_queue_commands_max: usize,

    /// Maximum number of changes in one commit
    #[arg(id = "database-lane-batch-commands-max", long, env = "DATABASE_LANE_BATCH_COMMANDS_MAX",
        value_name = "1..1000", default_value = "64",
        value_parser = whole::<usize>(1, 1_000))]
    lane_batch_commands_max: usize,

    /// Maximum size of the changes in one commit, unless it is a single one
    #[arg(id = "database-lane-batch-bytes-max", long, env = "DATABASE_LANE_BATCH_BYTES_MAX",
        value_name = "1..16777216", default_value = "262144",
        value_parser = whole::<usize>(1, 16_777_216))]
    lane_batch_bytes_max: usize,

    /// Changes that may run outside of batches at a time, waiting for a lock included, each on a connection of its own
    #[arg(id = "database-lane-lock-waits-max", long, env = "DATABASE_LANE_LOCK_WAITS_MAX",
        value_name = "1..100", default_value = "4",
        value_parser = whole::<usize>(1, 100))]
    lane_lock_waits_max: usize,
}

/// The configuration of the database.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    /// Its URL and the bounds of the pool.
    pub(crate) store: storage_pg::Settings,
    /// Whether migrations run at start.
    pub(crate) run_migrations: bool,
    /// How long the start waits for it.
    pub(crate) start_wait: Duration,
    /// Whether `DATABASE_DIRECT_URL` is used.
    pub(crate) is_direct: bool,
    /// Parameters of the URL that have no effect.
    pub(crate) unused: Vec<&'static str>,
}

/// Adds the settings that the URL contains as parameters and that no other source sets.
pub(crate) fn add_url_parameters(merged: &mut BTreeMap<String, (String, Source)>) {
    let text = [DIRECT_URL, URL].iter().find_map(|id| merged.get(*id));
    let Some(address) = text.and_then(|(text, _)| Address::parse(text).ok()) else { return };
    let millis = |wait: Option<Duration>| wait.map(|wait| wait.as_millis().to_string());
    let parameters = [
        (POOL_CONNECTIONS_MAX, address.connections_max().map(|max| max.to_string())),
        (POOL_WAIT_MS_MAX, millis(address.pool_wait())),
        (CONNECT_TIMEOUT_MS, millis(address.connect_timeout())),
    ];
    for (id, text) in parameters {
        if let Some(text) = text {
            merged.entry(id.to_owned()).or_insert((text, Source::Address));
        }
    }
}

impl DatabaseSettings {
    /// The configuration; a fault if the URL is missing.
    pub(super) fn check(&self, faults: &mut Faults) -> Option<Database> {
        let address = self.address(faults)?;
        Some(Database {
            store: storage_pg::Settings {
                url: address.expose().into(),
                pool_connections_max: self.pool_connections_max,
                pool_waiters_max: self.pool_waiters_max,
                pool_wait_ms_max: self.pool_wait_ms_max,
                connect_timeout_ms: self.connect_timeout_ms,
                statement_timeout_ms: self.statement_timeout_ms,
                lock_wait_ms_max: self.lock_wait_ms_max,
                idle_in_transaction_timeout_ms: self.idle_in_transaction_timeout_ms,
                migration_lock_wait_ms_max: self.start_wait_s * 1_000,
                parties_cache_entries_max: self.parties_cache_entries_max,
                lanes: self.lanes,
                lane_queue_commands_max: self.lane_queue_commands_max,
                lane_batch_commands_max: self.lane_batch_commands_max,
                lane_batch_bytes_max: self.lane_batch_bytes_max,
                lane_lock_waits_max: self.lane_lock_waits_max,
            },
            run_migrations: self.run_migrations.is_on(),
            start_wait: Duration::from_secs(self.start_wait_s),
            is_direct: self.direct_url.is_some(),
            unused: address.unused().to_vec(),
        })
    }

    /// The URL that is used; a fault if it says that it is that of a pooler (`pgbouncer=true`).
    fn address(&self, faults: &mut Faults) -> Option<&Address> {
        match (&self.direct_url, &self.url) {
            (Some(direct), _) if direct.names_a_pooler() => {
                let why = "must lead to PostgreSQL itself, and not to a connection pooler (pgbouncer=true)";
                faults.note(Fault::new(DIRECT_URL, why));
                None
            }
            (None, Some(url)) if url.names_a_pooler() => {
                let why = "leads to a connection pooler (pgbouncer=true), which keeps no session: set \
                    DATABASE_DIRECT_URL to where PostgreSQL itself is";
                faults.note(Fault::new(URL, why));
                None
            }
            (None, None) => {
                faults.note(Fault::new(URL, "is missing"));
                None
            }
            (Some(direct), _) => Some(direct),
            (None, Some(url)) => Some(url),
        }
    }
}
