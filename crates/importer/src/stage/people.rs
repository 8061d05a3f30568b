use std::sync::Arc;

use domain::{
    import::{Findings, ImportedKind, former::LegacyPerson, person, store::ImportRow},
    participant::Participant,
};

use super::{Place, Stage};
use crate::{ImportError, Settings, SourceError, fingerprint::incoming, run::Run, source::Source};

/// Accounts into the directory.
pub(super) struct People;

impl Stage for People {
    const WORD: &'static str = "people";
    type Row = LegacyPerson;

    async fn read(
        source: &mut Source,
        after: &str,
        settings: &Settings,
    ) -> Result<Vec<LegacyPerson>, SourceError> {
        source.people(after, settings.page_rows_max).await
    }

    fn key(row: &LegacyPerson) -> String {
        row.id.0.clone()
    }

    async fn take(
        run: &mut Run<'_>,
        rows: Vec<LegacyPerson>,
        place: &Place,
    ) -> Result<(), ImportError> {
        let step = run.step(place);
        let mut findings = Findings::default();
        let people = rows.iter().filter_map(|former| person(former, &mut findings));
        let people: Arc<[ImportRow<Participant>]> = people.map(incoming).collect();
        let landings = run.store().import_people(Arc::clone(&people), step).await?;
        run.tally().read(ImportedKind::Person, rows.len());
        run.found(&findings);
        for (it, landing) in people.iter().zip(landings) {
            run.landed(ImportedKind::Person, it.value.id.as_str(), landing);
        }
        Ok(())
    }
}
