//! Imported mail preferences.

use std::sync::Arc;

use diesel::sql_types::{Array, Bool, Text, Timestamptz};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    import::{ImportOutcome, ImportRow, ImportStep, ImportedPreference, Refusal},
    time::Timestamp,
};

use super::{
    FORGOTTEN, IN_THE_DIRECTORY, accepted, begin, found, here,
    known::{self, Kind, Taken},
};
use crate::{error::Failure, import, query::prepared, row::PgTimestamp, store::PgStore};

/// Stored preferences, locked, and whether they are as an import left them: every other change sets
/// the time.
const HERE: &str = "
SELECT preference.person_id::text AS id,
    coalesce(preference.updated_at = imported.at, false) AS is_as_imported
FROM messaging.preference AS preference
LEFT JOIN messaging.imported AS imported ON imported.kind = 'preference' AND imported.id = preference.person_id
WHERE preference.person_id = ANY($1) ORDER BY preference.person_id FOR NO KEY UPDATE OF preference";

/// Replaces only what an import left unchanged: $5.
const ENTER: &str = "
INSERT INTO messaging.preference AS known (person_id, mail_enabled, frequency, created_at, updated_at)
SELECT incoming.*, $4, $4 FROM unnest($1::text[], $2::boolean[], $3::text[]) AS incoming
ON CONFLICT (person_id) DO UPDATE SET
    mail_enabled = excluded.mail_enabled, frequency = excluded.frequency,
    updated_at = excluded.updated_at
WHERE known.person_id = ANY($5)";

const FORGET_MUTED: &str =
    "DELETE FROM messaging.muted_conversation AS muted WHERE muted.person_id = ANY($1)";

const MUTE: &str = "
INSERT INTO messaging.muted_conversation (person_id, conversation_id, muted_at)
SELECT incoming.person_id, incoming.conversation_id, $3
FROM unnest($1::text[], $2::text[]) AS incoming (person_id, conversation_id)
WHERE EXISTS (
    SELECT FROM messaging.conversation AS here WHERE here.id = incoming.conversation_id COLLATE \"C\"
)
ON CONFLICT (person_id, conversation_id) DO NOTHING";

type Page = Arc<[ImportRow<ImportedPreference>]>;

pub(super) async fn take(
    store: PgStore,
    page: Page,
    step: ImportStep,
) -> Result<Vec<ImportOutcome>, Failure> {
    let mut connection = store.connection().await?;
    connection
        .transaction(async |connection| {
            begin(connection, &step).await?;
            let outcomes = decide(connection, &page, step.mark.is_none()).await?;
            if let Some(progress) = &step.mark {
                write(connection, &page, &outcomes, step.at).await?;
                import::save(connection, progress, &step).await?;
            }
            Ok(outcomes)
        })
        .await
}

async fn decide(
    connection: &mut AsyncPgConnection,
    page: &[ImportRow<ImportedPreference>],
    is_dry: bool,
) -> Result<Vec<ImportOutcome>, Failure> {
    let ids: Vec<_> = page.iter().map(|it| it.value.person.as_str()).collect();
    let here = here(connection, HERE, ids.clone()).await?;
    let known = known::find(connection, Kind::Preference, ids.clone()).await?;
    let forgotten = found(connection, FORGOTTEN, ids.clone()).await?;
    let people = found(connection, IN_THE_DIRECTORY, ids).await?;
    let landing = |it: &ImportRow<ImportedPreference>| {
        let id = it.value.person.as_str();
        match known.get(id) {
            _ if forgotten.contains(id) => ImportOutcome::Refused(Refusal::PersonForgotten),
            Some(known) if known.is(&it.fingerprint) => ImportOutcome::Unchanged,
            // Set here by the person.
            _ if here.get(id) == Some(&false) => ImportOutcome::Unchanged,
            // A dry run has inserted nobody.
            _ if !is_dry && !people.contains(id) => ImportOutcome::Refused(Refusal::PersonUnknown),
            None => ImportOutcome::New,
            Some(_) => ImportOutcome::Updated,
        }
    };
    Ok(page.iter().map(landing).collect())
}

async fn write(
    connection: &mut AsyncPgConnection,
    page: &[ImportRow<ImportedPreference>],
    outcomes: &[ImportOutcome],
    at: Timestamp,
) -> Result<(), Failure> {
    let taken: Vec<_> = accepted(page, outcomes).map(|(it, _)| it).collect();
    let replaced =
        accepted(page, outcomes).filter(|(_, landing)| *landing == ImportOutcome::Updated);
    let replaced: Vec<_> = replaced.map(|(it, _)| it.value.person.as_str()).collect();
    if taken.is_empty() {
        return Ok(());
    }
    let people: Vec<_> = taken.iter().map(|it| it.value.person.as_str()).collect();
    prepared(ENTER)
        .bind::<Array<Text>, _>(people)
        .bind::<Array<Bool>, _>(taken.iter().map(|it| it.value.mail_enabled).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(
            taken.iter().map(|it| it.value.frequency.as_str()).collect::<Vec<_>>(),
        )
        .bind::<Timestamptz, _>(PgTimestamp(at))
        .bind::<Array<Text>, _>(replaced.clone())
        .execute(connection)
        .await?;
    prepared(FORGET_MUTED).bind::<Array<Text>, _>(replaced).execute(connection).await?;
    let muted = taken.iter().flat_map(|it| {
        let person = it.value.person.as_str();
        it.value.muted.iter().map(move |conversation| (person, conversation.as_str()))
    });
    let (people, conversations): (Vec<_>, Vec<_>) = muted.unzip();
    prepared(MUTE)
        .bind::<Array<Text>, _>(people)
        .bind::<Array<Text>, _>(conversations)
        .bind::<Timestamptz, _>(PgTimestamp(at))
        .execute(connection)
        .await?;
    let noted = taken.iter().map(|it| Taken {
        id: it.value.person.as_str(),
        fingerprint: &it.fingerprint,
        last_seq: None,
    });
    known::remember(connection, Kind::Preference, &noted.collect::<Vec<_>>(), at).await
}
