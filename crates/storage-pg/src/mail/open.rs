//! A mail when it leaves, and when it is done.

use diesel::{
    OptionalExtension,
    deserialize::Result as Read,
    pg::Pg,
    row::NamedRow,
    sql_types::{BigInt, Text},
};
use diesel_async::RunQueryDsl;
use domain::{
    ids::MailId,
    mail::{ConversationDigest, MAIL_QUOTES_MAX, QueuedMail},
    time::Timestamp,
};

use super::case::Recipient;
use crate::{
    failure::Failure,
    prepared::prepared,
    record::{Columns, FromColumns, Row},
    store::PgStore,
};

const FIND: &str = concat!(
    "WITH recipient AS (",
    include_str!("../preference/recipient.sql"),
    "WHERE person.id = (SELECT recipient_id FROM messaging.mail WHERE id = $1 AND NOT is_closed))
    SELECT recipient.*, mail.at AS mail_at FROM recipient, messaging.mail AS mail WHERE mail.id = $1",
);
const CHAPTERS: &str = include_str!("chapters.sql");

const CLOSE: &str = "
WITH said AS (DELETE FROM messaging.mail_part WHERE mail_id = $1)
UPDATE messaging.mail SET is_closed = true WHERE id = $1 AND NOT is_closed";

/// An open mail, and whom it is to.
struct Envelope {
    recipient: Recipient,
    at: Timestamp,
}

impl FromColumns for Envelope {
    fn from_columns<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        Ok(Self { recipient: Recipient::from_columns(row)?, at: row.at("mail_at")? })
    }
}

pub(super) async fn open(store: &PgStore, mail: &MailId) -> Result<Option<QueuedMail>, Failure> {
    let mut connection = store.connection().await?;
    let found: Option<Row<Envelope>> = prepared(FIND)
        .bind::<Text, _>(mail.as_str())
        .get_result(&mut *connection)
        .await
        .optional()?;
    let Some(Row(Envelope { mut recipient, at })) = found else { return Ok(None) };
    let chapters: Vec<Row<ConversationDigest>> = prepared(CHAPTERS)
        .bind::<Text, _>(mail.as_str())
        .bind::<BigInt, _>(i64::try_from(MAIL_QUOTES_MAX).unwrap_or(i64::MAX))
        .load(&mut *connection)
        .await?;
    Ok(Some(QueuedMail {
        id: mail.clone(),
        preferences: recipient.preferences(at),
        recipient: recipient.person,
        is_suppressed: recipient.is_suppressed,
        chapters: chapters.into_iter().map(|Row(chapter)| chapter).collect(),
        at,
    }))
}

pub(super) async fn close(store: &PgStore, mail: &MailId) -> Result<(), Failure> {
    let mut connection = store.connection().await?;
    prepared(CLOSE).bind::<Text, _>(mail.as_str()).execute(&mut *connection).await?;
    Ok(())
}
