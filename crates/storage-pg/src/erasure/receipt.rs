//! The receipt of an erasure: from the wish to the end.

use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, Queryable, Selectable, SelectableHelper,
    pg::Pg,
    sql_types::{BigInt, Text, Timestamptz},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    ids::UserId,
    jobs::Task,
    privacy::{
        audit::{Actor, AuditAction},
        erasure::Erasure,
    },
    time::Timestamp,
};

use super::trace;
use crate::{
    audit, conversation::lock::stored, failure::Failure, job, prepared::prepared,
    record::PgTimestamp, schema::erasure, store::PgStore, upload,
};

const FORGET: &str = include_str!("forget.sql");
/// As whoever settles their mail does, so that neither waits for the other.
const MAIL_FIRST: &str = "
SELECT FROM messaging.mail_recipient WHERE person_id = $1 FOR UPDATE";
const FORGET_KEYS: &str = include_str!("keys.sql");
/// The most keys that are taken away in one statement.
const KEYS_MAX: u16 = 1_000;

#[derive(Queryable, Selectable)]
#[diesel(table_name = erasure, check_for_backend(Pg))]
struct Receipt {
    person_id: String,
    requested_at: PgTimestamp,
    finished_at: Option<PgTimestamp>,
    conversations: i64,
    messages: i64,
    files: i64,
}

impl Receipt {
    fn read(self) -> Result<Erasure, Failure> {
        Ok(Erasure {
            person: stored("person_id", UserId::parse(&self.person_id))?,
            requested_at: self.requested_at.0,
            finished_at: self.finished_at.map(|at| at.0),
            conversations: self.conversations.unsigned_abs(),
            messages: self.messages.unsigned_abs(),
            files: self.files.unsigned_abs(),
        })
    }
}

pub(super) async fn find(store: &PgStore, person: &UserId) -> Result<Option<Erasure>, Failure> {
    find_on(&mut *store.connection().await?, person).await
}

async fn find_on(
    connection: &mut AsyncPgConnection,
    person: &UserId,
) -> Result<Option<Erasure>, Failure> {
    let found: Option<Receipt> = erasure::table
        .find(person.as_str())
        .select(Receipt::as_select())
        .first(connection)
        .await
        .optional()?;
    found.map(Receipt::read).transpose()
}

pub(super) async fn request(
    store: PgStore,
    person: UserId,
    by: Actor,
    at: Timestamp,
) -> Result<Erasure, Failure> {
    let mut connection = store.connection().await?;
    connection
        .transaction(async |connection| {
            let first = diesel::insert_into(erasure::table)
                .values((
                    erasure::person_id.eq(person.as_str()),
                    erasure::requested_at.eq(PgTimestamp(at)),
                ))
                .on_conflict_do_nothing()
                .execute(connection)
                .await?;
            if first > 0 {
                forget(connection, &person, at).await?;
                job::enter(connection, &Task::ErasePerson(person.clone()), at).await?;
                audit::note(connection, &by, AuditAction::ErasureRequested, &person, at).await?;
            }
            if by == Actor::Operator {
                let unfinished =
                    erasure::table.find(person.as_str()).filter(erasure::finished_at.is_null());
                diesel::update(unfinished)
                    .set(erasure::is_replayed.eq(true))
                    .execute(connection)
                    .await?;
            }
            stored("person_id", find_on(connection, &person).await?)
        })
        .await
}

/// A page of everybody who is to be forgotten.
pub(super) async fn people(
    store: &PgStore,
    after: Option<&UserId>,
    limit: u32,
) -> Result<Vec<UserId>, Failure> {
    let mut connection = store.connection().await?;
    let ids: Vec<String> = erasure::table
        .filter(erasure::person_id.gt(after.map_or("", UserId::as_str)))
        .order(erasure::person_id)
        .limit(limit.into())
        .select(erasure::person_id)
        .load(&mut *connection)
        .await?;
    ids.iter().map(|id| stored("person_id", UserId::parse(id))).collect()
}

pub(super) async fn finish(
    store: PgStore,
    person: UserId,
    at: Timestamp,
) -> Result<Option<Erasure>, Failure> {
    let mut connection = store.connection().await?;
    // Many of them in many short transactions, so that the last one is short too.
    while forget_keys(&mut connection, &person).await? == usize::from(KEYS_MAX) {}
    connection.transaction(async |connection| end(connection, &person, at).await).await
}

async fn end(
    connection: &mut AsyncPgConnection,
    person: &UserId,
    at: Timestamp,
) -> Result<Option<Erasure>, Failure> {
    if find_on(connection, person).await?.is_none() {
        return Ok(None);
    }
    // Once more: what was under way when it was asked for may have brought a name after it.
    forget(connection, person, at).await?;
    let files = upload::forget_all_of(connection, person, at).await?;
    let is_done = trace::next_on(connection, person).await?.is_none();
    let receipt = diesel::update(erasure::table.find(person.as_str()));
    let files = erasure::files + i64::try_from(files).unwrap_or(i64::MAX);
    receipt.set(erasure::files.eq(files)).execute(connection).await?;
    if is_done {
        forget_keys(connection, person).await?;
        let is_replayed: Option<bool> = diesel::update(erasure::table.find(person.as_str()))
            .filter(erasure::finished_at.is_null())
            .set(erasure::finished_at.eq(Some(PgTimestamp(at))))
            .returning(erasure::is_replayed)
            .get_result(connection)
            .await
            .optional()?;
        if let Some(is_replayed) = is_replayed {
            let by = if is_replayed { Actor::Operator } else { Actor::Service };
            audit::note(connection, &by, AuditAction::Erased, person, at).await?;
        }
    }
    find_on(connection, person).await
}

/// Returns how many keys there were.
async fn forget_keys(
    connection: &mut AsyncPgConnection,
    person: &UserId,
) -> Result<usize, Failure> {
    let keys = prepared(FORGET_KEYS)
        .bind::<Text, _>(person.as_str())
        .bind::<BigInt, _>(i64::from(KEYS_MAX))
        .execute(connection)
        .await?;
    Ok(keys)
}

async fn forget(
    connection: &mut AsyncPgConnection,
    person: &UserId,
    at: Timestamp,
) -> Result<(), Failure> {
    prepared(MAIL_FIRST).bind::<Text, _>(person.as_str()).execute(connection).await?;
    prepared(FORGET)
        .bind::<Text, _>(person.as_str())
        .bind::<Timestamptz, _>(PgTimestamp(at))
        .execute(connection)
        .await?;
    Ok(())
}
