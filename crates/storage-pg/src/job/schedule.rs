//! Jobs that come again and again, and when there is something to do next.

use diesel::{
    QueryableByName,
    deserialize::Result as Read,
    pg::Pg,
    row::NamedRow,
    sql_types::{Array, Text, Timestamptz},
};
use diesel_async::RunQueryDsl;
use domain::{job::Task, time::Timestamp};

use crate::{
    failure::Failure,
    prepared::prepared,
    record::{At, Columns, good},
    store::PgStore,
};

const START_DUE: &str = include_str!("schedule.sql");

const NEXT_DUE: &str = "
SELECT least(
    (
        SELECT run_at FROM messaging.job
        WHERE dead_at IS NULL AND kind = ANY ($1) ORDER BY run_at, id LIMIT 1
    ),
    (SELECT min(next_run_at) FROM messaging.schedule)
) AS next_due";

struct Started(u32);

impl QueryableByName<Pg> for Started {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        good("due", u32::try_from(row.count("due")?)).map(Self)
    }
}

struct NextDue(Option<Timestamp>);

impl QueryableByName<Pg> for NextDue {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Self> {
        row.maybe_at("next_due").map(Self)
    }
}

pub(super) async fn start_due(store: &PgStore, now: Timestamp) -> Result<u32, Failure> {
    let mut connection = store.connection().await?;
    let Started(due) =
        prepared(START_DUE).bind::<Timestamptz, _>(At(now)).get_result(&mut *connection).await?;
    Ok(due)
}

pub(super) async fn next_due(store: &PgStore) -> Result<Option<Timestamp>, Failure> {
    let mut connection = store.connection().await?;
    let NextDue(at) = prepared(NEXT_DUE)
        .bind::<Array<Text>, _>(&Task::KINDS[..])
        .get_result(&mut *connection)
        .await?;
    Ok(at)
}
