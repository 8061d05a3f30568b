//! Brings the database to the schema that this code expects.

use std::time::Duration;

use diesel::{pg::Pg, sql_types::Bool};
use diesel_async::{
    AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection,
    async_connection_wrapper::AsyncConnectionWrapper,
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::{
    connect::Connector,
    failure::Failure,
    prepared::prepared,
    settings::{InvalidSettings, Settings},
};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations");

/// Whoever migrates holds this advisory lock. The number means nothing but "our migrations".
const TAKE_TURN: &str = "SELECT pg_try_advisory_lock(7305808867233591) AS taken";

/// How long to wait before asking for the turn again.
const TURN_POLL: Duration = Duration::from_millis(100);

/// Why the database is not as this code expects it.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The settings cannot work.
    #[error("the settings of the database are not usable")]
    Settings(#[from] InvalidSettings),
    /// The database could not be reached, or refused.
    #[error("the database could not be prepared")]
    Database(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A migration failed; it and those after it are not applied.
    #[error("a migration failed")]
    Migration(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<Failure> for MigrateError {
    fn from(failure: Failure) -> Self {
        Self::Database(Box::new(failure))
    }
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

/// Connects, waits for the turn, and makes the schema that everything is in. The turn ends with the
/// connection.
///
/// Waiting is asking again: a session that waits for a lock inside PostgreSQL holds a view of the
/// data, and an index built concurrently by the one who works would wait for that view in turn.
async fn connect_in_turn(settings: &Settings) -> Result<AsyncPgConnection, MigrateError> {
    let mut connection = Connector::for_migrations(settings)?.connect().await?;
    while !take_turn(&mut connection).await? {
        tokio::time::sleep(TURN_POLL).await;
    }
    connection.batch_execute("CREATE SCHEMA IF NOT EXISTS messaging").await?;
    Ok(connection)
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
