//! Imports: pages of people, conversations, preferences and mail, each page in one transaction.

mod conflicts;
mod conversations;
mod known;
mod mail;
mod messages;
mod people;
mod preferences;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use async_trait::async_trait;
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{Array, Binary, Bool, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use domain::{
    import::{
        ImportMark, ImportOutcome, ImportRow, ImportStep, ImportStore, ImportedConversation,
        ImportedMail, ImportedPreference,
    },
    participant::Participant,
    ports::StoreError,
};

use crate::{
    error::Failure,
    lock::decoded,
    query::prepared,
    row::PgTimestamp,
    store::{PgStore, run_to_completion, with_retry},
};

/// Every look-up of an import is for a few keys, in tables whose statistics may still be those of
/// empty ones: use an index regardless.
const BY_INDEX: &str = "SELECT set_config('enable_seqscan', 'off', true)";

/// The page is written after it is known who was forgotten. An erasure waits for writers, and so for this
/// page from here on.
const AS_A_WRITER: &str = "LOCK TABLE messaging.import_mark IN ROW EXCLUSIVE MODE";

#[async_trait]
impl ImportStore for PgStore {
    #[tracing::instrument(name = "db.import.mark", skip_all)]
    async fn import_mark(&self) -> Result<Option<ImportMark>, StoreError> {
        with_retry(|| find(self)).await
    }

    #[tracing::instrument(name = "db.import.people", skip_all, fields(rows = people.len()))]
    async fn import_people(
        &self,
        people: Arc<[ImportRow<Participant>]>,
        step: ImportStep,
    ) -> Result<Vec<ImportOutcome>, StoreError> {
        let store = self.clone();
        run_to_completion(move || people::take(store.clone(), people.clone(), step.clone())).await
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
        run_to_completion(attempt).await
    }

    #[tracing::instrument(name = "db.import.preferences", skip_all, fields(rows = preferences.len()))]
    async fn import_preferences(
        &self,
        preferences: Arc<[ImportRow<ImportedPreference>]>,
        step: ImportStep,
    ) -> Result<Vec<ImportOutcome>, StoreError> {
        let store = self.clone();
        run_to_completion(move || {
            preferences::take(store.clone(), preferences.clone(), step.clone())
        })
        .await
    }

    #[tracing::instrument(name = "db.import.mail", skip_all, fields(rows = mail.len()))]
    async fn import_mail(
        &self,
        mail: Arc<[ImportRow<ImportedMail>]>,
        step: ImportStep,
    ) -> Result<Vec<ImportOutcome>, StoreError> {
        let store = self.clone();
        run_to_completion(move || mail::take(store.clone(), mail.clone(), step.clone())).await
    }

    #[tracing::instrument(name = "db.import.finish", skip_all)]
    async fn finish_import(&self) -> Result<(), StoreError> {
        with_retry(|| clear(self)).await
    }
}

/// Before anything of a page is looked up.
async fn begin(connection: &mut AsyncPgConnection, step: &ImportStep) -> Result<(), Failure> {
    prepared(BY_INDEX).execute(connection).await?;
    if step.mark.is_some() {
        prepared(AS_A_WRITER).execute(connection).await?;
    }
    Ok(())
}

/// The rows of `page` that were accepted according to `outcomes`.
fn accepted<'p, T>(
    page: &'p [ImportRow<T>],
    outcomes: &'p [ImportOutcome],
) -> impl Iterator<Item = (&'p ImportRow<T>, ImportOutcome)> {
    let pairs = page.iter().zip(outcomes.iter().copied());
    pairs.filter(|(_, landing)| matches!(landing, ImportOutcome::New | ImportOutcome::Updated))
}

// Look-ups.

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = Text)]
    id: String,
}

/// The ids of `ids` that `sql` finds.
async fn found(
    connection: &mut AsyncPgConnection,
    sql: &'static str,
    ids: Vec<&str>,
) -> Result<HashSet<String>, Failure> {
    let rows: Vec<Id> = prepared(sql).bind::<Array<Text>, _>(ids).load(connection).await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

#[derive(QueryableByName)]
struct Existing {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Bool)]
    is_as_imported: bool,
}

/// The ids of `ids` that `sql` finds here, and whether they are as an import left them.
async fn here(
    connection: &mut AsyncPgConnection,
    sql: &'static str,
    ids: Vec<&str>,
) -> Result<HashMap<String, bool>, Failure> {
    let rows: Vec<Existing> = prepared(sql).bind::<Array<Text>, _>(ids).load(connection).await?;
    Ok(rows.into_iter().map(|row| (row.id, row.is_as_imported)).collect())
}

/// People who asked to be forgotten.
const FORGOTTEN: &str = "SELECT erasure.person_id::text AS id FROM messaging.erasure AS erasure
     WHERE erasure.person_id = ANY($1)";

/// People in the directory.
const IN_THE_DIRECTORY: &str =
    "SELECT person.id::text AS id FROM messaging.participant AS person WHERE person.id = ANY($1)";

// Checkpoints.

const FIND: &str =
    "SELECT mark.source, mark.stage, mark.after, mark.tally FROM messaging.import_mark AS mark";

const SAVE: &str = "
INSERT INTO messaging.import_mark (source, stage, after, tally, at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (id) DO UPDATE SET
    source = excluded.source, stage = excluded.stage, after = excluded.after,
    tally = excluded.tally, at = excluded.at";

/// Updates the planner statistics after the import, so that the first queries are planned well.
const CLEAR: [&str; 2] = [
    "DELETE FROM messaging.import_mark",
    "ANALYZE messaging.participant, messaging.conversation, messaging.message, messaging.attachment",
];

#[derive(QueryableByName)]
struct MarkRow {
    #[diesel(sql_type = Binary)]
    source: Vec<u8>,
    #[diesel(sql_type = Text)]
    stage: String,
    #[diesel(sql_type = Text)]
    after: String,
    #[diesel(sql_type = Text)]
    tally: String,
}

async fn find(store: &PgStore) -> Result<Option<ImportMark>, Failure> {
    let mut connection = store.connection().await?;
    let row: Option<MarkRow> = prepared(FIND).get_result(&mut *connection).await.optional()?;
    row.map(|row| {
        let source = decoded("source", row.source.try_into())?;
        Ok(ImportMark { source, stage: row.stage, after: row.after, tally: row.tally })
    })
    .transpose()
}

/// Writes the checkpoint of `step`, in the transaction of its page.
async fn save(
    connection: &mut AsyncPgConnection,
    mark: &ImportMark,
    step: &ImportStep,
) -> Result<(), Failure> {
    prepared(SAVE)
        .bind::<Binary, _>(mark.source.as_slice())
        .bind::<Text, _>(mark.stage.as_str())
        .bind::<Text, _>(mark.after.as_str())
        .bind::<Text, _>(mark.tally.as_str())
        .bind::<Timestamptz, _>(PgTimestamp(step.at))
        .execute(connection)
        .await?;
    Ok(())
}

async fn clear(store: &PgStore) -> Result<(), Failure> {
    let mut connection = store.connection().await?;
    for statement in CLEAR {
        connection.batch_execute(statement).await?;
    }
    Ok(())
}
