//! Jobs that come again and again.

use diesel::{
    QueryableByName, deserialize::Result as Read, pg::Pg, row::NamedRow, sql_types::Timestamptz,
};
use diesel_async::RunQueryDsl;
use domain::time::Timestamp;

use crate::{
    failure::Failure,
    prepared::prepared,
    record::{Columns, PgTimestamp, good},
    store::PgStore,
};

const START_DUE: &str = include_str!("schedule.sql");

struct Started(u32);

impl QueryableByName<Pg> for Started {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        good("due", u32::try_from(row.count("due")?)).map(Self)
    }
}

pub(super) async fn start_due(store: &PgStore, now: Timestamp) -> Result<u32, Failure> {
    let mut connection = store.connection().await?;
    let Started(due) = prepared(START_DUE)
        .bind::<Timestamptz, _>(PgTimestamp(now))
        .get_result(&mut *connection)
        .await?;
    Ok(due)
}
