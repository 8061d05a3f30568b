//! The import from the legacy system: reads its tables page by page and writes them to a store.
//!
//! The source is only read. `legacy` decides how each row is converted, repaired or refused; the store decides
//! whether it is new, changed or unchanged. An import may be interrupted at any moment and started again: it resumes
//! where it stopped if the source is unchanged, otherwise it starts over and does not write unchanged rows again.
//! Memory is bounded by a page, and by the longest conversation.
//!
//! Begin at `steps`, the steps in order; `source` reads the legacy tables.

mod fingerprint;
mod legacy;
mod report;
mod run;
mod settings;
mod source;
mod steps;

use std::sync::Arc;

use domain::{import::ImportStore, ports::Clock};
use run::Run;
use source::Source;

pub use legacy::{Findings, ImportedKind, LOST_FILE_TEXT, Refused, Repair};
pub use report::{Outcome, Progress, Report};
pub use settings::{ImportError, Settings, SourceError};

/// Imports everything that the source contains, and returns the counts.
///
/// # Errors
/// [`ImportError`]; what was imported until then stays, and the next call resumes from there.
pub async fn import(
    settings: &Settings,
    store: Arc<dyn ImportStore>,
    clock: Arc<dyn Clock>,
    progress: &mut dyn Progress,
) -> Result<Report, ImportError> {
    let mut source = Source::connect(settings).await?;
    source.check().await?;
    let fingerprint = source.fingerprint().await?;
    let (run, from) = Run::begin(settings, store, clock, progress, fingerprint).await?;
    steps::run_all(&mut source, run, from).await
}
