//! Data exports.

use async_trait::async_trait;
use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl,
    deserialize::Result as Read,
    dsl::exists,
    pg::Pg,
    row::NamedRow,
    sql_types::{BigInt, Nullable, Text, Timestamptz},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    conversation::attachment::ObjectKey,
    ids::UserId,
    jobs::Task,
    ports::StoreError,
    privacy::{
        audit::{Actor, AuditAction, AuditEntry},
        export::{EXPORT_LIFETIME_MS, Export, ReadyExport},
        store::{AuditStore, ExportStore},
    },
    time::Timestamp,
};

use crate::{
    error::Failure,
    jobs,
    query::prepared,
    row::{Columns, FromColumns, PgTimestamp, Row, decode},
    schema::export,
    store::{PgStore, run_to_completion, with_retry},
};

const FIND: &str = "
SELECT person_id::text, object_key, requested_at, size_bytes, ready_at, expires_at
FROM messaging.export WHERE person_id = $1";
/// Waits for a concurrent erasure of the person; an unexpired request is left alone.
const REQUEST: &str = "
INSERT INTO messaging.export AS known (person_id, object_key, requested_at)
SELECT $1, $2, $3 WHERE NOT EXISTS (SELECT FROM messaging.erasure WHERE person_id = $1)
ON CONFLICT (person_id) DO UPDATE SET
    object_key = excluded.object_key, requested_at = excluded.requested_at,
    size_bytes = NULL, ready_at = NULL, expires_at = NULL
WHERE coalesce(known.expires_at, known.requested_at + $4 * interval '1 ms') <= excluded.requested_at";
const FINISH: &str = "
UPDATE messaging.export SET size_bytes = $3, ready_at = $4, expires_at = $5
WHERE person_id = $1 AND object_key = $2 AND ready_at IS NULL";

impl FromColumns for Export {
    fn from_columns<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        let ready = match (row.maybe_at("ready_at")?, row.maybe_at("expires_at")?) {
            (Some(at), Some(expires_at)) => {
                Some(ReadyExport { size_bytes: row.count("size_bytes")?, at, expires_at })
            }
            _ => None,
        };
        Ok(Self {
            person: row.parsed("person_id", UserId::parse)?,
            key: row.parsed("object_key", ObjectKey::parse)?,
            requested_at: row.at("requested_at")?,
            ready,
        })
    }
}

async fn find(
    connection: &mut AsyncPgConnection,
    person: &UserId,
) -> Result<Option<Export>, Failure> {
    let found = prepared(FIND).bind::<Text, _>(person.as_str()).get_result(connection).await;
    Ok(found.optional()?.map(|Row(export)| export))
}

async fn request(
    store: PgStore,
    person: UserId,
    key: ObjectKey,
    at: Timestamp,
) -> Result<Option<Export>, Failure> {
    let mut connection = store.connection().await?;
    connection
        .transaction(async |connection| {
            let is_new = prepared(REQUEST)
                .bind::<Text, _>(person.as_str())
                .bind::<Text, _>(key.as_str())
                .bind::<Timestamptz, _>(PgTimestamp(at))
                .bind::<BigInt, _>(EXPORT_LIFETIME_MS)
                .execute(connection)
                .await?;
            if is_new > 0 {
                jobs::enter(connection, &Task::ExportPerson(person.clone()), at).await?;
                let actor = Actor::Person(person.clone());
                append_audit(connection, &actor, AuditAction::ExportRequested, &person, at).await?;
            }
            find(connection, &person).await
        })
        .await
}

async fn finish(
    store: PgStore,
    person: UserId,
    key: ObjectKey,
    ready: ReadyExport,
) -> Result<bool, Failure> {
    let mut connection = store.connection().await?;
    connection
        .transaction(async |connection| {
            let waited = prepared(FINISH)
                .bind::<Text, _>(person.as_str())
                .bind::<Text, _>(key.as_str())
                .bind::<BigInt, _>(i64::try_from(ready.size_bytes).unwrap_or(i64::MAX))
                .bind::<Timestamptz, _>(PgTimestamp(ready.at))
                .bind::<Timestamptz, _>(PgTimestamp(ready.expires_at))
                .execute(connection)
                .await?;
            if waited == 0 {
                return Ok(false);
            }
            jobs::enter(connection, &Task::DeleteObject(key), ready.expires_at).await?;
            append_audit(connection, &Actor::Service, AuditAction::Exported, &person, ready.at)
                .await?;
            Ok(true)
        })
        .await
}

#[async_trait]
impl ExportStore for PgStore {
    #[tracing::instrument(name = "db.export.request", skip_all)]
    async fn request_export(
        &self,
        person: &UserId,
        key: &ObjectKey,
        at: Timestamp,
    ) -> Result<Option<Export>, StoreError> {
        let (store, person, key) = (self.clone(), person.clone(), key.clone());
        run_to_completion(move || request(store.clone(), person.clone(), key.clone(), at)).await
    }

    #[tracing::instrument(name = "db.export.find", skip_all)]
    async fn export(&self, person: &UserId) -> Result<Option<Export>, StoreError> {
        with_retry(|| async { find(&mut *self.connection().await?, person).await }).await
    }

    #[tracing::instrument(name = "db.export.has", skip_all)]
    async fn has_archive(&self, key: &ObjectKey) -> Result<bool, StoreError> {
        with_retry(|| async {
            let archives = export::table.filter(export::object_key.eq(key.as_str()));
            let mut connection = self.connection().await?;
            Ok(diesel::select(exists(archives)).get_result(&mut *connection).await?)
        })
        .await
    }

    #[tracing::instrument(name = "db.export.finish", skip_all)]
    async fn finish_export(
        &self,
        person: &UserId,
        key: &ObjectKey,
        ready: &ReadyExport,
    ) -> Result<bool, StoreError> {
        let (store, person, key, ready) = (self.clone(), person.clone(), key.clone(), *ready);
        run_to_completion(move || finish(store.clone(), person.clone(), key.clone(), ready)).await
    }
}

// The audit log.

const NOTE: &str = "
INSERT INTO messaging.audit (actor, person_id, action, subject, at) VALUES ($1, $2, $3, $4, $5)";
const NEWEST: &str = "
SELECT at, actor, person_id, action, subject FROM messaging.audit ORDER BY id DESC LIMIT $1";

/// Appends to the audit log, in the transaction of the change.
pub(crate) async fn append_audit(
    connection: &mut AsyncPgConnection,
    actor: &Actor,
    deed: AuditAction,
    subject: &UserId,
    at: Timestamp,
) -> Result<(), Failure> {
    prepared(NOTE)
        .bind::<Text, _>(actor.as_str())
        .bind::<Nullable<Text>, _>(actor.person().map(UserId::as_str))
        .bind::<Text, _>(deed.as_str())
        .bind::<Text, _>(subject.as_str())
        .bind::<Timestamptz, _>(PgTimestamp(at))
        .execute(connection)
        .await?;
    Ok(())
}

impl FromColumns for AuditEntry {
    fn from_columns<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        let person = row.maybe_parsed("person_id", UserId::parse)?;
        Ok(Self {
            at: row.at("at")?,
            actor: decode("actor", Actor::parse(&row.text("actor")?, person))?,
            action: row.parsed("action", AuditAction::parse)?,
            subject: row.text("subject")?,
        })
    }
}

async fn newest(store: &PgStore, limit: u32) -> Result<Vec<AuditEntry>, Failure> {
    let mut connection = store.connection().await?;
    let entries: Vec<Row<AuditEntry>> =
        prepared(NEWEST).bind::<BigInt, _>(i64::from(limit)).load(&mut *connection).await?;
    Ok(entries.into_iter().map(|Row(entry)| entry).collect())
}

#[async_trait]
impl AuditStore for PgStore {
    #[tracing::instrument(name = "db.audit.list", skip_all)]
    async fn audit(&self, limit: u32) -> Result<Vec<AuditEntry>, StoreError> {
        with_retry(|| newest(self, limit)).await
    }
}
