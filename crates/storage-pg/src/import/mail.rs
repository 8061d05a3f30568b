//! Pending mail.

use std::sync::Arc;

use diesel::sql_types::{Array, Integer, Text, Timestamptz};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    import::{ImportOutcome, ImportRow, ImportStep, ImportedMail, Refusal},
    time::Timestamp,
};

use super::{
    FORGOTTEN, accepted, begin, found,
    known::{self, Kind, Taken},
};
use crate::{error::Failure, import, query::prepared, row::PgTimestamp, store::PgStore};

const CONVERSATIONS: &str = "
SELECT here.id::text AS id FROM messaging.conversation AS here
WHERE here.id = ANY($1) AND here.deleted_at IS NULL";

const ENTER: &str = "
INSERT INTO messaging.pending_mail AS known (recipient_id, conversation_id, message_count, since)
SELECT incoming.* FROM unnest($1::text[], $2::text[], $3::integer[], $4::timestamptz[]) AS incoming
ON CONFLICT (recipient_id, conversation_id) DO UPDATE SET
    message_count = excluded.message_count, since = least(known.since, excluded.since)";

type Page = Arc<[ImportRow<ImportedMail>]>;

pub(super) async fn take(
    store: PgStore,
    page: Page,
    step: ImportStep,
) -> Result<Vec<ImportOutcome>, Failure> {
    let mut connection = store.connection().await?;
    connection
        .transaction(async |connection| {
            begin(connection, &step).await?;
            let keys: Vec<_> = page.iter().map(|it| it.value.key()).collect();
            let outcomes = decide(connection, &page, &keys, step.mark.is_none()).await?;
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
    page: &[ImportRow<ImportedMail>],
    keys: &[String],
    is_dry: bool,
) -> Result<Vec<ImportOutcome>, Failure> {
    let ids = keys.iter().map(String::as_str).collect();
    let known = known::find(connection, Kind::Mail, ids).await?;
    let recipients = page.iter().map(|it| it.value.recipient.as_str()).collect();
    let forgotten = found(connection, FORGOTTEN, recipients).await?;
    let conversations = page.iter().map(|it| it.value.conversation.as_str()).collect();
    let conversations = found(connection, CONVERSATIONS, conversations).await?;
    let landing = |(it, key): (&ImportRow<ImportedMail>, &String)| match known.get(key) {
        _ if forgotten.contains(it.value.recipient.as_str()) => {
            ImportOutcome::Refused(Refusal::PersonForgotten)
        }
        Some(known) if known.is(&it.fingerprint) => ImportOutcome::Unchanged,
        // A dry run has inserted none.
        _ if !is_dry && !conversations.contains(it.value.conversation.as_str()) => {
            ImportOutcome::Refused(Refusal::ConversationRefused)
        }
        None => ImportOutcome::New,
        Some(_) => ImportOutcome::Updated,
    };
    Ok(page.iter().zip(keys).map(landing).collect())
}

async fn write(
    connection: &mut AsyncPgConnection,
    page: &[ImportRow<ImportedMail>],
    outcomes: &[ImportOutcome],
    at: Timestamp,
) -> Result<(), Failure> {
    let taken: Vec<_> = accepted(page, outcomes).map(|(it, _)| (it, it.value.key())).collect();
    if taken.is_empty() {
        return Ok(());
    }
    let mail = || taken.iter().map(|(it, _)| &it.value);
    let counts = mail().map(|it| i32::try_from(it.messages).unwrap_or(i32::MAX));
    prepared(ENTER)
        .bind::<Array<Text>, _>(mail().map(|it| it.recipient.as_str()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(mail().map(|it| it.conversation.as_str()).collect::<Vec<_>>())
        .bind::<Array<Integer>, _>(counts.collect::<Vec<_>>())
        .bind::<Array<Timestamptz>, _>(mail().map(|it| PgTimestamp(it.since)).collect::<Vec<_>>())
        .execute(connection)
        .await?;
    let noted = taken.iter().map(|(it, key)| Taken {
        id: key.as_str(),
        fingerprint: &it.fingerprint,
        last_seq: None,
    });
    known::remember(connection, Kind::Mail, &noted.collect::<Vec<_>>(), at).await
}
