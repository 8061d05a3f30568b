//! `import`: moving in from the system before this one.

use std::{
    io::{self, Write as _},
    sync::Arc,
    time::Duration,
};

use importer::{ImportedKind, Outcome, Refused, Settings, Tally, Watcher};
use storage_pg::{Address, PgStore};
use tokio::time::Instant;

use crate::{
    cli::ImportArgs,
    database,
    error::RunError,
    ports::SystemClock,
    settings::{Config, Database},
};

/// A page is much more than a request, and no person waits for it.
const STATEMENT_TIMEOUT_MS: u32 = 120_000;
/// How often progress is logged.
const PROGRESS_PERIOD: Duration = Duration::from_secs(5);

/// Takes everything over; prints a line for each thing that is left out, at once, and returns what
/// was counted.
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
    let usual = Settings::new(source.config());
    let settings = Settings {
        is_dry_run: args.dry_run,
        schema: source.schema().map(str::to_owned),
        connect_timeout_ms: source.connect_timeout().map_or(usual.connect_timeout_ms, |timeout| {
            u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX)
        }),
        ..usual
    };
    let run_migrations = config.database.run_migrations && !args.dry_run;
    database::prepare(&Database { run_migrations, ..config.database.clone() }).await?;
    let patient = storage_pg::Settings {
        statement_timeout_ms: STATEMENT_TIMEOUT_MS,
        idle_in_transaction_timeout_ms: STATEMENT_TIMEOUT_MS,
        ..config.database.store.clone()
    };
    let store = Arc::new(PgStore::new(&patient)?);
    let mut progress = ProgressLog { last_logged_at: Instant::now(), failed: None };
    let tally = importer::import(&settings, store, Arc::new(SystemClock), &mut progress).await?;
    progress.failed.map_or(Ok(tally.to_string()), |cause| Err(RunError::ImportOutput(cause)))
}

/// Prints what is left out, and logs how far the import got.
struct ProgressLog {
    last_logged_at: Instant,
    failed: Option<io::Error>,
}

impl Watcher for ProgressLog {
    fn resumed(&mut self, so_far: &Tally) {
        tracing::info!(
            conversations = so_far.count(ImportedKind::Conversation, Outcome::Read),
            messages = so_far.count(ImportedKind::Message, Outcome::Read),
            "the import resumes"
        );
    }

    fn refused(&mut self, refused: &Refused) {
        let Refused { thing, id, reason } = refused;
        let line = format!("refused\t{}\t{id}\t{}\n", thing.as_str(), reason.as_str());
        if let Err(cause) = io::stdout().write_all(line.as_bytes()) {
            self.failed.get_or_insert(cause);
        }
    }

    fn page(&mut self, so_far: &Tally) {
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
