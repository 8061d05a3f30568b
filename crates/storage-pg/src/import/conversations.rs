//! Imported conversations with their messages.

use std::sync::Arc;

use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    conversation::Side,
    ids::AppointmentId,
    import::{ImportOutcome, ImportRow, ImportStep, ImportedConversation},
    text::Subject,
    time::Timestamp,
};

use super::{
    accepted, begin,
    conflicts::Conflicts,
    known::{self, Kind, Taken},
    messages,
};
use crate::{error::Failure, import, query::prepared, row::PgTimestamp, store::PgStore};

const REMOVE_FILES: &str = "
DELETE FROM messaging.attachment AS file USING messaging.message AS said
WHERE said.id = file.message_id AND said.conversation_id = ANY($1)";
const REMOVE_MESSAGES: &str =
    "DELETE FROM messaging.message AS said WHERE said.conversation_id = ANY($1)";

type Page = Arc<[ImportRow<ImportedConversation>]>;

pub(super) async fn take(
    store: PgStore,
    page: Page,
    step: ImportStep,
) -> Result<Vec<ImportOutcome>, Failure> {
    let mut connection = store.connection().await?;
    connection
        .transaction(async |connection| {
            begin(connection, &step).await?;
            let conflicts = Conflicts::find(connection, &page, step.mark.is_none()).await?;
            let outcomes = conflicts.outcomes(&page);
            if let Some(progress) = &step.mark {
                write(connection, &page, &outcomes, &conflicts, step.at).await?;
                import::save(connection, progress, &step).await?;
            }
            Ok(outcomes)
        })
        .await
}

async fn write(
    connection: &mut AsyncPgConnection,
    page: &[ImportRow<ImportedConversation>],
    outcomes: &[ImportOutcome],
    conflicts: &Conflicts,
    at: Timestamp,
) -> Result<(), Failure> {
    let taken: Vec<_> = accepted(page, outcomes).map(|(it, _)| it).collect();
    if taken.is_empty() {
        return Ok(());
    }
    let replaced =
        accepted(page, outcomes).filter(|(_, landing)| *landing == ImportOutcome::Updated);
    let replaced: Vec<_> = replaced.map(|(it, _)| it.value.id.as_str()).collect();
    if !replaced.is_empty() {
        empty(connection, &replaced).await?;
    }
    let positioned: Vec<_> = taken.iter().map(|it| (&it.value, last_seq(it, conflicts))).collect();
    insert(connection, &positioned).await?;
    messages::insert(connection, &positioned).await?;
    let noted = taken.iter().zip(&positioned).map(|(it, (conversation, last_seq))| Taken {
        id: conversation.id.as_str(),
        fingerprint: &it.fingerprint,
        last_seq: Some(*last_seq),
    });
    known::remember(connection, Kind::Conversation, &noted.collect::<Vec<_>>(), at).await
}

/// The newest position. A replacement takes at least one more, so that clients that saw the old
/// conversation find the log trimmed.
fn last_seq(incoming: &ImportRow<ImportedConversation>, conflicts: &Conflicts) -> i64 {
    let ours = incoming.value.last_seq.get();
    let here = conflicts.existing.get(incoming.value.id.as_str());
    here.map_or(ours, |here| ours.max(here.last_seq + 1))
}

async fn empty(connection: &mut AsyncPgConnection, ids: &[&str]) -> Result<(), Failure> {
    for statement in [REMOVE_FILES, REMOVE_MESSAGES] {
        prepared(statement).bind::<Array<Text>, _>(ids.to_vec()).execute(connection).await?;
    }
    Ok(())
}

// Rows of conversations.

const ENTER: &str = include_str!("conversations.sql");

/// A conversation and its newest position here.
pub(super) type Positioned<'c> = (&'c ImportedConversation, i64);

/// Inserts conversations, or replaces those with the same ids.
pub(super) async fn insert(
    connection: &mut AsyncPgConnection,
    page: &[Positioned<'_>],
) -> Result<(), Failure> {
    prepared(ENTER)
        .bind::<Array<Text>, _>(all(page, |it| it.id.as_str()))
        .bind::<Array<Text>, _>(all(page, |it| it.parties.salon.as_str()))
        .bind::<Array<Text>, _>(all(page, |it| it.parties.client.as_str()))
        .bind::<Array<Nullable<Text>>, _>(all(page, |it| {
            it.appointment.as_ref().map(AppointmentId::as_str)
        }))
        .bind::<Array<Nullable<Text>>, _>(all(page, |it| it.subject.as_ref().map(Subject::as_str)))
        .bind::<Array<Text>, _>(all(page, |it| it.status.as_str()))
        .bind::<Array<Timestamptz>, _>(all(page, |it| PgTimestamp(it.created_at)))
        .bind::<Array<Timestamptz>, _>(all(page, |it| PgTimestamp(it.updated_at)))
        .bind::<Array<Timestamptz>, _>(all(page, |it| PgTimestamp(it.last_message_at)))
        .bind::<Array<BigInt>, _>(page.iter().map(|(_, last_seq)| *last_seq).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(all(page, |it| it.horizons.salon.get()))
        .bind::<Array<BigInt>, _>(all(page, |it| it.horizons.client.get()))
        .bind::<Array<BigInt>, _>(all(page, |it| it.newest_of(Side::Salon).get()))
        .bind::<Array<BigInt>, _>(all(page, |it| it.newest_of(Side::Client).get()))
        .bind::<Array<BigInt>, _>(all(page, |it| counted(it.messages.len())))
        .bind::<Array<BigInt>, _>(all(page, |it| unread(it, Side::Salon)))
        .bind::<Array<BigInt>, _>(all(page, |it| unread(it, Side::Client)))
        .execute(connection)
        .await?;
    Ok(())
}

fn all<'c, T>(page: &[Positioned<'c>], column: impl Fn(&'c ImportedConversation) -> T) -> Vec<T> {
    page.iter().map(|(conversation, _)| column(conversation)).collect()
}

/// How many messages `reader` has not read.
fn unread(conversation: &ImportedConversation, reader: Side) -> i64 {
    let read_up_to = conversation.horizons.of(reader);
    let messages = conversation.messages.iter();
    counted(messages.filter(|it| it.side != reader && it.seq > read_up_to).count())
}

fn counted(messages: usize) -> i64 {
    i64::try_from(messages).unwrap_or(i64::MAX)
}
