use std::time::Duration;

use clap::Args;

use super::{
    fault::{Fault, Faults},
    value::{DatabaseUrl, Switch, whole},
};

/// The flag of the database's URL.
pub(super) const URL: &str = "database-url";

/// The database.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Database")]
pub(crate) struct DatabaseSettings {
    /// Where PostgreSQL is: `postgres://user:password@host:port/database?sslmode=require`
    #[arg(id = URL, long, env = "DATABASE_URL", value_name = "URL", hide_env_values = true,
        value_parser = DatabaseUrl::parse)]
    url: Option<DatabaseUrl>,

    /// Whether the schema is brought up to date at start; without it the server refuses to start
    /// with an old one
    #[arg(
        id = "database-run-migrations",
        long,
        env = "DATABASE_RUN_MIGRATIONS",
        value_name = "SWITCH",
        value_enum,
        default_value = "on"
    )]
    run_migrations: Switch,

    /// How long the start waits for a database that does not answer
    #[arg(id = "database-start-wait-s", long, env = "DATABASE_START_WAIT_S",
        value_name = "0..3600", default_value = "30", value_parser = whole::<u64>(0, 3_600))]
    start_wait_s: u64,

    /// Connections held at the most
    #[arg(id = "database-pool-connections-max", long, env = "DATABASE_POOL_CONNECTIONS_MAX",
        value_name = "1..1000", default_value = "16", value_parser = whole::<usize>(1, 1_000))]
    pool_connections_max: usize,

    /// Requests that may wait for a connection; one more is told to come back later
    #[arg(id = "database-pool-waiters-max", long, env = "DATABASE_POOL_WAITERS_MAX",
        value_name = "0..100000", default_value = "1024", value_parser = whole::<usize>(0, 100_000))]
    pool_waiters_max: usize,

    /// How long a request waits for a connection
    #[arg(id = "database-pool-wait-ms-max", long, env = "DATABASE_POOL_WAIT_MS_MAX",
        value_name = "1..600000", default_value = "2000", value_parser = whole::<u64>(1, 600_000))]
    pool_wait_ms_max: u64,

    /// How long opening a connection may take
    #[arg(id = "database-connect-timeout-ms", long, env = "DATABASE_CONNECT_TIMEOUT_MS",
        value_name = "1..600000", default_value = "5000", value_parser = whole::<u64>(1, 600_000))]
    connect_timeout_ms: u64,

    /// How long a statement may run, waiting for locks included
    #[arg(id = "database-statement-timeout-ms", long, env = "DATABASE_STATEMENT_TIMEOUT_MS",
        value_name = "1..600000", default_value = "5000", value_parser = whole::<u32>(1, 600_000))]
    statement_timeout_ms: u32,

    /// How long a transaction may do nothing
    #[arg(id = "database-idle-in-transaction-timeout-ms", long,
        env = "DATABASE_IDLE_IN_TRANSACTION_TIMEOUT_MS", value_name = "1..600000",
        default_value = "5000", value_parser = whole::<u32>(1, 600_000))]
    idle_in_transaction_timeout_ms: u32,

    /// Conversations whose participants are remembered
    #[arg(id = "database-parties-cache-entries-max", long,
        env = "DATABASE_PARTIES_CACHE_ENTRIES_MAX", value_name = "1..10000000",
        default_value = "100000", value_parser = whole::<usize>(1, 10_000_000))]
    parties_cache_entries_max: usize,
}

/// What the program works with.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    /// Where it is, and how much of it we may use.
    pub(crate) store: storage_pg::Settings,
    /// Whether the schema is brought up to date at start.
    pub(crate) run_migrations: bool,
    /// How long the start waits for it.
    pub(crate) start_wait: Duration,
}

impl DatabaseSettings {
    /// The database; a fault when nobody said where it is.
    pub(super) fn check(&self, faults: &mut Faults) -> Option<Database> {
        let Some(url) = &self.url else {
            faults.note(Fault::new(URL, "is missing"));
            return None;
        };
        Some(Database {
            store: storage_pg::Settings {
                url: url.expose().into(),
                pool_connections_max: self.pool_connections_max,
                pool_waiters_max: self.pool_waiters_max,
                pool_wait_ms_max: self.pool_wait_ms_max,
                connect_timeout_ms: self.connect_timeout_ms,
                statement_timeout_ms: self.statement_timeout_ms,
                idle_in_transaction_timeout_ms: self.idle_in_transaction_timeout_ms,
                parties_cache_entries_max: self.parties_cache_entries_max,
            },
            run_migrations: self.run_migrations.is_on(),
            start_wait: Duration::from_secs(self.start_wait_s),
        })
    }
}
