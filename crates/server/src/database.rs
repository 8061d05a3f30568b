//! The database at start: there, and with the schema that this program knows.

use std::time::Duration;

use storage_pg::MigrateError;
use tokio::time::{Instant, sleep};

use crate::{config::Database, error::RunError};

/// The first wait for a database that does not answer; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest wait before asking again.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Brings the schema up to date, and says what was done.
pub(crate) async fn migrate(database: &Database) -> Result<String, RunError> {
    let applied = storage_pg::migrate(&database.store).await?;
    let lines = applied.into_iter().map(|name| name + "\n");
    Ok(lines.collect())
}

/// Waits for the database, a bounded time, and sees to its schema.
pub(crate) async fn prepare(database: &Database) -> Result<(), RunError> {
    let give_up_at = Instant::now() + database.start_wait;
    let mut pause = FIRST_PAUSE;
    loop {
        match see_to_schema(database).await {
            Err(RunError::Database(MigrateError::Database(cause)))
                if Instant::now() + pause < give_up_at =>
            {
                tracing::warn!(cause = %cause, "the database does not answer; asking again");
                sleep(pause).await;
                pause = LONGEST_PAUSE.min(pause * 2);
            }
            outcome => return outcome,
        }
    }
}

async fn see_to_schema(database: &Database) -> Result<(), RunError> {
    if database.run_migrations {
        for migration in storage_pg::migrate(&database.store).await? {
            tracing::info!(migration, "the schema was changed");
        }
        return Ok(());
    }
    let pending = storage_pg::pending(&database.store).await?;
    if pending.is_empty() { Ok(()) } else { Err(RunError::SchemaOutOfDate(pending.join(", "))) }
}
