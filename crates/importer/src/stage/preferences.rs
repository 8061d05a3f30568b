use std::sync::Arc;

use domain::import::{
    Findings, ImportedKind, ImportedPreference, Repair, former::LegacyPreference, preference,
    store::ImportRow,
};

use super::{Place, Stage};
use crate::{ImportError, Settings, SourceError, fingerprint::incoming, run::Run, source::Source};

/// What people want to be told of by mail.
pub(super) struct Preferences;

impl Stage for Preferences {
    const WORD: &'static str = "preferences";
    type Row = LegacyPreference;

    async fn read(
        source: &mut Source,
        after: &str,
        settings: &Settings,
    ) -> Result<Vec<LegacyPreference>, SourceError> {
        source.preferences(after, settings.page_rows_max).await
    }

    fn key(row: &LegacyPreference) -> String {
        row.person.0.clone()
    }

    async fn take(
        run: &mut Run<'_>,
        rows: Vec<LegacyPreference>,
        place: &Place,
    ) -> Result<(), ImportError> {
        let step = run.step(place);
        let mut findings = Findings::default();
        let taken = rows.iter().filter_map(|former| preference(former, &mut findings));
        let mut taken: Vec<_> = taken.map(incoming).collect();
        for it in &mut taken {
            drop_refused(&mut it.value, run, &mut findings);
        }
        let taken: Arc<[ImportRow<ImportedPreference>]> = taken.into();
        let landings = run.store().import_preferences(Arc::clone(&taken), step).await?;
        run.tally().read(ImportedKind::Preference, rows.len());
        run.found(&findings);
        for (it, landing) in taken.iter().zip(landings) {
            run.landed(ImportedKind::Preference, it.value.person.as_str(), landing);
        }
        Ok(())
    }
}

/// A conversation that was refused is not there to be muted. The digest is of all that was muted:
/// a run that goes on where another stood does not know what that one refused.
fn drop_refused(preference: &mut ImportedPreference, run: &Run<'_>, findings: &mut Findings) {
    let before = preference.muted.len();
    preference.muted.retain(|conversation| !run.refuses(conversation));
    let dropped = before - preference.muted.len();
    findings.repaired_times(Repair::MuteDropped, dropped as u64);
}
