//! The walk through all conversations, and how much there is in them.

use diesel::{
    QueryableByName,
    deserialize::Result as Read,
    pg::Pg,
    row::NamedRow,
    sql_types::{Array, BigInt, Bool, Integer, Nullable, Text, Timestamptz},
};
use diesel_async::RunQueryDsl;
use domain::{
    conversation::Status,
    ids::{ConversationId, UserId},
    participant::Language,
    retention::{
        ConversationAge, RetentionPolicy,
        store::{AgePage, Usage},
    },
    time::Timestamp,
};

use super::policy;
use crate::{
    failure::Failure,
    prepared::prepared,
    record::{Columns, FromColumns, PgTimestamp, Row, good},
    store::PgStore,
};

const AGES: &str = include_str!("ages.sql");
const WEIGH: &str = include_str!("weigh.sql");

/// Where the next piece begins, and one conversation of this one.
struct Step {
    next: Option<ConversationId>,
    age: Option<Age>,
}

/// A conversation whose status is the one that was asked for.
struct Age(ConversationAge);

pub(super) async fn page(
    store: &PgStore,
    status: Status,
    after: Option<&ConversationId>,
    quiet_since: Timestamp,
    limit: u32,
) -> Result<AgePage, Failure> {
    let mut connection = store.connection().await?;
    let steps: Vec<Step> = prepared(AGES)
        .bind::<Text, _>(after.map_or("", ConversationId::as_str))
        .bind::<BigInt, _>(i64::from(limit))
        .bind::<Text, _>(status.as_str())
        .bind::<Timestamptz, _>(PgTimestamp(quiet_since))
        .load(&mut *connection)
        .await?;
    let next = steps.as_slice().first().and_then(|step| step.next.clone());
    let ages = steps.into_iter().filter_map(|step| step.age);
    let conversations = ages.map(|Age(age)| ConversationAge { status, ..age }).collect();
    Ok(AgePage { conversations, next })
}

pub(super) async fn measure(
    store: &PgStore,
    conversations: &[ConversationId],
) -> Result<Usage, Failure> {
    let ids: Vec<_> = conversations.iter().map(ConversationId::as_str).collect();
    let mut connection = store.connection().await?;
    let Row(weight) =
        prepared(WEIGH).bind::<Array<Text>, _>(ids).get_result(&mut *connection).await?;
    Ok(weight)
}

impl QueryableByName<Pg> for Step {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        let next = row.maybe_parsed("next_id", ConversationId::parse)?;
        let id = row.maybe_parsed("id", ConversationId::parse)?;
        Ok(Self { next, age: id.map(|id| age(row, id)).transpose()? })
    }
}

fn age<'a>(row: &impl NamedRow<'a, Pg>, id: ConversationId) -> Read<Age> {
    Ok(Age(ConversationAge {
        id,
        salon: row.parsed("salon_id", UserId::parse)?,
        language: row.maybe_parsed("language", Language::of_locale)?,
        status: Status::Active,
        last_message_at: row.at("last_message_at")?,
        updated_at: row.at("updated_at")?,
        says_something: NamedRow::get::<Bool, bool>(row, "says_something")?,
        is_held: NamedRow::get::<Bool, bool>(row, "is_held")?,
        policy: own_policy(row)?,
    }))
}

fn own_policy<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Option<RetentionPolicy>> {
    let days = |column| NamedRow::get::<Nullable<Integer>, Option<i32>>(row, column);
    let (archive, delete) = (days("archive_after_days")?, days("delete_after_days")?);
    let own = archive.map(|archive| good("archive_after_days", policy::read(archive, delete)));
    own.transpose()
}

impl FromColumns for Usage {
    fn from_columns<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        Ok(Self { messages: row.count("messages")?, files: row.count("files")? })
    }
}
