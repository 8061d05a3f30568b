//! Moving in: pages of people, conversations, preferences and mail, each page one transaction.

mod columns;
mod conversation_rows;
mod conversations;
mod known;
mod mail;
mod mark;
mod message_rows;
mod obstacles;
mod people;
mod preferences;

use std::sync::Arc;

use async_trait::async_trait;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    import::{
        ImportedConversation, ImportedMail, ImportedPreference,
        store::{ImportMark, ImportOutcome, ImportRow, ImportStep, ImportStore},
    },
    participant::Participant,
    ports::StoreError,
};

use crate::{
    failure::Failure,
    prepared::prepared,
    store::{PgStore, to_its_end, with_retry},
};

/// Every look-up of an import is for a few keys, in tables whose statistics may still be those of
/// empty ones: an index is right whatever they say.
const BY_INDEX: &str = "SELECT set_config('enable_seqscan', 'off', true)";

#[async_trait]
impl ImportStore for PgStore {
    #[tracing::instrument(name = "db.import.mark", skip_all)]
    async fn import_mark(&self) -> Result<Option<ImportMark>, StoreError> {
        with_retry(|| mark::find(self)).await
    }

    #[tracing::instrument(name = "db.import.people", skip_all, fields(rows = people.len()))]
    async fn import_people(
        &self,
        people: Arc<[ImportRow<Participant>]>,
        step: ImportStep,
    ) -> Result<Vec<ImportOutcome>, StoreError> {
        let store = self.clone();
        to_its_end(move || people::take(store.clone(), people.clone(), step.clone())).await
    }

    #[tracing::instrument(name = "db.import.conversations", skip_all, fields(rows = conversations.len()))]
    async fn import_conversations(
        &self,
        conversations: Arc<[ImportRow<ImportedConversation>]>,
        step: ImportStep,
    ) -> Result<Vec<ImportOutcome>, StoreError> {
        let store = self.clone();
        let attempt =
            move || conversations::take(store.clone(), conversations.clone(), step.clone());
        to_its_end(attempt).await
    }

    #[tracing::instrument(name = "db.import.preferences", skip_all, fields(rows = preferences.len()))]
    async fn import_preferences(
        &self,
        preferences: Arc<[ImportRow<ImportedPreference>]>,
        step: ImportStep,
    ) -> Result<Vec<ImportOutcome>, StoreError> {
        let store = self.clone();
        to_its_end(move || preferences::take(store.clone(), preferences.clone(), step.clone()))
            .await
    }

    #[tracing::instrument(name = "db.import.mail", skip_all, fields(rows = mail.len()))]
    async fn import_mail(
        &self,
        mail: Arc<[ImportRow<ImportedMail>]>,
        step: ImportStep,
    ) -> Result<Vec<ImportOutcome>, StoreError> {
        let store = self.clone();
        to_its_end(move || mail::take(store.clone(), mail.clone(), step.clone())).await
    }

    #[tracing::instrument(name = "db.import.finish", skip_all)]
    async fn finish_import(&self) -> Result<(), StoreError> {
        with_retry(|| mark::clear(self)).await
    }
}

async fn by_index(connection: &mut AsyncPgConnection) -> Result<(), Failure> {
    prepared(BY_INDEX).execute(connection).await?;
    Ok(())
}

/// Those of `page` that `landings` lets in.
fn let_in<'p, T>(
    page: &'p [ImportRow<T>],
    landings: &'p [ImportOutcome],
) -> impl Iterator<Item = (&'p ImportRow<T>, ImportOutcome)> {
    let pairs = page.iter().zip(landings.iter().copied());
    pairs.filter(|(_, landing)| matches!(landing, ImportOutcome::New | ImportOutcome::Updated))
}
