//! `mail flush`: schedules pending mail at once. `mail allow`: releases a suppressed address.

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

/// People whose mail is decided in one transaction.
const BATCH_SIZE: u32 = 100;

/// Returns the output.
pub(crate) async fn perform(verb: &MailVerb, config: &Config) -> Result<String, RunError> {
    database::prepare(&config.database).await?;
    let store = Arc::new(PgStore::new(&config.database.store)?);
    match verb {
        MailVerb::Flush => flush(store, &config.mail).await,
        MailVerb::Allow { person } => allow(&store, person).await,
    }
}

/// Schedules mail; the jobs of running servers send it.
async fn flush(store: Arc<PgStore>, mail: &Mail) -> Result<String, RunError> {
    // Preferences still apply.
    let policy = MailPolicy { delay_ms: 0, ..mail.policy.clone() };
    let mailing = mailing(mail, policy, store, Arc::new(SystemClock), Arc::new(SystemIds))?;
    let decided = decide_all(&mailing.ok_or(RunError::NoMail)?).await?;
    let DueMailCounts { people, mails, too_old } = decided;
    Ok(format!(
        "people checked\t{people}\nmails scheduled\t{mails}\nconversations too old for a mail\t{too_old}\n"
    ))
}

async fn allow(store: &PgStore, person: &UserId) -> Result<String, RunError> {
    let is_allowed = store.allow_address(person).await.map_err(RunError::AllowMail)?;
    Ok(format!("addresses that get mail again\t{}\n", u8::from(is_allowed)))
}

async fn decide_all(mailing: &Mailing) -> Result<DueMailCounts, RunError> {
    let mut total = DueMailCounts::default();
    loop {
        let decided = mailing.decide_due(BATCH_SIZE).await.map_err(RunError::Mail)?;
        total.people += decided.people;
        total.mails += decided.mails;
        total.too_old += decided.too_old;
        if decided.people < BATCH_SIZE {
            return Ok(total);
        }
    }
}
