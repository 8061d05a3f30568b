//! Erasure of people.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, Queryable, QueryableByName, Selectable,
    SelectableHelper,
    deserialize::Result as Read,
    pg::Pg,
    row::NamedRow,
    sql_types::{BigInt, Text, Timestamptz},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    ids::{ConversationId, UserId},
    jobs::Task,
    ports::StoreError,
    privacy::{
        audit::{Actor, AuditAction},
        erasure::Erasure,
        session_end::SessionEnd,
        store::ErasureStore,
    },
    time::Timestamp,
};

use crate::{
    error::{Class, Failure},
    export, jobs,
    lock::decoded,
    query::prepared,
    row::{Columns, PgTimestamp},
    schema::erasure,
    session_ends,
    store::{PgStore, run_to_completion, with_retry},
    uploads,
};

#[async_trait]
impl ErasureStore for PgStore {
    #[tracing::instrument(name = "db.erasure.request", skip_all)]
    async fn request_erasure(&self, person: &UserId, at: Timestamp) -> Result<Erasure, StoreError> {
        let (store, person) = (self.clone(), person.clone());
        run_to_completion(move || request(store.clone(), person.clone(), Actor::Service, at)).await
    }

    #[tracing::instrument(name = "db.erasure.replay", skip_all)]
    async fn replay_erasure(&self, person: &UserId, at: Timestamp) -> Result<Erasure, StoreError> {
        let (store, person) = (self.clone(), person.clone());
        run_to_completion(move || request(store.clone(), person.clone(), Actor::Operator, at)).await
    }

    #[tracing::instrument(name = "db.erasure.people", skip_all)]
    async fn erased_people(
        &self,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<UserId>, StoreError> {
        with_retry(|| people(self, after.as_ref(), limit)).await
    }

    #[tracing::instrument(name = "db.erasure.find", skip_all)]
    async fn erasure(&self, person: &UserId) -> Result<Option<Erasure>, StoreError> {
        with_retry(|| find(self, person)).await
    }

    #[tracing::instrument(name = "db.erasure.next", skip_all)]
    async fn next_to_erase(&self, person: &UserId) -> Result<Option<ConversationId>, StoreError> {
        with_retry(|| next(self, person)).await
    }

    #[tracing::instrument(name = "db.erasure.finish", skip_all)]
    async fn finish_erasure(
        &self,
        person: &UserId,
        at: Timestamp,
    ) -> Result<Option<Erasure>, StoreError> {
        let (store, person) = (self.clone(), person.clone());
        run_to_completion(move || finish(store.clone(), person.clone(), at)).await
    }
}

// The status of an erasure: from the request to the end.

const FORGET: &str = include_str!("erasure/forget.sql");
/// The same lock order as mail decisions, so that neither waits for the other.
const MAIL_FIRST: &str = "
SELECT FROM messaging.mail_recipient WHERE person_id = $1 FOR UPDATE";
const FORGET_KEYS: &str = include_str!("erasure/keys.sql");
/// Counted once, at the end: what is erased in a conversation again, because the other side went on, is
/// the same conversation.
const COUNT_CONVERSATIONS: &str = "
UPDATE messaging.erasure SET conversations = (
    SELECT count(*) FROM messaging.conversation
    WHERE (salon_id = $1 OR client_id = $1) AND deleted_at IS NULL
)
WHERE person_id = $1 AND finished_at IS NULL";
/// The most keys deleted per statement.
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
            person: decoded("person_id", UserId::parse(&self.person_id))?,
            requested_at: self.requested_at.0,
            finished_at: self.finished_at.map(|at| at.0),
            conversations: self.conversations.unsigned_abs(),
            messages: self.messages.unsigned_abs(),
            files: self.files.unsigned_abs(),
        })
    }
}

async fn find(store: &PgStore, person: &UserId) -> Result<Option<Erasure>, Failure> {
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

async fn request(
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
                session_ends::end(connection, &SessionEnd::of_erased(person.clone(), at)).await?;
                jobs::enter(connection, &Task::ErasePerson(person.clone()), at).await?;
                export::append_audit(connection, &by, AuditAction::ErasureRequested, &person, at)
                    .await?;
            }
            if by == Actor::Operator {
                let unfinished =
                    erasure::table.find(person.as_str()).filter(erasure::finished_at.is_null());
                diesel::update(unfinished)
                    .set(erasure::is_replayed.eq(true))
                    .execute(connection)
                    .await?;
            }
            decoded("person_id", find_on(connection, &person).await?)
        })
        .await
}

/// A page of everybody who is to be forgotten.
async fn people(
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
    ids.iter().map(|id| decoded("person_id", UserId::parse(id))).collect()
}

async fn finish(store: PgStore, person: UserId, at: Timestamp) -> Result<Option<Erasure>, Failure> {
    if find(&store, &person).await?.is_none() {
        return Ok(None);
    }
    // What was decided before the request is stored by then, and can be found.
    wait_for_writers(&store).await?;
    let mut connection = store.connection().await?;
    // Many keys in many short transactions, so that the last one is short too.
    while delete_keys(&mut connection, &person).await? == usize::from(KEYS_MAX) {}
    connection.transaction(async |connection| end(connection, &person, at).await).await
}

/// The transactions of others that may have written, or be about to, in our tables, by their virtual ids.
/// A statement locks its tables before it takes its snapshot. So a transaction that may still commit what
/// it decided before another one was committed is named here, if this is asked afterwards. Readers, such as
/// a backup, and vacuum take other locks.
const WRITERS: &str = "
SELECT DISTINCT held.virtualtransaction::text AS id
FROM pg_catalog.pg_locks AS held JOIN pg_catalog.pg_class AS locked ON locked.oid = held.relation
WHERE held.locktype = 'relation'
    AND held.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
    AND locked.relnamespace = 'messaging'::regnamespace
    AND held.mode IN ('RowShareLock', 'RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock',
        'AccessExclusiveLock')
    AND held.pid IS DISTINCT FROM pg_backend_pid()";

/// The pause between two looks at them.
const WRITERS_PAUSE: Duration = Duration::from_millis(20);

#[derive(QueryableByName)]
struct Writer {
    #[diesel(sql_type = Text)]
    id: String,
}

/// Waits until every transaction that writes in our tables now has ended, on all nodes. No transaction
/// waits for this.
///
/// # Errors
/// [`Class::Busy`] when one of them takes longer than transactions of ours may.
async fn wait_for_writers(store: &PgStore) -> Result<(), Failure> {
    let deadline = Instant::now() + store.transaction_time_max();
    let mut awaited: Option<HashSet<String>> = None;
    loop {
        let mut connection = store.connection().await?;
        let writers: Vec<Writer> = prepared(WRITERS).load(&mut *connection).await?;
        drop(connection);
        let writers = writers.into_iter().map(|writer| writer.id);
        let left: HashSet<String> = match &awaited {
            Some(awaited) => writers.filter(|id| awaited.contains(id)).collect(),
            None => writers.collect(),
        };
        if left.is_empty() {
            return Ok(());
        }
        if Instant::now() >= deadline {
            let long = "a transaction that began before the erasure was finished has not ended";
            return Err(Failure::new(Class::Busy, long));
        }
        awaited = Some(left);
        tokio::time::sleep(WRITERS_PAUSE).await;
    }
}

async fn end(
    connection: &mut AsyncPgConnection,
    person: &UserId,
    at: Timestamp,
) -> Result<Option<Erasure>, Failure> {
    if find_on(connection, person).await?.is_none() {
        return Ok(None);
    }
    // Again: work in progress at the request may have added a name since.
    forget(connection, person, at).await?;
    let files = uploads::delete_unsent_of(connection, person, at).await?;
    let is_done = next_on(connection, person).await?.is_none();
    let status = diesel::update(erasure::table.find(person.as_str()));
    let files = erasure::files + i64::try_from(files).unwrap_or(i64::MAX);
    status.set(erasure::files.eq(files)).execute(connection).await?;
    if is_done {
        delete_keys(connection, person).await?;
        prepared(COUNT_CONVERSATIONS).bind::<Text, _>(person.as_str()).execute(connection).await?;
        let is_replayed: Option<bool> = diesel::update(erasure::table.find(person.as_str()))
            .filter(erasure::finished_at.is_null())
            .set(erasure::finished_at.eq(Some(PgTimestamp(at))))
            .returning(erasure::is_replayed)
            .get_result(connection)
            .await
            .optional()?;
        if let Some(is_replayed) = is_replayed {
            let by = if is_replayed { Actor::Operator } else { Actor::Service };
            export::append_audit(connection, &by, AuditAction::Erased, person, at).await?;
        }
    }
    find_on(connection, person).await
}

/// Deletes a batch of idempotency keys. Returns their number.
async fn delete_keys(
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

// Deleting what a person left in conversations.

const NEXT: &str = include_str!("erasure/next.sql");

struct Left(ConversationId);

impl QueryableByName<Pg> for Left {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        row.parsed("id", ConversationId::parse).map(Self)
    }
}

async fn next(store: &PgStore, person: &UserId) -> Result<Option<ConversationId>, Failure> {
    next_on(&mut *store.connection().await?, person).await
}

async fn next_on(
    connection: &mut AsyncPgConnection,
    person: &UserId,
) -> Result<Option<ConversationId>, Failure> {
    let left = prepared(NEXT).bind::<Text, _>(person.as_str()).get_result(connection).await;
    Ok(left.optional()?.map(|Left(id)| id))
}
