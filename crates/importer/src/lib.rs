//! The import from the former system: reads its tables page by page, and has a store take them over.
//!
//! The source is only read. What becomes of each row is decided in `legacy`; whether it is
//! here already, and changed since, by the store. An import may be cut off at any moment and started
//! again: as long as the source is as it was, it goes on where it stood; otherwise it begins anew,
//! and what is here already is not written again. Memory is bounded by a page, and by the longest
//! conversation.
//!
//! Begin at `run`, the order of it all; `source` reads the former tables.

mod fingerprint;
mod legacy;
mod report;
mod run;
mod settings;
mod source;

use std::sync::Arc;

use domain::{import::store::ImportStore, ports::Clock};
use run::Run;
use source::Source;

pub use legacy::{Findings, ImportedKind, LOST_FILE_TEXT, Refused, Repair};
pub use report::{Outcome, Tally, Watcher};
pub use settings::{ImportError, Settings, SourceError};

/// Takes over everything that the source holds, and tells what became of it.
///
/// # Errors
/// [`ImportError`]; what was taken over until then stays, and the next call goes on from there.
pub async fn import(
    settings: &Settings,
    store: Arc<dyn ImportStore>,
    clock: Arc<dyn Clock>,
    watcher: &mut dyn Watcher,
) -> Result<Tally, ImportError> {
    let mut source = Source::connect(settings).await?;
    source.check().await?;
    let stamp = source.stamp().await?;
    let (run, from) = Run::begin(settings, store, clock, watcher, stamp).await?;
    run::all(&mut source, run, from).await
}
