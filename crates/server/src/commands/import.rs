//! `import`: imports the database of the legacy system.

use std::{
    io::{self, Write as _},
    sync::Arc,
    time::Duration,
};

use importer::{ImportedKind, Outcome, Progress, Refused, Report, Settings};
use storage_pg::{Address, PgStore};
use tokio::time::Instant;

use crate::{
    cli::ImportArgs,
    database,
    error::RunError,
    ports::SystemClock,
    settings::{Config, Database},
};

/// A page is larger than a request, and nobody waits for it.
const STATEMENT_TIMEOUT_MS: u32 = 120_000;
/// How often progress is logged.
const PROGRESS_PERIOD: Duration = Duration::from_secs(5);

/// Runs the import. Prints a line for each refused row as it is refused, and returns the counts.
pub(crate) async fn perform(
    args: &ImportArgs,
    source: Option<Address>,
    config: &Config,
) -> Result<String, RunError> {
    let source = source.ok_or(RunError::ImportSource)?;
    if !source.unused().is_empty() {
        let parameters = source.unused().join(", ");
        tracing::info!(parameters, "the address of the source has parameters that are not used");
    }
    let defaults = Settings::new(source.config());
    let settings = Settings {
        is_dry_run: args.dry_run,
        schema: source.schema().map(str::to_owned),
        connect_timeout_ms: source
            .connect_timeout()
            .map_or(defaults.connect_timeout_ms, |timeout| {
                u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX)
            }),
        ..defaults
    };
    let run_migrations = config.database.run_migrations && !args.dry_run;
    database::prepare(&Database { run_migrations, ..config.database.clone() }).await?;
    let store_settings = storage_pg::Settings {
        statement_timeout_ms: STATEMENT_TIMEOUT_MS,
        lock_wait_ms_max: STATEMENT_TIMEOUT_MS,
        idle_in_transaction_timeout_ms: STATEMENT_TIMEOUT_MS,
        ..config.database.store.clone()
    };
    let store = Arc::new(PgStore::new(&store_settings)?);
    let mut progress = ProgressLog { last_logged_at: Instant::now(), failed: None };
    let report = importer::import(&settings, store, Arc::new(SystemClock), &mut progress).await?;
    progress.failed.map_or(Ok(report.to_string()), |cause| Err(RunError::ImportOutput(cause)))
}

/// Prints refused rows, and logs the counts every [`PROGRESS_PERIOD`].
struct ProgressLog {
    last_logged_at: Instant,
    /// The first failure to print.
    failed: Option<io::Error>,
}

impl Progress for ProgressLog {
    fn resumed(&mut self, so_far: &Report) {
        tracing::info!(
            conversations = so_far.count(ImportedKind::Conversation, Outcome::Read),
            messages = so_far.count(ImportedKind::Message, Outcome::Read),
            "the import resumes"
        );
    }

    fn refused(&mut self, refused: &Refused) {
        let Refused { kind, id, reason } = refused;
        let line = format!("refused\t{}\t{id}\t{}\n", kind.as_str(), reason.as_str());
        if let Err(cause) = io::stdout().write_all(line.as_bytes()) {
            self.failed.get_or_insert(cause);
        }
    }

    fn page(&mut self, so_far: &Report) {
        if self.last_logged_at.elapsed() >= PROGRESS_PERIOD {
            self.last_logged_at = Instant::now();
            tracing::info!(
                people = so_far.count(ImportedKind::Person, Outcome::Read),
                conversations = so_far.count(ImportedKind::Conversation, Outcome::Read),
                messages = so_far.count(ImportedKind::Message, Outcome::Read),
                "import progress"
            );
        }
    }
}
