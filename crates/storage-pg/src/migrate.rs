//! Brings the database to the schema that this code expects.

use std::time::{Duration, Instant};

use diesel::{
    OptionalExtension, QueryableByName,
    migration::MigrationSource,
    pg::Pg,
    sql_types::{Bool, Integer, Text},
};
use diesel_async::{
    AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection,
    async_connection_wrapper::AsyncConnectionWrapper,
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::{
    connect::{Connector, InvalidSettings, Settings},
    error::{Class, Failure},
    query::{Statements, prepared},
};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations");

/// The advisory lock of migrations. The number is arbitrary.
const TRY_LOCK: &str = "SELECT pg_try_advisory_lock(7305808867233591) AS is_locked";

/// The session that holds it. PostgreSQL stores the halves of the number in two columns.
const HOLDER: &str = "
SELECT session.pid, coalesce(session.application_name, '') AS application
FROM pg_catalog.pg_locks AS held JOIN pg_catalog.pg_stat_activity AS session ON session.pid = held.pid
WHERE held.locktype = 'advisory' AND held.granted AND held.objsubid = 1
    AND held.database = (
        SELECT here.oid FROM pg_catalog.pg_database AS here WHERE here.datname = current_database()
    )
    AND (held.classid::bigint << 32) + held.objid::bigint = 7305808867233591
LIMIT 1";

/// Our schema only, whatever the role, the database or a URL sets: Diesel creates the list of
/// migrations in the first schema of the search path.
const USE_OUR_SCHEMA: &str = "CREATE SCHEMA IF NOT EXISTS messaging; SET search_path TO messaging";

/// How long another session may hold the lock before we log that we wait, and the interval of
/// further log lines.
const FIRST_REPORT: Duration = Duration::from_secs(1);
const REPORT_PERIOD: Duration = Duration::from_secs(10);

/// The interval between attempts to take the lock.
const LOCK_POLL: Duration = Duration::from_millis(100);

/// Why the schema is not up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The settings cannot work.
    #[error("the settings of the database are not usable")]
    Settings(#[from] InvalidSettings),
    /// A connection pooler answers, and refuses or drops the settings of our sessions.
    #[error("a connection pooler answers, and refuses or drops the settings of our sessions")]
    Pooler,
    /// Another session held the migration lock for longer than we wait.
    #[error("another session changes the schema, and did not end in time: {}", shown(.0.as_ref()))]
    Locked(Option<LockHolder>),
    /// The database is unreachable, or refused.
    #[error("the database could not be prepared")]
    Database(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database was migrated by other code than earlier or later versions of this one: its list
    /// has these versions, and this code cannot use the result. Nothing was changed.
    #[error(
        "the schema is of another line of versions: migrations {} are applied and not known here, \
         and were not followed by ours",
        .0.join(", ")
    )]
    Unknown(Vec<String>),
    /// A migration failed; it and later ones are not applied.
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

/// The session that holds the migration lock.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct LockHolder {
    /// Its backend process id.
    #[diesel(sql_type = Integer)]
    pub pid: i32,
    /// Its application name; may be empty.
    #[diesel(sql_type = Text)]
    pub application: String,
}

/// The holder with the column names of `pg_stat_activity`.
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

/// Applies the missing migrations, and returns their names. Of concurrent calls, on any number of
/// nodes, one applies them and the others wait.
///
/// # Errors
/// See [`MigrateError`]. Each migration is applied wholly or not at all.
pub async fn migrate(settings: &Settings) -> Result<Vec<String>, MigrateError> {
    let connection = connect_and_lock(settings).await?;
    on_a_thread(connection, |harness| {
        let pending = missing(harness)?;
        harness.run_pending_migrations(MIGRATIONS).map_err(MigrateError::Migration)?;
        Ok(pending)
    })
    .await
}

/// The names of the missing migrations. Changes nothing but creating the list of migrations if it
/// does not exist.
///
/// # Errors
/// See [`MigrateError`].
pub async fn pending(settings: &Settings) -> Result<Vec<String>, MigrateError> {
    on_a_thread(connect_and_lock(settings).await?, missing).await
}

/// Reverts every migration, deleting all data. For tests of `down.sql`.
///
/// # Errors
/// See [`MigrateError`].
pub async fn revert_all(settings: &Settings) -> Result<(), MigrateError> {
    let connection = connect_and_lock(settings).await?;
    on_a_thread(connection, |harness| {
        harness.revert_all_migrations(MIGRATIONS).map(drop).map_err(MigrateError::Migration)
    })
    .await
}

type Harness = AsyncConnectionWrapper<AsyncPgConnection>;
type Migration = Box<dyn diesel::migration::Migration<Pg>>;

/// The names of the missing migrations, if the database belongs to our line of versions.
fn missing(harness: &mut Harness) -> Result<Vec<String>, MigrateError> {
    let ours: Vec<Migration> = MIGRATIONS.migrations().map_err(MigrateError::Migration)?;
    let ours: Vec<(String, String)> = ours
        .iter()
        .map(|migration| (migration.name().version().to_string(), migration.name().to_string()))
        .collect();
    let applied = harness.applied_migrations().map_err(MigrateError::Migration)?;
    let applied: Vec<String> = applied.iter().map(ToString::to_string).collect();
    let known: Vec<&str> = ours.iter().map(|(version, _)| version.as_str()).collect();
    check_line(&known, &applied)?;
    let missing = ours.into_iter().filter(|(version, _)| !applied.contains(version));
    let mut missing: Vec<_> = missing.collect();
    missing.sort_unstable();
    Ok(missing.into_iter().map(|(_, name)| name).collect())
}

/// Checks that the versions `applied` belong to our line `known`: a prefix of it, or all of it plus
/// migrations of a later version. Old nodes see the latter during a rolling upgrade.
fn check_line(known: &[&str], applied: &[String]) -> Result<(), MigrateError> {
    let unknown: Vec<String> =
        applied.iter().filter(|version| !known.contains(&version.as_str())).cloned().collect();
    let newest = known.iter().max().copied().unwrap_or_default();
    let is_complete = known.iter().all(|version| applied.iter().any(|applied| applied == version));
    if unknown.iter().all(|version| is_complete && version.as_str() > newest) {
        return Ok(());
    }
    Err(MigrateError::Unknown(unknown))
}

/// Connects, waits for the lock as long as the settings allow, and creates our schema. The lock is
/// released when the connection closes.
///
/// Waiting means polling: a session that waits for a lock inside PostgreSQL holds a snapshot, and
/// an index that the holder builds concurrently would wait for that snapshot in turn.
async fn connect_and_lock(settings: &Settings) -> Result<AsyncPgConnection, MigrateError> {
    // Behind a pooler the lock would belong to a session shared with others.
    Connector::for_requests(settings, Statements::default())?.check_session().await?;
    let mut connection = Connector::for_migrations(settings)?.connect().await?;
    wait_for_lock(&mut connection, settings).await?;
    connection.batch_execute(USE_OUR_SCHEMA).await?;
    Ok(connection)
}

async fn wait_for_lock(
    connection: &mut AsyncPgConnection,
    settings: &Settings,
) -> Result<(), MigrateError> {
    let begun = Instant::now();
    let wait_max = Duration::from_millis(settings.migration_lock_wait_ms_max);
    let mut report_at = FIRST_REPORT;
    while !try_lock(connection).await? {
        let waited = begun.elapsed();
        if waited >= report_at || waited >= wait_max {
            let holder: Option<LockHolder> =
                prepared(HOLDER).get_result(connection).await.optional()?;
            if waited >= wait_max {
                return Err(MigrateError::Locked(holder));
            }
            tracing::warn!(
                pid = holder.as_ref().map(|holder| holder.pid),
                application_name = holder.map(|holder| holder.application),
                "another session changes the schema; waiting for its end"
            );
            report_at = waited + REPORT_PERIOD;
        }
        tokio::time::sleep(LOCK_POLL).await;
    }
    Ok(())
}

#[derive(diesel::QueryableByName)]
struct Lock {
    #[diesel(sql_type = Bool)]
    is_locked: bool,
}

async fn try_lock(connection: &mut AsyncPgConnection) -> Result<bool, diesel::result::Error> {
    let lock: Lock = prepared(TRY_LOCK).get_result(connection).await?;
    Ok(lock.is_locked)
}

/// Diesel's migrations are synchronous; a separate thread keeps any runtime free.
async fn on_a_thread<T: Send + 'static>(
    connection: AsyncPgConnection,
    work: impl FnOnce(&mut Harness) -> Result<T, MigrateError> + Send + 'static,
) -> Result<T, MigrateError> {
    let task = tokio::task::spawn_blocking(move || work(&mut Harness::from(connection)));
    task.await.map_err(|error| MigrateError::Migration(Box::new(error)))?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(applied: &[&str]) -> Option<Vec<String>> {
        let applied: Vec<String> = applied.iter().map(|&version| version.to_owned()).collect();
        match check_line(&["20", "30"], &applied) {
            Ok(()) => None,
            Err(MigrateError::Unknown(unknown)) => Some(unknown),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn a_beginning_of_our_migrations_is_ours_and_so_is_what_a_later_version_added() {
        for ours in
            [&[][..], &["20"], &["20", "30"], &["20", "30", "31"], &["20", "30", "31", "40"]]
        {
            assert_eq!(refused(ours), None, "{ours:?}");
        }
    }

    #[test]
    fn migrations_beside_or_instead_of_ours_are_not_ours() {
        for (applied, unknown) in [
            (&["10"][..], &["10"][..]),
            (&["10", "20"], &["10"]),
            (&["20", "25", "30"], &["25"]),
            (&["31"], &["31"]),
            (&["20", "31"], &["31"]),
            (&["10", "20", "30", "31"], &["10", "31"]),
        ] {
            let unknown = unknown.iter().map(|&version| version.to_owned()).collect();
            assert_eq!(refused(applied), Some(unknown), "{applied:?}");
        }
    }
}
