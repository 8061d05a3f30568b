//! What a decision rests on, in one statement, so in one view.

use diesel::{
    OptionalExtension,
    deserialize::Result as Read,
    pg::Pg,
    row::NamedRow,
    sql_types::{Array, BigInt, Bool, Text, Timestamptz},
};
use diesel_async::RunQueryDsl;
use domain::{
    ids::UserId,
    mail::{
        PendingConversation, PendingNotifications, RECENT_MAILS_MS, WAITING_MAX,
        preferences::Preferences,
    },
    participant::Participant,
    time::Timestamp,
};

use crate::{
    failure::Failure,
    prepared::prepared,
    record::{FromColumns, PgTimestamp, Row, participant, waiting, wishes},
    store::PgStore,
};

const CASE: &str = concat!(
    "WITH recipient AS (",
    include_str!("../preference/recipient.sql"),
    "WHERE person.id = $1)",
    include_str!("case.sql"),
);

/// Somebody who may be written to, as `preference/recipient.sql` spells them.
pub(super) struct Recipient {
    pub(super) person: Participant,
    /// What they said that they want, if anything.
    wishes: Option<Preferences>,
    pub(super) is_suppressed: bool,
}

impl Recipient {
    /// What they want.
    pub(super) fn preferences(&mut self, at: Timestamp) -> Preferences {
        self.wishes.take().unwrap_or_else(|| Preferences::usual(self.person.id.clone(), at))
    }
}

impl FromColumns for Recipient {
    fn from_columns<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        let person = participant(row, "")?;
        let wishes = wishes(row, person.id.clone())?;
        let is_suppressed = NamedRow::get::<Bool, bool>(row, "is_suppressed")?;
        Ok(Self { person, wishes, is_suppressed })
    }
}

/// A case, before it is known what the usual is.
struct Case {
    recipient: Recipient,
    recent_mails: Vec<Timestamp>,
    waiting: Vec<PendingConversation>,
    version: i64,
}

impl FromColumns for Case {
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

/// What a mail was decided on before it counts no more, seen from `now`.
pub(super) fn recent_since(now: Timestamp) -> Timestamp {
    let since = now.as_millis().saturating_sub_unsigned(RECENT_MAILS_MS);
    Timestamp::from_millis(since).unwrap_or(Timestamp::UNIX_EPOCH)
}

pub(super) async fn find(
    store: &PgStore,
    recipient: &UserId,
    now: Timestamp,
) -> Result<Option<PendingNotifications>, Failure> {
    let mut connection = store.connection().await?;
    let found: Option<Row<Case>> = prepared(CASE)
        .bind::<Text, _>(recipient.as_str())
        .bind::<Timestamptz, _>(PgTimestamp(recent_since(now)))
        .bind::<BigInt, _>(i64::try_from(WAITING_MAX).unwrap_or(i64::MAX))
        .bind::<Timestamptz, _>(PgTimestamp(now))
        .get_result(&mut *connection)
        .await
        .optional()?;
    Ok(found.map(|Row(Case { mut recipient, recent_mails, waiting, version })| {
        PendingNotifications {
            preferences: recipient.preferences(now),
            recipient: recipient.person,
            is_suppressed: recipient.is_suppressed,
            recent_mails,
            waiting,
            version,
        }
    }))
}
