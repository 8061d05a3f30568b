//! Queued mails, and closing them.

use diesel::{
    OptionalExtension, QueryDsl, QueryableByName,
    deserialize::Result as Read,
    pg::Pg,
    row::NamedRow,
    sql_types::{Array, BigInt, Text, Timestamptz},
};
use diesel_async::RunQueryDsl;
use domain::{
    ids::{ConversationId, MailId, UserId},
    mail::{
        ConversationDigest, MAIL_QUOTES_MAX, QueuedMail, ReplyToken, address_forms,
        store::ReplyTarget,
    },
    time::Timestamp,
};

use super::Recipient;
use crate::{
    error::Failure,
    query::prepared,
    row::{Columns, FromColumns, PgTimestamp, Row},
    schema::participant,
    store::PgStore,
};

const FIND: &str = concat!(
    "WITH recipient AS (",
    include_str!("../preference/recipient.sql"),
    "WHERE person.id = (SELECT recipient_id FROM messaging.mail WHERE id = $1 AND NOT is_closed))
    SELECT recipient.*, mail.at AS mail_at FROM recipient, messaging.mail AS mail WHERE mail.id = $1",
);
const DIGESTS: &str = include_str!("digests.sql");

const CLOSE: &str = "
WITH said AS (DELETE FROM messaging.mail_conversation WHERE mail_id = $1)
UPDATE messaging.mail SET is_closed = true WHERE id = $1 AND NOT is_closed";

/// An open mail and its recipient.
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
    let digests: Vec<Row<ConversationDigest>> = prepared(DIGESTS)
        .bind::<Text, _>(mail.as_str())
        .bind::<BigInt, _>(i64::try_from(MAIL_QUOTES_MAX).unwrap_or(i64::MAX))
        .load(&mut *connection)
        .await?;
    Ok(Some(QueuedMail {
        id: mail.clone(),
        preferences: recipient.preferences(at),
        recipient: recipient.person,
        is_suppressed: recipient.is_suppressed,
        chapters: digests.into_iter().map(|Row(digest)| digest).collect(),
        at,
    }))
}

pub(super) async fn close(store: &PgStore, mail: &MailId) -> Result<(), Failure> {
    let mut connection = store.connection().await?;
    prepared(CLOSE).bind::<Text, _>(mail.as_str()).execute(&mut *connection).await?;
    Ok(())
}

// Reply tokens.

const TARGET: &str = "
SELECT person_id, conversation_id FROM messaging.mailed_conversation WHERE reply_token = $1";

impl FromColumns for ReplyTarget {
    fn from_columns<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        Ok(Self {
            person: row.parsed("person_id", UserId::parse)?,
            conversation: row.parsed("conversation_id", ConversationId::parse)?,
        })
    }
}

pub(super) async fn target(
    store: &PgStore,
    token: &ReplyToken,
) -> Result<Option<ReplyTarget>, Failure> {
    let mut connection = store.connection().await?;
    let found = prepared(TARGET)
        .bind::<Text, _>(token.as_str())
        .get_result(&mut *connection)
        .await
        .optional()?;
    Ok(found.map(|Row(target)| target))
}

// Suppressed addresses.

/// Stored for everybody who has the address, so that it is deleted with them, and in each of its
/// forms ($1), so that it also matches when the platform reports the address in another form.
const SUPPRESS: &str = "
WITH concerned AS (
    SELECT id::text AS person_id FROM messaging.participant
    WHERE messaging.mail_address(email) = ANY ($1)
), noted AS (
    INSERT INTO messaging.suppressed_address (address, person_id, at)
    SELECT form, person_id, $2 FROM concerned CROSS JOIN unnest($1) AS form
    ON CONFLICT (address, person_id) DO NOTHING
)
SELECT count(*) AS people FROM concerned";

const ALLOW: &str = "DELETE FROM messaging.suppressed_address WHERE address = ANY ($1)";

struct Concerned(u64);

impl QueryableByName<Pg> for Concerned {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        row.count("people").map(Self)
    }
}

pub(super) async fn suppress(
    store: &PgStore,
    address: &str,
    at: Timestamp,
) -> Result<u64, Failure> {
    let mut connection = store.connection().await?;
    let Concerned(people) = prepared(SUPPRESS)
        .bind::<Array<Text>, _>(address_forms(address))
        .bind::<Timestamptz, _>(PgTimestamp(at))
        .get_result(&mut *connection)
        .await?;
    Ok(people)
}

pub(super) async fn allow(store: &PgStore, person: &UserId) -> Result<bool, Failure> {
    let mut connection = store.connection().await?;
    let email: Option<Option<String>> = participant::table
        .find(person.as_str())
        .select(participant::email)
        .first(&mut *connection)
        .await
        .optional()?;
    let Some(email) = email.flatten() else { return Ok(false) };
    let allowed = prepared(ALLOW)
        .bind::<Array<Text>, _>(address_forms(&email))
        .execute(&mut *connection)
        .await?;
    Ok(allowed > 0)
}
