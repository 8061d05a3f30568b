use std::sync::Arc;

use domain::{
    import::{Findings, ImportedMail, Refusal, Thing, former::FormerMail, mail},
    ports::Incoming,
};

use super::{Place, Stage};
use crate::{ImportError, Settings, SourceError, fingerprint::incoming, run::Run, source::Source};

/// What stands between conversation and recipient in a key: no id holds one.
const BETWEEN: char = '\n';

/// Mail that waits.
pub(super) struct Mail;

impl Stage for Mail {
    const WORD: &'static str = "mail";
    type Row = FormerMail;

    async fn read(
        source: &mut Source,
        after: &str,
        settings: &Settings,
    ) -> Result<Vec<FormerMail>, SourceError> {
        let after = after.split_once(BETWEEN).unwrap_or_default();
        source.mail(after, settings.page_rows_max).await
    }

    fn key(row: &FormerMail) -> String {
        format!("{}{BETWEEN}{}", row.conversation.0, row.recipient.0)
    }

    async fn take(
        run: &mut Run<'_>,
        rows: Vec<FormerMail>,
        place: &Place,
    ) -> Result<(), ImportError> {
        let step = run.step(place);
        let mut findings = Findings::default();
        let taken = rows.iter().filter_map(|former| mail(former, &mut findings));
        let (taken, refused): (Vec<_>, Vec<_>) =
            taken.partition(|mail| !run.refuses(&mail.conversation));
        for mail in refused {
            findings.refuse(Thing::Mail, &mail.key(), Refusal::ConversationRefused);
        }
        let taken: Arc<[Incoming<ImportedMail>]> = taken.into_iter().map(incoming).collect();
        let landings = run.store().import_mail(Arc::clone(&taken), step).await?;
        run.tally().read(Thing::Mail, rows.len());
        run.found(&findings);
        for (it, landing) in taken.iter().zip(landings) {
            run.landed(Thing::Mail, &it.value.key(), landing);
        }
        Ok(())
    }
}
