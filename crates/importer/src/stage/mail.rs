use std::sync::Arc;

use domain::import::{
    Findings, ImportedKind, ImportedMail, Refusal, former::LegacyMail, mail, store::ImportRow,
};

use super::{Place, Stage};
use crate::{ImportError, Settings, SourceError, fingerprint::incoming, run::Run, source::Source};

/// What stands between conversation and recipient in a key: no id holds one.
const BETWEEN: char = '\n';

/// Mail that waits.
pub(super) struct Mail;

impl Stage for Mail {
    const WORD: &'static str = "mail";
    type Row = LegacyMail;

    async fn read(
        source: &mut Source,
        after: &str,
        settings: &Settings,
    ) -> Result<Vec<LegacyMail>, SourceError> {
        let after = after.split_once(BETWEEN).unwrap_or_default();
        source.mail(after, settings.page_rows_max).await
    }

    fn key(row: &LegacyMail) -> String {
        format!("{}{BETWEEN}{}", row.conversation.0, row.recipient.0)
    }

    async fn take(
        run: &mut Run<'_>,
        rows: Vec<LegacyMail>,
        place: &Place,
    ) -> Result<(), ImportError> {
        let step = run.step(place);
        let mut findings = Findings::default();
        let taken = rows.iter().filter_map(|former| mail(former, &mut findings));
        let (taken, refused): (Vec<_>, Vec<_>) =
            taken.partition(|mail| !run.refuses(&mail.conversation));
        for mail in refused {
            findings.refuse(ImportedKind::Mail, &mail.key(), Refusal::ConversationRefused);
        }
        let taken: Arc<[ImportRow<ImportedMail>]> = taken.into_iter().map(incoming).collect();
        let landings = run.store().import_mail(Arc::clone(&taken), step).await?;
        run.tally().read(ImportedKind::Mail, rows.len());
        run.found(&findings);
        for (it, landing) in taken.iter().zip(landings) {
            run.landed(ImportedKind::Mail, &it.value.key(), landing);
        }
        Ok(())
    }
}
