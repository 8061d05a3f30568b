//! `mail flush`: decides at once about what waits. `mail allow`: an address is good again.

use std::sync::Arc;

use domain::{
    ids::UserId,
    mail::{
        MailPolicy,
        service::{DueMailCounts, Mailing},
        store::MailStore as _,
    },
};
use storage_pg::PgStore;

use crate::{
    cli::MailVerb,
    database,
    error::RunError,
    mail::mailing,
    ports::{SystemClock, SystemIds},
    settings::{Config, Mail},
};

/// People decided about in one go.
const BATCH: u32 = 100;

/// Does what an operator asks for, and returns what is to be printed.
pub(crate) async fn perform(verb: &MailVerb, config: &Config) -> Result<String, RunError> {
    database::prepare(&config.database).await?;
    let store = Arc::new(PgStore::new(&config.database.store)?);
    match verb {
        MailVerb::Flush => flush(store, &config.mail).await,
        MailVerb::Allow { person } => allow(&store, person).await,
    }
}

/// The mails leave by the jobs of the servers that run.
async fn flush(store: Arc<PgStore>, mail: &Mail) -> Result<String, RunError> {
    // Without the usual delay; preferences still apply.
    let terms = MailPolicy { delay_ms: 0, ..mail.terms.clone() };
    let mailing = mailing(mail, terms, store, Arc::new(SystemClock), Arc::new(SystemIds))?;
    let decided = all(&mailing.ok_or(RunError::NoMail)?).await?;
    let DueMailCounts { people, mails, too_old } = decided;
    Ok(format!(
        "people checked\t{people}\nmails scheduled\t{mails}\nconversations too old for a mail\t{too_old}\n"
    ))
}

async fn allow(store: &PgStore, person: &UserId) -> Result<String, RunError> {
    let is_allowed = store.allow_address(person).await.map_err(RunError::AllowMail)?;
    Ok(format!("addresses that get mail again\t{}\n", u8::from(is_allowed)))
}

async fn all(mailing: &Mailing) -> Result<DueMailCounts, RunError> {
    let mut total = DueMailCounts::default();
    loop {
        let decided = mailing.decide_due(BATCH).await.map_err(RunError::Mail)?;
        total.people += decided.people;
        total.mails += decided.mails;
        total.too_old += decided.too_old;
        if decided.people < BATCH {
            return Ok(total);
        }
    }
}
