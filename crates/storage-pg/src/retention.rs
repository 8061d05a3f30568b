//! Retention.

use async_trait::async_trait;
use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, QueryableByName,
    deserialize::Result as Read,
    pg::Pg,
    row::NamedRow,
    sql_types::{Array, BigInt, Bool, Integer, Nullable, Text, Timestamptz},
};
use diesel_async::{AsyncConnection, RunQueryDsl};
use domain::{
    conversation::Status,
    ids::{ConversationId, UserId},
    jobs::Task,
    participant::Language,
    ports::StoreError,
    retention::{
        ConversationAge, RetentionPolicy, SalonRetention,
        store::{AgePage, RetentionStore, TrimBatch, TrimProgress, Usage},
    },
    time::Timestamp,
};

use crate::{
    error::Failure,
    jobs,
    lock::{decoded, lock_any},
    query::prepared,
    row::{Columns, FromColumns, PgTimestamp, Row, decode},
    schema::{held_conversation, retention_policy, salon_retention},
    store::{PgStore, run_to_completion, with_retry},
};

#[async_trait]
impl RetentionStore for PgStore {
    #[tracing::instrument(name = "db.retention.policy", skip_all)]
    async fn retention_policy(&self) -> Result<Option<RetentionPolicy>, StoreError> {
        with_retry(|| general(self)).await
    }

    #[tracing::instrument(name = "db.retention.put_policy", skip_all)]
    async fn put_retention_policy(
        &self,
        policy: RetentionPolicy,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        with_retry(|| put_general(self, policy, at)).await
    }

    #[tracing::instrument(name = "db.retention.salon", skip_all)]
    async fn salon_retention(&self, salon: &UserId) -> Result<Option<SalonRetention>, StoreError> {
        with_retry(|| of_salon(self, salon)).await
    }

    #[tracing::instrument(name = "db.retention.put_salon", skip_all)]
    async fn put_salon_retention(
        &self,
        salon: &UserId,
        retention: SalonRetention,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let (store, salon) = (self.clone(), salon.clone());
        run_to_completion(move || put_of_salon(store.clone(), salon.clone(), retention, at)).await
    }

    #[tracing::instrument(name = "db.retention.drop_salon", skip_all)]
    async fn drop_salon_retention(&self, salon: &UserId) -> Result<bool, StoreError> {
        with_retry(|| drop_of_salon(self, salon)).await
    }

    #[tracing::instrument(
        name = "db.retention.hold", skip_all, fields(conversation.id = %conversation)
    )]
    async fn hold_conversation(
        &self,
        conversation: &ConversationId,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let (store, id) = (self.clone(), conversation.clone());
        run_to_completion(move || hold(store.clone(), id.clone(), at)).await
    }

    #[tracing::instrument(
        name = "db.retention.release", skip_all, fields(conversation.id = %conversation)
    )]
    async fn release_conversation(
        &self,
        conversation: &ConversationId,
    ) -> Result<bool, StoreError> {
        with_retry(|| release(self, conversation)).await
    }

    #[tracing::instrument(name = "db.retention.ages", skip_all)]
    async fn ages(
        &self,
        status: Status,
        after: Option<ConversationId>,
        quiet_since: Timestamp,
        limit: u32,
    ) -> Result<AgePage, StoreError> {
        with_retry(|| page(self, status, after.as_ref(), quiet_since, limit)).await
    }

    #[tracing::instrument(name = "db.retention.weigh", skip_all)]
    async fn measure(&self, conversations: &[ConversationId]) -> Result<Usage, StoreError> {
        with_retry(|| measure(self, conversations)).await
    }

    #[tracing::instrument(name = "db.retention.trim", skip_all)]
    async fn trim_logs(&self, walk: &TrimBatch) -> Result<TrimProgress, StoreError> {
        with_retry(|| trim(self, walk)).await
    }

    #[tracing::instrument(name = "db.retention.count_old", skip_all)]
    async fn count_old_entries(&self, walk: &TrimBatch) -> Result<TrimProgress, StoreError> {
        with_retry(|| count(self, walk)).await
    }

    #[tracing::instrument(name = "db.retention.go_on", skip_all)]
    async fn enqueue_continuation(&self, task: &Task, at: Timestamp) -> Result<(), StoreError> {
        let enter = || async { jobs::enter(&mut *self.connection().await?, task, at).await };
        with_retry(enter).await
    }
}

// Paging through all conversations, and measuring them.

const AGES: &str = include_str!("retention/ages.sql");
const WEIGH: &str = include_str!("retention/measure.sql");

/// Where the next page begins, and one conversation of this page.
struct Step {
    next: Option<ConversationId>,
    age: Option<Age>,
}

/// A conversation with the requested status.
struct Age(ConversationAge);

async fn page(
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

async fn measure(store: &PgStore, conversations: &[ConversationId]) -> Result<Usage, Failure> {
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
        has_messages: NamedRow::get::<Bool, bool>(row, "has_messages")?,
        is_held: NamedRow::get::<Bool, bool>(row, "is_held")?,
        policy: own_policy(row)?,
    }))
}

fn own_policy<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Option<RetentionPolicy>> {
    let days = |column| NamedRow::get::<Nullable<Integer>, Option<i32>>(row, column);
    let (archive, delete) = (days("archive_after_days")?, days("delete_after_days")?);
    let own = archive.map(|archive| decode("archive_after_days", read(archive, delete)));
    own.transpose()
}

impl FromColumns for Usage {
    fn from_columns<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        Ok(Self { messages: row.count("messages")?, files: row.count("files")? })
    }
}

// Policies and holds.

/// Excludes retention work in all conversations of the salon, until the transaction ends.
const ALONE: &str = "SELECT pg_advisory_xact_lock(hashtextextended('hold ' || $1, 0))";

/// The key of the only row.
const ONLY: i16 = 1;

async fn general(store: &PgStore) -> Result<Option<RetentionPolicy>, Failure> {
    let mut connection = store.connection().await?;
    let found: Option<(i32, Option<i32>)> = retention_policy::table
        .find(ONLY)
        .select((retention_policy::archive_after_days, retention_policy::delete_after_days))
        .first(&mut *connection)
        .await
        .optional()?;
    found.map(|(archive, delete)| read(archive, delete)).transpose()
}

async fn put_general(
    store: &PgStore,
    policy: RetentionPolicy,
    at: Timestamp,
) -> Result<(), Failure> {
    let values = (
        retention_policy::archive_after_days.eq(days(policy.archive_after_days())),
        retention_policy::delete_after_days.eq(policy.delete_after_days().map(days)),
        retention_policy::updated_at.eq(PgTimestamp(at)),
    );
    let mut connection = store.connection().await?;
    diesel::insert_into(retention_policy::table)
        .values((retention_policy::id.eq(ONLY), values))
        .on_conflict(retention_policy::id)
        .do_update()
        .set(values)
        .execute(&mut *connection)
        .await?;
    Ok(())
}

async fn of_salon(store: &PgStore, salon: &UserId) -> Result<Option<SalonRetention>, Failure> {
    use salon_retention as own;
    let mut connection = store.connection().await?;
    let found: Option<(Option<i32>, Option<i32>, bool)> = salon_retention::table
        .find(salon.as_str())
        .select((own::archive_after_days, own::delete_after_days, own::is_held))
        .first(&mut *connection)
        .await
        .optional()?;
    let Some((archive, delete, is_held)) = found else { return Ok(None) };
    let policy = archive.map(|archive| read(archive, delete)).transpose()?;
    Ok(Some(SalonRetention { policy, is_held }))
}

/// Waits until retention work in the salon's conversations has ended, so that a hold is effective
/// when this returns.
async fn put_of_salon(
    store: PgStore,
    salon: UserId,
    retention: SalonRetention,
    at: Timestamp,
) -> Result<(), Failure> {
    let policy = retention.policy;
    let values = (
        salon_retention::archive_after_days.eq(policy.map(|own| days(own.archive_after_days()))),
        salon_retention::delete_after_days
            .eq(policy.and_then(RetentionPolicy::delete_after_days).map(days)),
        salon_retention::is_held.eq(retention.is_held),
        salon_retention::updated_at.eq(PgTimestamp(at)),
    );
    let mut connection = store.connection().await?;
    connection
        .transaction(async |connection| {
            prepared(ALONE).bind::<Text, _>(salon.as_str()).execute(connection).await?;
            diesel::insert_into(salon_retention::table)
                .values((salon_retention::salon_id.eq(salon.as_str()), values))
                .on_conflict(salon_retention::salon_id)
                .do_update()
                .set(values)
                .execute(connection)
                .await?;
            Ok(())
        })
        .await
}

async fn drop_of_salon(store: &PgStore, salon: &UserId) -> Result<bool, Failure> {
    let mut connection = store.connection().await?;
    let gone = diesel::delete(salon_retention::table.find(salon.as_str()))
        .execute(&mut *connection)
        .await?;
    Ok(gone > 0)
}

/// Waits for the conversation's lock, so that a hold is effective when this returns.
async fn hold(store: PgStore, id: ConversationId, at: Timestamp) -> Result<bool, Failure> {
    let mut connection = store.connection().await?;
    connection
        .transaction(async |connection| {
            if !lock_any(connection, &id).await? {
                return Ok(false);
            }
            diesel::insert_into(held_conversation::table)
                .values((
                    held_conversation::conversation_id.eq(id.as_str()),
                    held_conversation::held_at.eq(PgTimestamp(at)),
                ))
                .on_conflict_do_nothing()
                .execute(connection)
                .await?;
            Ok(true)
        })
        .await
}

async fn release(store: &PgStore, id: &ConversationId) -> Result<bool, Failure> {
    let mut connection = store.connection().await?;
    let gone = diesel::delete(held_conversation::table.find(id.as_str()))
        .execute(&mut *connection)
        .await?;
    Ok(gone > 0)
}

/// The policy in two columns.
fn read(archive: i32, delete: Option<i32>) -> Result<RetentionPolicy, Failure> {
    let archive = decoded("archive_after_days", u32::try_from(archive))?;
    let delete =
        delete.map(|days| decoded("delete_after_days", u32::try_from(days))).transpose()?;
    decoded("archive_after_days", RetentionPolicy::new(archive, delete))
}

/// A number of days as the columns store it. Every policy fits.
fn days(days: u32) -> i32 {
    i32::try_from(days).unwrap_or(i32::MAX)
}

// Trimming logs.

/// In order, so that the rest of each log has no gap.
const TRIM: &str = concat!(
    include_str!("retention/old.sql"),
    "    ORDER BY e.conversation_id, e.seq LIMIT $4
), gone AS (
    DELETE FROM messaging.event AS e USING old
    WHERE e.conversation_id = old.conversation_id AND e.seq = old.seq
    RETURNING e.seq
)
SELECT (SELECT count(*) FROM gone) AS entries, (SELECT max(id) FROM walked) AS next_id",
);

const COUNT: &str = concat!(
    include_str!("retention/old.sql"),
    ")
SELECT (SELECT count(*) FROM old) AS entries, (SELECT max(id) FROM walked) AS next_id",
);

async fn trim(store: &PgStore, walk: &TrimBatch) -> Result<TrimProgress, Failure> {
    let mut connection = store.connection().await?;
    let Row(walked) = prepared(TRIM)
        .bind::<Text, _>(walk.after.as_ref().map_or("", ConversationId::as_str))
        .bind::<BigInt, _>(i64::from(walk.conversations_max))
        .bind::<Timestamptz, _>(PgTimestamp(walk.before))
        .bind::<BigInt, _>(i64::from(walk.entries_max))
        .get_result(&mut *connection)
        .await?;
    Ok(walked)
}

async fn count(store: &PgStore, walk: &TrimBatch) -> Result<TrimProgress, Failure> {
    let mut connection = store.connection().await?;
    let Row(walked) = prepared(COUNT)
        .bind::<Text, _>(walk.after.as_ref().map_or("", ConversationId::as_str))
        .bind::<BigInt, _>(i64::from(walk.conversations_max))
        .bind::<Timestamptz, _>(PgTimestamp(walk.before))
        .get_result(&mut *connection)
        .await?;
    Ok(walked)
}

impl FromColumns for TrimProgress {
    fn from_columns<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        let next = row.maybe_parsed("next_id", ConversationId::parse)?;
        Ok(Self { entries: row.count("entries")?, next })
    }
}
