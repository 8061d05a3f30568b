//! What was said of how long things are kept.

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, sql_types::Text};
use diesel_async::{AsyncConnection, RunQueryDsl};
use domain::{
    ids::{ConversationId, UserId},
    retention::{RetentionPolicy, SalonRetention},
    time::Timestamp,
};

use crate::{
    conversation::lock::{lock_any, stored},
    failure::Failure,
    prepared::prepared,
    record::PgTimestamp,
    schema::{held_conversation, retention_policy, salon_retention},
    store::PgStore,
};

/// Lets work go on in no conversation of the salon, until the transaction ends.
const ALONE: &str = "SELECT pg_advisory_xact_lock(hashtextextended('hold ' || $1, 0))";

/// The one row of its table.
const ONLY: i16 = 1;

pub(super) async fn general(store: &PgStore) -> Result<Option<RetentionPolicy>, Failure> {
    let mut connection = store.connection().await?;
    let found: Option<(i32, Option<i32>)> = retention_policy::table
        .find(ONLY)
        .select((retention_policy::archive_after_days, retention_policy::delete_after_days))
        .first(&mut *connection)
        .await
        .optional()?;
    found.map(|(archive, delete)| read(archive, delete)).transpose()
}

pub(super) async fn put_general(
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

pub(super) async fn of_salon(
    store: &PgStore,
    salon: &UserId,
) -> Result<Option<SalonRetention>, Failure> {
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

/// Waits until work under way in the salon's conversations is over: a hold that was answered counts.
pub(super) async fn put_of_salon(
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

pub(super) async fn drop_of_salon(store: &PgStore, salon: &UserId) -> Result<bool, Failure> {
    let mut connection = store.connection().await?;
    let gone = diesel::delete(salon_retention::table.find(salon.as_str()))
        .execute(&mut *connection)
        .await?;
    Ok(gone > 0)
}

/// Waits for the conversation's lock, so that work under way is over when this is answered.
pub(super) async fn hold(
    store: PgStore,
    id: ConversationId,
    at: Timestamp,
) -> Result<bool, Failure> {
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

pub(super) async fn release(store: &PgStore, id: &ConversationId) -> Result<bool, Failure> {
    let mut connection = store.connection().await?;
    let gone = diesel::delete(held_conversation::table.find(id.as_str()))
        .execute(&mut *connection)
        .await?;
    Ok(gone > 0)
}

/// The policy that two columns spell.
pub(super) fn read(archive: i32, delete: Option<i32>) -> Result<RetentionPolicy, Failure> {
    let archive = stored("archive_after_days", u32::try_from(archive))?;
    let delete = delete.map(|days| stored("delete_after_days", u32::try_from(days))).transpose()?;
    stored("archive_after_days", RetentionPolicy::new(archive, delete))
}

/// A number of days as the columns hold it. No policy has more than fit.
fn days(days: u32) -> i32 {
    i32::try_from(days).unwrap_or(i32::MAX)
}
