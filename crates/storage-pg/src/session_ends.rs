//! Ends of sessions.

use async_trait::async_trait;
use diesel::{
    QueryableByName,
    deserialize::Result as Read,
    pg::Pg,
    row::NamedRow,
    sql_types::{BigInt, Nullable, Text, Timestamptz},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    ids::UserId,
    ports::StoreError,
    privacy::{
        audit::{Actor, AuditAction},
        session_end::{SessionEnd, SessionEndReason},
        store::{ReadSessionEnds, SessionEndMark, SessionEndStore},
    },
    time::Timestamp,
};

use crate::{
    error::{Class, Failure},
    export,
    query::prepared,
    row::{Columns, PgTimestamp, decode},
    store::{PgStore, run_to_completion, with_retry},
};

/// An end never moves back, and an erasure stays one.
const END: &str = "
INSERT INTO messaging.session_end AS known (person_id, before, why) VALUES ($1, $2, $3)
ON CONFLICT (person_id) DO UPDATE SET
    before = greatest(known.before, excluded.before),
    why = CASE WHEN known.why = 'erased' THEN known.why ELSE excluded.why END,
    written_by = pg_current_xact_id()
WHERE excluded.before > known.before OR (excluded.why = 'erased' AND known.why <> 'erased')";

/// A page of all, with the snapshot that it was read in. `pg_current_snapshot` is that of the statement.
const ALL: &str = "
SELECT seen.mark, page.person_id, page.before, page.why
FROM (SELECT pg_current_snapshot()::text AS mark) AS seen
LEFT JOIN LATERAL (
    SELECT person_id, before, why FROM messaging.session_end
    WHERE person_id > $1 ORDER BY person_id LIMIT $2
) AS page ON true
ORDER BY page.person_id";

/// What is visible in the snapshot of this statement and was not in that of the mark. Each transaction
/// becomes visible once, so its rows are in exactly one difference, whenever it commits. What was not
/// visible has an id from the oldest one that was running then on.
const SINCE: &str = "
SELECT seen.snapshot::text AS mark, new.person_id, new.before, new.why
FROM (SELECT pg_current_snapshot() AS snapshot) AS seen
LEFT JOIN LATERAL (
    SELECT person_id, before, why FROM messaging.session_end
    WHERE written_by >= pg_snapshot_xmin($1::pg_snapshot)
        AND written_by < pg_snapshot_xmax(seen.snapshot)
        AND NOT pg_visible_in_snapshot(written_by, $1::pg_snapshot)
    LIMIT $2
) AS new ON true";

const DROP: &str = "
DELETE FROM messaging.session_end WHERE person_id = ANY (ARRAY(
    SELECT person_id FROM messaging.session_end
    WHERE why = 'revoked' AND before < $1 ORDER BY before LIMIT $2 FOR UPDATE SKIP LOCKED
))";

/// A mark, and an end if there is any.
struct Row {
    mark: String,
    end: Option<SessionEnd>,
}

impl QueryableByName<Pg> for Row {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        let mark = NamedRow::get::<Text, String>(row, "mark")?;
        let person = NamedRow::get::<Nullable<Text>, Option<String>>(row, "person_id")?;
        let Some(person) = person else { return Ok(Self { mark, end: None }) };
        let person = decode("person_id", UserId::parse(&person))?;
        let PgTimestamp(before) = NamedRow::get::<Timestamptz, _>(row, "before")?;
        let reason = row.parsed("why", SessionEndReason::parse)?;
        Ok(Self { mark, end: Some(SessionEnd { person, before, reason }) })
    }
}

/// Stores an end, over an existing connection.
pub(crate) async fn end(
    connection: &mut AsyncPgConnection,
    end: &SessionEnd,
) -> Result<(), Failure> {
    prepared(END)
        .bind::<Text, _>(end.person.as_str())
        .bind::<Timestamptz, _>(PgTimestamp(end.before))
        .bind::<Text, _>(end.reason.as_str())
        .execute(connection)
        .await?;
    Ok(())
}

async fn revoke(store: PgStore, revoked: SessionEnd, at: Timestamp) -> Result<(), Failure> {
    let mut connection = store.connection().await?;
    connection
        .transaction(async |connection| {
            end(connection, &revoked).await?;
            let action = AuditAction::SessionsRevoked;
            export::append_audit(connection, &Actor::Service, action, &revoked.person, at).await
        })
        .await
}

async fn all(
    store: &PgStore,
    after: Option<&UserId>,
    limit: u32,
) -> Result<ReadSessionEnds, Failure> {
    let mut connection = store.connection().await?;
    let rows: Vec<Row> = prepared(ALL)
        .bind::<Text, _>(after.map_or("", UserId::as_str))
        .bind::<BigInt, _>(i64::from(limit))
        .load(&mut *connection)
        .await?;
    read(rows)
}

async fn since(
    store: &PgStore,
    mark: &SessionEndMark,
    limit: u32,
) -> Result<ReadSessionEnds, Failure> {
    let mut connection = store.connection().await?;
    let rows: Vec<Row> = prepared(SINCE)
        .bind::<Text, _>(mark.0.as_str())
        .bind::<BigInt, _>(i64::from(limit))
        .load(&mut *connection)
        .await?;
    read(rows)
}

fn read(rows: Vec<Row>) -> Result<ReadSessionEnds, Failure> {
    let [row, ..] = &rows[..] else {
        return Err(Failure::new(Class::Internal, "no snapshot was read"));
    };
    let mark = SessionEndMark(row.mark.clone());
    Ok(ReadSessionEnds { mark, ends: rows.into_iter().filter_map(|row| row.end).collect() })
}

#[async_trait]
impl SessionEndStore for PgStore {
    #[tracing::instrument(name = "db.session_end.revoke", skip_all)]
    async fn revoke_sessions(
        &self,
        person: &UserId,
        before: Timestamp,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let (store, reason) = (self.clone(), SessionEndReason::Revoked);
        let revoked = SessionEnd { person: person.clone(), before, reason };
        run_to_completion(move || revoke(store.clone(), revoked.clone(), at)).await
    }

    #[tracing::instrument(name = "db.session_end.all", skip_all)]
    async fn session_ends(
        &self,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<ReadSessionEnds, StoreError> {
        with_retry(|| all(self, after.as_ref(), limit)).await
    }

    #[tracing::instrument(name = "db.session_end.since", level = "debug", skip_all)]
    async fn session_ends_since(
        &self,
        mark: &SessionEndMark,
        limit: u32,
    ) -> Result<ReadSessionEnds, StoreError> {
        with_retry(|| since(self, mark, limit)).await
    }

    #[tracing::instrument(name = "db.session_end.drop", skip_all)]
    async fn drop_revocations(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let dropped = with_retry(|| async {
            let mut connection = self.connection().await?;
            let dropped = prepared(DROP)
                .bind::<Timestamptz, _>(PgTimestamp(before))
                .bind::<BigInt, _>(i64::from(limit))
                .execute(&mut *connection)
                .await?;
            Ok(dropped as u64)
        });
        dropped.await
    }
}
