//! What was done about people's data.

use async_trait::async_trait;
use diesel::{
    deserialize::Result as Read,
    pg::Pg,
    row::NamedRow,
    sql_types::{BigInt, Nullable, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    ids::UserId,
    ports::StoreError,
    privacy::{
        audit::{Actor, AuditAction, AuditEntry},
        store::AuditStore,
    },
    time::Timestamp,
};

use crate::{
    failure::Failure,
    prepared::prepared,
    record::{Columns, FromColumns, PgTimestamp, Row, good},
    store::{PgStore, with_retry},
};

const NOTE: &str = "
INSERT INTO messaging.audit (actor, person_id, deed, subject, at) VALUES ($1, $2, $3, $4, $5)";
const NEWEST: &str = "
SELECT at, actor, person_id, deed, subject FROM messaging.audit ORDER BY id DESC LIMIT $1";

/// Notes what was done to `subject`, in the transaction that does it.
pub(crate) async fn note(
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
            actor: good("actor", Actor::parse(&row.text("actor")?, person))?,
            deed: row.parsed("deed", AuditAction::parse)?,
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
