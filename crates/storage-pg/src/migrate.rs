//! Brings the database to the schema that this code expects.

use std::time::{Duration, Instant};

use diesel::{
    OptionalExtension, QueryableByName,
    pg::Pg,
    sql_types::{Bool, Integer, Text},
};
use diesel_async::{
    AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection,
    async_connection_wrapper::AsyncConnectionWrapper,
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::{
    connect::Connector,
    error::{Class, Failure},
    pool::{InvalidSettings, Settings},
    query::{Statements, prepared},
};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations");

/// Whoever migrates holds this advisory lock. The number means nothing but "our migrations".
const TAKE_TURN: &str = "SELECT pg_try_advisory_lock(7305808867233591) AS taken";

/// Who holds it. PostgreSQL keeps the halves of the number apart.
const HOLDER: &str = "
SELECT session.pid, coalesce(session.application_name, '') AS application
FROM pg_catalog.pg_locks AS held JOIN pg_catalog.pg_stat_activity AS session ON session.pid = held.pid
WHERE held.locktype = 'advisory' AND held.granted AND held.objsubid = 1
    AND held.database = (
        SELECT here.oid FROM pg_catalog.pg_database AS here WHERE here.datname = current_database()
    )
    AND (held.classid::bigint << 32) + held.objid::bigint = 7305808867233591
LIMIT 1";

/// Our schema, and no other one, whatever the role, the database or an address says; the list of
/// migrations is made wherever the search path leads.
const IN_OUR_SCHEMA: &str = "CREATE SCHEMA IF NOT EXISTS messaging; SET search_path TO messaging";

/// How long somebody may have the turn before we say that we wait, and how often we repeat it.
const FIRST_REPORT: Duration = Duration::from_secs(1);
const REPORT_PERIOD: Duration = Duration::from_secs(10);

/// How long to wait before asking for the turn again.
const TURN_POLL: Duration = Duration::from_millis(100);

/// Why the database is not as this code expects it.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The settings cannot work.
    #[error("the settings of the database are not usable")]
    Settings(#[from] InvalidSettings),
    /// What answers is a connection pooler, and drops the settings of our sessions.
    #[error("what answers is a connection pooler, which drops the settings of our sessions")]
    Pooler,
    /// Somebody else brings the schema up to date for longer than we may wait.
    #[error("another session changes the schema, and did not end in time: {}", shown(.0.as_ref()))]
    Locked(Option<LockHolder>),
    /// The database could not be reached, or refused.
    #[error("the database could not be prepared")]
    Database(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A migration failed; it and those after it are not applied.
    #[error("a migration failed")]
    Migration(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<Failure> for MigrateError {
    fn from(failure: Failure) -> Self {
        match failure.class() {
            Class::Pooler => Self::Pooler,
            _ => Self::Database(Box::new(failure)),
        }
    }
}

/// Who brings the schema up to date at the moment.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct LockHolder {
    /// The process of PostgreSQL that serves them.
    #[diesel(sql_type = Integer)]
    pub pid: i32,
    /// What they call themselves; may be empty.
    #[diesel(sql_type = Text)]
    pub application: String,
}

/// In the words of `pg_stat_activity`.
fn shown(holder: Option<&LockHolder>) -> String {
    holder.map_or("it is gone".to_owned(), |holder| {
        format!("pid {}, application_name {:?}", holder.pid, holder.application)
    })
}

impl From<diesel::result::Error> for MigrateError {
    fn from(error: diesel::result::Error) -> Self {
        Failure::from(error).into()
    }
}

/// Applies the migrations that are missing, and returns their names. Of several that call this at
/// once, on any number of nodes, one works and the others wait.
///
/// # Errors
/// See [`MigrateError`]. Each migration is applied wholly or not at all.
pub async fn migrate(settings: &Settings) -> Result<Vec<String>, MigrateError> {
    let connection = connect_in_turn(settings).await?;
    on_a_thread(connection, |harness| {
        let pending = names(harness)?;
        harness.run_pending_migrations(MIGRATIONS)?;
        Ok(pending)
    })
    .await
}

/// The names of the migrations that are missing. Changes nothing but for the list of migrations,
/// which is made if it is not there.
///
/// # Errors
/// See [`MigrateError`].
pub async fn pending(settings: &Settings) -> Result<Vec<String>, MigrateError> {
    on_a_thread(connect_in_turn(settings).await?, names).await
}

/// Takes every migration back, and with them everything that was stored. For tests of `down.sql`.
///
/// # Errors
/// See [`MigrateError`].
pub async fn revert_all(settings: &Settings) -> Result<(), MigrateError> {
    let connection = connect_in_turn(settings).await?;
    on_a_thread(connection, |harness| harness.revert_all_migrations(MIGRATIONS).map(drop)).await
}

type Harness = AsyncConnectionWrapper<AsyncPgConnection>;
type Outcome<T> = diesel::migration::Result<T>;

fn names(harness: &mut Harness) -> Outcome<Vec<String>> {
    let pending: Vec<Box<dyn diesel::migration::Migration<Pg>>> =
        harness.pending_migrations(MIGRATIONS)?;
    Ok(pending.iter().map(|migration| migration.name().to_string()).collect())
}

/// Connects, waits for the turn, as long as the settings allow, and makes the schema that everything
/// is in. The turn ends with the connection.
///
/// Waiting is asking again: a session that waits for a lock inside PostgreSQL holds a view of the
/// data, and an index built concurrently by the one who works would wait for that view in turn.
async fn connect_in_turn(settings: &Settings) -> Result<AsyncPgConnection, MigrateError> {
    // Through a pooler neither the turn nor the schema would be ours alone.
    Connector::for_requests(settings, Statements::default())?.check_session().await?;
    let mut connection = Connector::for_migrations(settings)?.connect().await?;
    wait_for_turn(&mut connection, settings).await?;
    connection.batch_execute(IN_OUR_SCHEMA).await?;
    Ok(connection)
}

async fn wait_for_turn(
    connection: &mut AsyncPgConnection,
    settings: &Settings,
) -> Result<(), MigrateError> {
    let begun = Instant::now();
    let patience = Duration::from_millis(settings.migration_lock_wait_ms_max);
    let mut report_at = FIRST_REPORT;
    while !take_turn(connection).await? {
        let waited = begun.elapsed();
        if waited >= report_at || waited >= patience {
            let holder: Option<LockHolder> =
                prepared(HOLDER).get_result(connection).await.optional()?;
            if waited >= patience {
                return Err(MigrateError::Locked(holder));
            }
            tracing::warn!(
                pid = holder.as_ref().map(|holder| holder.pid),
                application_name = holder.map(|holder| holder.application),
                "another session changes the schema; waiting for its end"
            );
            report_at = waited + REPORT_PERIOD;
        }
        tokio::time::sleep(TURN_POLL).await;
    }
    Ok(())
}

#[derive(diesel::QueryableByName)]
struct Turn {
    #[diesel(sql_type = Bool)]
    taken: bool,
}

async fn take_turn(connection: &mut AsyncPgConnection) -> Result<bool, diesel::result::Error> {
    let turn: Turn = prepared(TAKE_TURN).get_result(connection).await?;
    Ok(turn.taken)
}

/// Diesel's migrations are synchronous; a thread of their own keeps the runtime free, whichever
/// flavour it has.
async fn on_a_thread<T: Send + 'static>(
    connection: AsyncPgConnection,
    work: impl FnOnce(&mut Harness) -> Outcome<T> + Send + 'static,
) -> Result<T, MigrateError> {
    let task = tokio::task::spawn_blocking(move || work(&mut Harness::from(connection)));
    let ended = task.await.map_err(|error| MigrateError::Migration(Box::new(error)))?;
    ended.map_err(MigrateError::Migration)
}
