//! What PostgreSQL counted during a measurement, and what that makes for each send.

use tokio_postgres::Client;

use super::{
    figures::{Figure, float, number},
    usage::Usage,
};
use crate::{Fault, database::Database};

/// Since this version, syncs of the WAL are counted in `pg_stat_io`.
const WAL_SYNCS_IN_IO: i32 = 180_000;

/// Reads PostgreSQL's statistics.
///
/// A backend reports what it did once a second, when a transaction ends. So a reading lags by half a second
/// on average, before a measurement and after it alike: the differences are right within about 2 % for 20 s.
#[derive(Debug)]
pub(super) struct Statistics {
    client: Client,
    sql: String,
}

/// PostgreSQL's counters at one moment, or what was added to them during a measurement.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Counters {
    /// Committed transactions of the database.
    transactions: u64,
    /// Bytes of WAL of the whole cluster.
    wal_bytes: u64,
    /// Syncs of the WAL.
    wal_syncs: u64,
    /// Updated rows of `messaging.conversation`.
    updates: u64,
    /// Of those, heap-only tuples: no index was touched.
    hot_updates: u64,
}

impl Statistics {
    /// The statistics of this database and its cluster.
    pub(super) async fn new(database: &Database) -> Result<Self, Fault> {
        let client = database.client().await?;
        let version = client
            .query_one("SELECT current_setting('server_version_num')::integer", &[])
            .await
            .map_err(Fault::while_doing("ask for PostgreSQL's version"))?;
        Ok(Self { client, sql: sql(version.get(0)) })
    }

    /// The counters now.
    pub(super) async fn read(&self) -> Result<Counters, Fault> {
        let row = self.client.query_one(&self.sql, &[]).await;
        let row = row.map_err(Fault::while_doing("read PostgreSQL's statistics"))?;
        let count = |column: usize| u64::try_from(row.get::<_, i64>(column)).unwrap_or_default();
        Ok(Counters {
            transactions: count(0),
            wal_bytes: count(1),
            wal_syncs: count(2),
            updates: count(3),
            hot_updates: count(4),
        })
    }

    /// What each of `sends` has cost since `before`, with the processor time in `usage`.
    pub(super) async fn per_send(
        &self,
        before: Counters,
        usage: &Usage,
        sends: u64,
    ) -> Result<PerSend, Fault> {
        if sends == 0 {
            return Err(Fault::new("no send was acknowledged during the measurement"));
        }
        let now = self.read().await?;
        Ok(PerSend::new(now.since(before), usage, sends))
    }
}

fn sql(version: i32) -> String {
    let wal_syncs = if version >= WAL_SYNCS_IN_IO {
        "(SELECT sum(fsyncs) FROM pg_stat_io WHERE object = 'wal')"
    } else {
        "(SELECT wal_sync FROM pg_stat_wal)"
    };
    format!(
        "SELECT xact_commit, (SELECT wal_bytes FROM pg_stat_wal)::bigint, {wal_syncs}::bigint,
            n_tup_upd, n_tup_hot_upd
         FROM pg_stat_database, pg_stat_user_tables
         WHERE datname = current_database() AND schemaname = 'messaging' AND relname = 'conversation'"
    )
}

impl Counters {
    fn since(self, before: Self) -> Self {
        Self {
            transactions: self.transactions.saturating_sub(before.transactions),
            wal_bytes: self.wal_bytes.saturating_sub(before.wal_bytes),
            wal_syncs: self.wal_syncs.saturating_sub(before.wal_syncs),
            updates: self.updates.saturating_sub(before.updates),
            hot_updates: self.hot_updates.saturating_sub(before.hot_updates),
        }
    }
}

/// What one send costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct PerSend {
    server_ms: f64,
    postgres_ms: f64,
    transactions: f64,
    wal_bytes: f64,
    wal_syncs: f64,
    /// The share of HOT updates of `messaging.conversation`, in percent; none without an update.
    hot_percent: Option<f64>,
}

impl PerSend {
    /// The heads of [`cells`](Self::cells).
    pub(super) const HEADS: &str =
        "server | PostgreSQL | transactions | WAL | WAL syncs | HOT updates";
    /// The separators under the heads.
    pub(super) const RULE: &str = "---: | ---: | ---: | ---: | ---: | ---:";

    pub(super) fn new(counted: Counters, usage: &Usage, sends: u64) -> Self {
        let each = |count: u64| float(count) / float(sends);
        let hot_percent = (counted.updates > 0)
            .then(|| 100.0 * float(counted.hot_updates) / float(counted.updates));
        Self {
            server_ms: usage.server_ms_each(sends),
            postgres_ms: usage.postgres_ms_each(sends),
            transactions: each(counted.transactions),
            wal_bytes: each(counted.wal_bytes),
            wal_syncs: each(counted.wal_syncs),
            hot_percent,
        }
    }

    /// Cells of a table, below [`HEADS`](Self::HEADS).
    pub(super) fn cells(&self) -> String {
        format!(
            "{} ms | {} ms | {} | {} B | {} | {}",
            number(self.server_ms),
            number(self.postgres_ms),
            number(self.transactions),
            number(self.wal_bytes),
            number(self.wal_syncs),
            self.hot_percent.map_or("–".to_owned(), |share| format!("{} %", number(share)))
        )
    }

    /// The same numbers, with names that start with `load`.
    pub(super) fn figures(&self, load: &str) -> Vec<Figure> {
        let figure =
            |name: &str, unit: &str, value| Figure::new(format!("{load}: {name}"), unit, value);
        let mut figures = vec![
            figure("processor time of the server", "ms/send", self.server_ms),
            figure("processor time of PostgreSQL", "ms/send", self.postgres_ms),
            figure("transactions", "transactions/send", self.transactions),
            figure("WAL", "B/send", self.wal_bytes),
            figure("WAL syncs", "syncs/send", self.wal_syncs),
        ];
        let hot = self.hot_percent;
        figures.extend(hot.map(|share| figure("HOT updates of `conversation`", "%", share)));
        figures
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn counters(scale: u64) -> Counters {
        Counters {
            transactions: 25 * scale,
            wal_bytes: 120_000 * scale,
            wal_syncs: 20 * scale,
            updates: 100 * scale,
            hot_updates: 97 * scale,
        }
    }

    fn usage() -> Usage {
        Usage { elapsed: Duration::from_secs(1), server_s: 0.009, postgres_s: 0.0106, load_s: 0.0 }
    }

    #[test]
    fn what_was_counted_is_divided_by_the_sends() {
        let per_send = PerSend::new(counters(3).since(counters(2)), &usage(), 100);
        let cells = "0.090 ms | 0.106 ms | 0.250 | 1200 B | 0.200 | 97.0 %";
        assert_eq!(per_send.cells(), cells);
        let figures = per_send.figures("sends");
        let units: Vec<&str> = figures.iter().map(|figure| figure.unit.as_str()).collect();
        let expected = ["ms/send", "ms/send", "transactions/send", "B/send", "syncs/send", "%"];
        assert_eq!(units, expected);
        assert_eq!(figures[2].name, "sends: transactions");
    }

    #[test]
    fn without_updates_there_is_no_share_of_them() {
        let counted = Counters { updates: 0, hot_updates: 0, ..counters(1) };
        let per_send = PerSend::new(counted, &usage(), 100);
        assert!(per_send.cells().ends_with("| –"));
        assert_eq!(per_send.figures("sends").len(), 5);
    }

    #[test]
    fn counters_that_were_reset_meanwhile_count_as_nothing() {
        assert_eq!(counters(1).since(counters(2)), counters(0));
    }
}
