//! Queued mails, and closing them.

use diesel::{
    OptionalExtension, QueryDsl, QueryableByName,
    deserialize::Result as Read,
    pg::Pg,
    row::NamedRow,
    sql_types::{Array, BigInt, Bool, Text, Timestamptz},
};
use diesel_async::RunQueryDsl;
use domain::{
    ids::{ConversationId, MailId, UserId},
    mail::{
        ConversationDigest, MAIL_QUOTES_MAX, QueuedMail, ReplyToken, address_forms,
        store::{ReplyTarget, TokenUse, WEBHOOK_CALL_MS_MAX},
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
SELECT mailed.person_id, mailed.conversation_id,
    greatest(mailed.at, here.last_message_at) AS last_message_at
FROM messaging.mailed_conversation AS mailed
LEFT JOIN messaging.conversation AS here ON here.id = mailed.conversation_id
WHERE mailed.reply_token = $1";

impl FromColumns for ReplyTarget {
    fn from_columns<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        Ok(Self {
            person: row.parsed("person_id", UserId::parse)?,
            conversation: row.parsed("conversation_id", ConversationId::parse)?,
            last_message_at: row.at("last_message_at")?,
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

// Tokens of webhook calls.

const TAKE_TOKEN: &str = include_str!("take_webhook_token.sql");
const EXECUTED: &str = "UPDATE messaging.webhook_token SET is_executed = true WHERE token = $1";
const RELEASE: &str = "DELETE FROM messaging.webhook_token WHERE token = $1 AND NOT is_executed";

impl FromColumns for TokenUse {
    fn from_columns<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        let is = |column| NamedRow::get::<Bool, bool>(row, column);
        Ok(match (is("is_taken")?, is("was_executed")?) {
            (true, _) => Self::Taken,
            (false, true) => Self::Executed,
            (false, false) => Self::InProgress,
        })
    }
}

pub(super) async fn take_token(
    store: &PgStore,
    token: &str,
    now: Timestamp,
    forget_before: Timestamp,
) -> Result<TokenUse, Failure> {
    let interrupted = now.as_millis().saturating_sub_unsigned(WEBHOOK_CALL_MS_MAX);
    let interrupted = Timestamp::from_millis(interrupted).unwrap_or(Timestamp::UNIX_EPOCH);
    let mut connection = store.connection().await?;
    let Row(outcome) = prepared(TAKE_TOKEN)
        .bind::<Text, _>(token)
        .bind::<Timestamptz, _>(PgTimestamp(now))
        .bind::<Timestamptz, _>(PgTimestamp(interrupted))
        .bind::<Timestamptz, _>(PgTimestamp(forget_before))
        .get_result(&mut *connection)
        .await?;
    Ok(outcome)
}

pub(super) async fn settle_token(
    store: &PgStore,
    token: &str,
    is_executed: bool,
) -> Result<(), Failure> {
    let mut connection = store.connection().await?;
    let settle = if is_executed { EXECUTED } else { RELEASE };
    prepared(settle).bind::<Text, _>(token).execute(&mut *connection).await?;
    Ok(())
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
