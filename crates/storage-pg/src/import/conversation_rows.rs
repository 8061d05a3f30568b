//! Rows of conversations.

use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{conversation::Side, ids::AppointmentId, import::ImportedConversation, text::Subject};

use crate::{failure::Failure, prepared::prepared, record::PgTimestamp};

const ENTER: &str = include_str!("conversations.sql");

/// A conversation, and its newest position here.
pub(super) type Positioned<'c> = (&'c ImportedConversation, i64);

/// Enters conversations, or replaces what is here under their ids.
pub(super) async fn enter(
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
        .bind::<Array<BigInt>, _>(all(page, message_count))
        .execute(connection)
        .await?;
    Ok(())
}

fn all<'c, T>(page: &[Positioned<'c>], column: impl Fn(&'c ImportedConversation) -> T) -> Vec<T> {
    page.iter().map(|(conversation, _)| column(conversation)).collect()
}

fn message_count(conversation: &ImportedConversation) -> i64 {
    i64::try_from(conversation.messages.len()).unwrap_or(i64::MAX)
}
