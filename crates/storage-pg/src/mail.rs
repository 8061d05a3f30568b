//! Pending, queued and sent mail (D15).

mod outgoing;
mod preferences;

use async_trait::async_trait;
use diesel::{
    OptionalExtension, QueryableByName,
    deserialize::Result as Read,
    pg::Pg,
    row::NamedRow,
    sql_types::{Array, BigInt, Bool, Integer, Nullable, SmallInt, Text, Timestamptz},
};
use diesel_async::RunQueryDsl;
use domain::{
    ids::{ConversationId, MailId, Seq, UserId},
    mail::{
        ConversationDigest, MailDecision, NewMail, PENDING_CONVERSATIONS_MAX, PendingConversation,
        PendingNotifications, QueuedMail, Quote, RECENT_MAILS_MS, ReplyToken,
        preferences::{Frequency, Preferences, QuietHours},
        store::{DueMail, MailStore, ReplyTarget, TokenUse},
    },
    participant::Participant,
    ports::StoreError,
    text::{Content, Subject},
    time::{Timestamp, Zone},
};

use crate::{
    error::{Class, Failure},
    query::prepared,
    row::{Columns, FromColumns, PgTimestamp, Row, decode, participant},
    store::{PgStore, with_retry},
};

#[async_trait]
impl MailStore for PgStore {
    #[tracing::instrument(name = "db.mail.due", skip_all)]
    async fn due_for_mail(&self, due: &DueMail) -> Result<Vec<UserId>, StoreError> {
        with_retry(|| people(self, due)).await
    }

    #[tracing::instrument(name = "db.mail.pending", skip_all)]
    async fn pending_notifications(
        &self,
        recipient: &UserId,
        now: Timestamp,
    ) -> Result<Option<PendingNotifications>, StoreError> {
        with_retry(|| find(self, recipient, now)).await
    }

    #[tracing::instrument(name = "db.mail.settle", skip_all, fields(mail.id = %mail.id))]
    async fn apply_mail_decision(
        &self,
        pending: &PendingNotifications,
        decision: &MailDecision,
        mail: &NewMail,
    ) -> Result<bool, StoreError> {
        with_retry(|| settle(self, pending, decision, mail)).await
    }

    #[tracing::instrument(name = "db.mail.open", skip_all, fields(mail.id = %mail))]
    async fn queued_mail(&self, mail: &MailId) -> Result<Option<QueuedMail>, StoreError> {
        with_retry(|| outgoing::open(self, mail)).await
    }

    #[tracing::instrument(name = "db.mail.close", skip_all, fields(mail.id = %mail))]
    async fn close_mail(&self, mail: &MailId) -> Result<(), StoreError> {
        with_retry(|| outgoing::close(self, mail)).await
    }

    #[tracing::instrument(name = "db.mail.reply_target", skip_all)]
    async fn reply_target(&self, token: &ReplyToken) -> Result<Option<ReplyTarget>, StoreError> {
        with_retry(|| outgoing::target(self, token)).await
    }

    #[tracing::instrument(name = "db.webhook.take", skip_all)]
    async fn take_webhook_token(
        &self,
        token: &str,
        now: Timestamp,
        forget_before: Timestamp,
    ) -> Result<TokenUse, StoreError> {
        with_retry(|| outgoing::take_token(self, token, now, forget_before)).await
    }

    #[tracing::instrument(name = "db.webhook.settle", skip_all)]
    async fn settle_webhook_token(&self, token: &str, is_executed: bool) -> Result<(), StoreError> {
        with_retry(|| outgoing::settle_token(self, token, is_executed)).await
    }

    #[tracing::instrument(name = "db.mail.suppress", skip_all)]
    async fn suppress_address(&self, address: &str, at: Timestamp) -> Result<u64, StoreError> {
        with_retry(|| outgoing::suppress(self, address, at)).await
    }

    #[tracing::instrument(name = "db.mail.allow", skip_all, fields(user.id = %person))]
    async fn allow_address(&self, person: &UserId) -> Result<bool, StoreError> {
        with_retry(|| outgoing::allow(self, person)).await
    }
}

// The input of a decision, in one statement and so in one snapshot.

const PENDING: &str = concat!(
    "WITH recipient AS (",
    include_str!("preference/recipient.sql"),
    "WHERE person.id = $1)",
    include_str!("mail/pending.sql"),
);

/// A recipient, in the columns of `preference/recipient.sql`.
struct Recipient {
    person: Participant,
    /// Their stored preferences, if any.
    chosen: Option<Preferences>,
    is_suppressed: bool,
}

impl Recipient {
    /// Their preferences, or the defaults.
    fn preferences(&mut self, at: Timestamp) -> Preferences {
        self.chosen.take().unwrap_or_else(|| Preferences::usual(self.person.id.clone(), at))
    }
}

impl FromColumns for Recipient {
    fn from_columns<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        let person = participant(row, "")?;
        let chosen = preferences(row, person.id.clone())?;
        let is_suppressed = NamedRow::get::<Bool, bool>(row, "is_suppressed")?;
        Ok(Self { person, chosen, is_suppressed })
    }
}

/// Pending mail, before the default preferences are filled in.
struct PendingRow {
    recipient: Recipient,
    recent_mails: Vec<Timestamp>,
    waiting: Vec<PendingConversation>,
    version: i64,
}

impl FromColumns for PendingRow {
    fn from_columns<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        let recent = NamedRow::get::<Array<Timestamptz>, Vec<PgTimestamp>>(row, "recent_mails")?;
        Ok(Self {
            recipient: Recipient::from_columns(row)?,
            recent_mails: recent.into_iter().map(|PgTimestamp(at)| at).collect(),
            waiting: waiting(row)?,
            version: NamedRow::get::<BigInt, i64>(row, "version")?,
        })
    }
}

/// The time from which mails count as recent at `now`.
fn recent_since(now: Timestamp) -> Timestamp {
    let since = now.as_millis().saturating_sub_unsigned(RECENT_MAILS_MS);
    Timestamp::from_millis(since).unwrap_or(Timestamp::UNIX_EPOCH)
}

async fn find(
    store: &PgStore,
    recipient: &UserId,
    now: Timestamp,
) -> Result<Option<PendingNotifications>, Failure> {
    let mut connection = store.connection().await?;
    let found: Option<Row<PendingRow>> = prepared(PENDING)
        .bind::<Text, _>(recipient.as_str())
        .bind::<Timestamptz, _>(PgTimestamp(recent_since(now)))
        .bind::<BigInt, _>(i64::try_from(PENDING_CONVERSATIONS_MAX).unwrap_or(i64::MAX))
        .bind::<Timestamptz, _>(PgTimestamp(now))
        .get_result(&mut *connection)
        .await
        .optional()?;
    Ok(found.map(|Row(PendingRow { mut recipient, recent_mails, waiting, version })| {
        PendingNotifications {
            preferences: recipient.preferences(now),
            recipient: recipient.person,
            is_suppressed: recipient.is_suppressed,
            recent_mails,
            conversations: waiting,
            version,
        }
    }))
}

// People with due mail.

const DUE: &str = include_str!("mail/due.sql");

/// The number of conversations read per requested person.
const CONVERSATIONS_FOR_EACH: i64 = 20;

struct DueRecipient(UserId);

impl QueryableByName<Pg> for DueRecipient {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        row.parsed("recipient_id", UserId::parse).map(Self)
    }
}

async fn people(store: &PgStore, due: &DueMail) -> Result<Vec<UserId>, Failure> {
    let mut connection = store.connection().await?;
    let people: Vec<DueRecipient> = prepared(DUE)
        .bind::<Timestamptz, _>(PgTimestamp(due.since))
        .bind::<Timestamptz, _>(PgTimestamp(due.now))
        .bind::<BigInt, _>(i64::from(due.limit))
        .bind::<BigInt, _>(i64::from(due.limit) * CONVERSATIONS_FOR_EACH)
        .load(&mut *connection)
        .await?;
    Ok(people.into_iter().map(|DueRecipient(id)| id).collect())
}

// Applying a decision, in one statement. The work is done by `messaging.apply_mail_decision`.

const SETTLE: &str =
    "SELECT messaging.settle_mail($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) AS is_settled";

struct Settled(bool);

impl QueryableByName<Pg> for Settled {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        NamedRow::get::<Bool, bool>(row, "is_settled").map(Self)
    }
}

async fn settle(
    store: &PgStore,
    pending: &PendingNotifications,
    decision: &MailDecision,
    mail: &NewMail,
) -> Result<bool, Failure> {
    let (done, noted) = done(pending, decision)?;
    let defer: Vec<_> = decision.defer.iter().map(|(id, _)| id.as_str()).collect();
    let until: Vec<_> = decision.defer.iter().map(|(_, until)| PgTimestamp(*until)).collect();
    let send: Vec<_> = decision.send.iter().map(|(id, _)| id.as_str()).collect();
    let up_to: Vec<_> = decision.send.iter().map(|(_, up_to)| up_to.get()).collect();
    let mut connection = store.connection().await?;
    let Settled(is_settled) = prepared(SETTLE)
        .bind::<Text, _>(mail.recipient.as_str())
        .bind::<BigInt, _>(pending.version)
        .bind::<Text, _>(mail.id.as_str())
        .bind::<Timestamptz, _>(PgTimestamp(mail.at))
        .bind::<Timestamptz, _>(PgTimestamp(recent_since(mail.at)))
        .bind::<Array<Text>, _>(defer)
        .bind::<Array<Timestamptz>, _>(until)
        .bind::<Array<Text>, _>(done)
        .bind::<Array<BigInt>, _>(noted)
        .bind::<Array<Text>, _>(send)
        .bind::<Array<BigInt>, _>(up_to)
        .get_result(&mut *connection)
        .await?;
    Ok(is_settled)
}

/// What is no longer pending, with its count at the time of the decision.
fn done<'a>(
    pending: &PendingNotifications,
    decision: &'a MailDecision,
) -> Result<(Vec<&'a str>, Vec<i64>), Failure> {
    let sent = decision.send.iter().map(|(id, _)| id);
    let dropped = decision.drop.iter().map(|(id, _)| id);
    let seen = |id: &'a ConversationId| {
        let seen = pending.conversations.iter().find(|waiting| waiting.conversation == *id);
        let seen = seen.ok_or_else(|| {
            Failure::new(Class::Internal, "a decision about another conversation")
        })?;
        Ok((id.as_str(), seen.noted.cast_signed()))
    };
    let seen: Result<Vec<_>, Failure> = sent.chain(dropped).map(seen).collect();
    Ok(seen?.into_iter().unzip())
}

// Rows of preferences, pending conversations and mails.

/// The preferences of `user` in the columns of `preference/recipient.sql`; `None`: none stored.
pub(crate) fn preferences<'a>(
    row: &impl NamedRow<'a, Pg>,
    user: UserId,
) -> Read<Option<Preferences>> {
    let Some(created_at) = row.maybe_at("preference_created_at")? else { return Ok(None) };
    let muted = NamedRow::get::<Array<Text>, Vec<String>>(row, "preference_muted")?;
    let muted = muted.iter().map(|id| decode("preference_muted", ConversationId::parse(id)));
    Ok(Some(Preferences {
        user,
        mail_enabled: NamedRow::get::<Bool, bool>(row, "preference_mail_enabled")?,
        frequency: row.parsed("preference_frequency", Frequency::parse)?,
        quiet_hours: quiet_hours(row)?,
        zone: row.maybe_parsed("preference_zone", Zone::parse)?,
        muted: muted.collect::<Read<_>>()?,
        created_at,
        updated_at: row.at("preference_updated_at")?,
    }))
}

fn quiet_hours<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Option<QuietHours>> {
    let minute = |column| -> Read<Option<u16>> {
        let minute = NamedRow::get::<Nullable<SmallInt>, Option<i16>>(row, column)?;
        minute.map(|minute| decode(column, u16::try_from(minute))).transpose()
    };
    match (minute("preference_quiet_from_minute")?, minute("preference_quiet_to_minute")?) {
        (Some(from), Some(to)) => decode("preference_quiet", QuietHours::new(from, to)).map(Some),
        _ => Ok(None),
    }
}

/// Pending conversations in the columns of `mail/pending.sql`: each column is an array with one
/// element per conversation.
pub(crate) fn waiting<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Vec<PendingConversation>> {
    let numbers = |column| NamedRow::get::<Array<BigInt>, Vec<i64>>(row, column);
    let ids = NamedRow::get::<Array<Text>, Vec<String>>(row, "conversation_ids")?;
    let since = NamedRow::get::<Array<Timestamptz>, Vec<PgTimestamp>>(row, "since")?;
    let newest_at = NamedRow::get::<Array<Timestamptz>, Vec<PgTimestamp>>(row, "newest_at")?;
    let last_mailed_at = NamedRow::get::<Array<Nullable<Timestamptz>>, Vec<Option<PgTimestamp>>>(
        row,
        "last_mailed_at",
    )?;
    let (noted, unmailed, up_to) = (numbers("noted")?, numbers("unmailed")?, numbers("up_to")?);
    let times = since.into_iter().zip(newest_at).zip(last_mailed_at);
    let places = ids.iter().zip(times).zip(noted).zip(unmailed).zip(up_to);
    places
        .map(|((((id, ((since, newest_at), last_mailed_at)), noted), unmailed), up_to)| {
            Ok(PendingConversation {
                conversation: decode("conversation_ids", ConversationId::parse(id))?,
                since: since.0,
                noted: decode("noted", u64::try_from(noted))?,
                unmailed: decode("unmailed", u64::try_from(unmailed))?,
                up_to: decode("up_to", Seq::new(up_to))?,
                newest_at: newest_at.0,
                last_mailed_at: last_mailed_at.map(|at| at.0),
            })
        })
        .collect()
}

impl FromColumns for ConversationDigest {
    fn from_columns<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        Ok(Self {
            conversation: row.parsed("conversation_id", ConversationId::parse)?,
            writer: participant(row, "writer_")?,
            subject: row.maybe_parsed("subject", Subject::stored)?.flatten(),
            messages: row.count("messages")?,
            quotes: quotes(row)?,
            reply: row.parsed("reply_token", ReplyToken::parse)?,
        })
    }
}

fn quotes<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Vec<Quote>> {
    let words = NamedRow::get::<Array<Text>, Vec<String>>(row, "words")?;
    let files = NamedRow::get::<Array<Integer>, Vec<i32>>(row, "files")?;
    let at = NamedRow::get::<Array<Timestamptz>, Vec<PgTimestamp>>(row, "posted_at")?;
    let quote = |((words, files), PgTimestamp(at))| {
        Ok(Quote {
            words: decode("words", Content::stored(words))?,
            files: decode("files", usize::try_from(files))?,
            at,
        })
    };
    words.into_iter().zip(files).zip(at).map(quote).collect()
}
