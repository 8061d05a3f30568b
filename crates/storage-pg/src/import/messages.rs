//! Rows of messages and their files.

use diesel::sql_types::{Array, BigInt, Integer, Nullable, SmallInt, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::import::{ImportedFile, ImportedMessage};

use super::conversations::Positioned;
use crate::{
    error::Failure,
    query::prepared,
    row::{PgTimestamp, side_word},
};

/// The most rows per statement, so that a long conversation does not exceed the statement timeout.
const ROWS_MAX: usize = 5_000;

const ENTER: &str = "
INSERT INTO messaging.message
    (id, conversation_id, seq, author_side, kind, content, attachment_count, created_at, read_at)
SELECT incoming.*
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::smallint[],
    $8::timestamptz[], $9::timestamptz[]) AS incoming";

const ENTER_FILES: &str = "
INSERT INTO messaging.attachment
    (id, message_id, position, name, url, media_type, size_bytes, upload_key)
SELECT incoming.*
FROM unnest($1::text[], $2::text[], $3::smallint[], $4::text[], $5::text[], $6::text[], $7::integer[],
    $8::text[]) AS incoming";

/// A message and its conversation's id.
type MessageRow<'m> = (&'m str, &'m ImportedMessage);
/// A file, its message's id and its index there.
type FileRow<'m> = (&'m str, i16, &'m ImportedFile);

/// Inserts the messages of `page`, and their files.
pub(super) async fn insert(
    connection: &mut AsyncPgConnection,
    page: &[Positioned<'_>],
) -> Result<(), Failure> {
    let messages = page
        .iter()
        .flat_map(|(it, _)| it.messages.iter().map(|messages| (it.id.as_str(), messages)));
    let messages: Vec<MessageRow<'_>> = messages.collect();
    for rows in messages.chunks(ROWS_MAX) {
        enter_messages(connection, rows).await?;
    }
    let files = messages.iter().flat_map(|(_, message)| {
        (1_i16..).zip(&message.files).map(|(place, file)| (message.id.as_str(), place, file))
    });
    let files: Vec<FileRow<'_>> = files.collect();
    for rows in files.chunks(ROWS_MAX) {
        enter_files(connection, rows).await?;
    }
    Ok(())
}

async fn enter_messages(
    connection: &mut AsyncPgConnection,
    rows: &[MessageRow<'_>],
) -> Result<(), Failure> {
    let count = |it: &ImportedMessage| i16::try_from(it.files.len()).unwrap_or(i16::MAX);
    prepared(ENTER)
        .bind::<Array<Text>, _>(all(rows, |(_, it)| it.id.as_str()))
        .bind::<Array<Text>, _>(all(rows, |(conversation, _)| *conversation))
        .bind::<Array<BigInt>, _>(all(rows, |(_, it)| it.seq.get()))
        .bind::<Array<Text>, _>(all(rows, |(_, it)| side_word(it.side)))
        .bind::<Array<Text>, _>(all(rows, |(_, it)| it.kind.as_str()))
        .bind::<Array<Text>, _>(all(rows, |(_, it)| it.content.as_str()))
        .bind::<Array<SmallInt>, _>(all(rows, |(_, it)| count(it)))
        .bind::<Array<Timestamptz>, _>(all(rows, |(_, it)| PgTimestamp(it.created_at)))
        .bind::<Array<Nullable<Timestamptz>>, _>(all(rows, |(_, it)| it.read_at.map(PgTimestamp)))
        .execute(connection)
        .await?;
    Ok(())
}

async fn enter_files(
    connection: &mut AsyncPgConnection,
    rows: &[FileRow<'_>],
) -> Result<(), Failure> {
    prepared(ENTER_FILES)
        .bind::<Array<Text>, _>(all(rows, |(_, _, it)| it.id.as_str()))
        .bind::<Array<Text>, _>(all(rows, |(message, _, _)| *message))
        .bind::<Array<SmallInt>, _>(all(rows, |(_, place, _)| *place))
        .bind::<Array<Text>, _>(all(rows, |(_, _, it)| it.name.as_str()))
        .bind::<Array<Text>, _>(all(rows, |(_, _, it)| it.url.as_str()))
        .bind::<Array<Text>, _>(all(rows, |(_, _, it)| it.media_type.as_str()))
        .bind::<Array<Integer>, _>(all(rows, |(_, _, it)| it.size_bytes.cast_signed()))
        .bind::<Array<Nullable<Text>>, _>(all(rows, |(_, _, it)| it.upload_key.as_deref()))
        .execute(connection)
        .await?;
    Ok(())
}

fn all<'r, R, T>(rows: &'r [R], column: impl Fn(&'r R) -> T) -> Vec<T> {
    rows.iter().map(column).collect()
}
