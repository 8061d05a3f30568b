//! About whose mail must be decided.

use diesel::{
    QueryableByName,
    deserialize::Result as Read,
    pg::Pg,
    row::NamedRow,
    sql_types::{BigInt, Timestamptz},
};
use diesel_async::RunQueryDsl;
use domain::{ids::UserId, mail::store::DueMail};

use crate::{
    failure::Failure,
    prepared::prepared,
    record::{Columns, PgTimestamp},
    store::PgStore,
};

const DUE: &str = include_str!("due.sql");

/// How many conversations are looked at for each person that is asked for.
const CONVERSATIONS_FOR_EACH: i64 = 20;

struct Recipient(UserId);

impl QueryableByName<Pg> for Recipient {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        row.parsed("recipient_id", UserId::parse).map(Self)
    }
}

pub(super) async fn people(store: &PgStore, due: &DueMail) -> Result<Vec<UserId>, Failure> {
    let mut connection = store.connection().await?;
    let people: Vec<Recipient> = prepared(DUE)
        .bind::<Timestamptz, _>(PgTimestamp(due.since))
        .bind::<Timestamptz, _>(PgTimestamp(due.now))
        .bind::<BigInt, _>(i64::from(due.limit))
        .bind::<BigInt, _>(i64::from(due.limit) * CONVERSATIONS_FOR_EACH)
        .load(&mut *connection)
        .await?;
    Ok(people.into_iter().map(|Recipient(id)| id).collect())
}
