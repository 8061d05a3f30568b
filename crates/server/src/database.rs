//! The database at start: waits until it answers, checks or migrates its schema, and checks its
//! language.

use std::time::Duration;

use storage_pg::{MigrateError, Settings};
use tokio::time::{Instant, sleep};

use crate::{error::RunError, settings::Database};

/// The first pause between attempts; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause between attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Migrates the schema; returns the names of the applied migrations, one per line.
pub(crate) async fn migrate(database: &Database) -> Result<String, RunError> {
    let applied =
        storage_pg::migrate(&database.store).await.map_err(|cause| refusal(database, cause))?;
    let lines = applied.into_iter().map(|name| name + "\n");
    Ok(lines.collect())
}

/// Waits for the database, at most `start_wait`, and checks or migrates its schema.
pub(crate) async fn prepare(database: &Database) -> Result<(), RunError> {
    let give_up_at = Instant::now() + database.start_wait;
    let mut pause = FIRST_PAUSE;
    loop {
        let left = give_up_at.saturating_duration_since(Instant::now());
        match ensure_schema(database, left).await {
            Err(RunError::Database(MigrateError::Database(cause)))
                if Instant::now() + pause < give_up_at =>
            {
                tracing::warn!(cause = %cause, "the database does not answer; retrying");
                sleep(pause).await;
                pause = LONGEST_PAUSE.min(pause * 2);
            }
            outcome => return outcome,
        }
    }
}

/// Waits at most `left` for another node that migrates it.
async fn ensure_schema(database: &Database, left: Duration) -> Result<(), RunError> {
    let migration_lock_wait_ms_max = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
    let settings = Settings { migration_lock_wait_ms_max, ..database.store.clone() };
    let refused = |cause| refusal(database, cause);
    if database.run_migrations {
        for migration in storage_pg::migrate(&settings).await.map_err(refused)? {
            tracing::info!(migration, "a migration was applied");
        }
        return Ok(());
    }
    let pending = storage_pg::pending(&settings).await.map_err(refused)?;
    if pending.is_empty() { Ok(()) } else { Err(RunError::SchemaOutOfDate(pending.join(", "))) }
}

/// Warns if the server does not answer our sessions in English. Diesel passes on no SQLSTATE, so that
/// failures of its statements are told by their English text.
pub(crate) async fn check_language(database: &Database) {
    match storage_pg::foreign_messages(&database.store).await {
        Ok(None) => {}
        Ok(Some(lc_messages)) => tracing::warn!(
            lc_messages,
            "the database answers in another language than English, and our role may not change \
             that: some timeouts, deadlocks and full disks will be answered 500 instead of 503 and \
             not be tried again; as a superuser, run ALTER DATABASE … SET lc_messages = 'C', or set \
             lc_messages = 'C' in postgresql.conf"
        ),
        Err(cause) => tracing::warn!(%cause, "the language of the database could not be checked"),
    }
}

fn refusal(database: &Database, cause: MigrateError) -> RunError {
    match cause {
        MigrateError::Pooler if database.is_direct => RunError::Pooler("DATABASE_DIRECT_URL"),
        MigrateError::Pooler => RunError::Pooler("DATABASE_URL"),
        MigrateError::Settings(settings) => RunError::DatabaseSettings(settings),
        unknown @ MigrateError::Unknown(_) => RunError::ForeignSchema(unknown),
        other => RunError::Database(other),
    }
}
