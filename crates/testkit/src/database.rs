//! A database for one test, and a look into it.

use std::{env, thread};

use tokio::runtime;
use tokio_postgres::{Client, Config, NoTls};
use uuid::Uuid;
use xtask::{
    postgres::{ClusterError, Durability, Options, Pooler},
    workspace,
};

use crate::Fault;

pub use xtask::postgres::{Cluster, StartupOptions};

/// An empty database that goes away with this value.
#[derive(Debug)]
pub struct Database {
    cluster: String,
    name: String,
}

impl Database {
    /// A fresh database in the cluster that `cargo xtask test` has started.
    ///
    /// # Errors
    /// When it cannot be created.
    ///
    /// # Panics
    /// When `TEST_DATABASE_URL` does not say where that cluster is.
    pub async fn fresh() -> Result<Self, Fault> {
        let cluster = env::var("TEST_DATABASE_URL").ok();
        let cluster =
            cluster.expect("TEST_DATABASE_URL is not set: run the tests with `cargo xtask test`");
        Self::create(&cluster).await
    }

    /// A fresh database in the cluster whose superuser connects with this URL.
    ///
    /// # Errors
    /// When it cannot be created.
    pub async fn create(cluster: &str) -> Result<Self, Fault> {
        let database = Self { cluster: cluster.to_owned(), name: id("testkit").replace('-', "_") };
        execute(cluster, &format!("CREATE DATABASE {}", database.name)).await?;
        Ok(database)
    }

    /// Where it is.
    pub fn url(&self) -> String {
        let (server, query) = self.cluster.split_once('?').unwrap_or((&self.cluster, ""));
        let server = server.rsplit_once('/').map_or(server, |(server, _)| server);
        match query {
            "" => format!("{server}/{}", self.name),
            query => format!("{server}/{}?{query}", self.name),
        }
    }

    /// A connection to it.
    ///
    /// # Errors
    /// When there is none.
    pub async fn client(&self) -> Result<Client, Fault> {
        connect(&self.url()).await
    }

    /// One text for everything that is stored: it changes whenever a row of any table of the service
    /// does.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn digest(&self) -> Result<String, Fault> {
        let client = self.client().await?;
        let tables = client
            .query(
                "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
                 WHERE schemaname = 'messaging' ORDER BY 1",
                &[],
            )
            .await
            .map_err(Fault::while_doing("list the tables"))?;
        if tables.is_empty() {
            return Err(Fault::new("there are no tables to digest"));
        }
        let mut digest = Vec::new();
        for table in tables {
            let table: String = table.get(0);
            let sql = format!(
                "SELECT md5(coalesce(string_agg(r::text, ',' ORDER BY r::text), '')) FROM {table} r"
            );
            let row = client
                .query_one(&sql, &[])
                .await
                .map_err(Fault::while_doing(format!("digest {table}")))?;
            let sum: String = row.get(0);
            digest.push(format!("{table}={sum}"));
        }
        Ok(digest.join(" "))
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let cluster = self.cluster.clone();
        // A thread of its own: this one may be serving a runtime, which must not be blocked on another.
        let dropping = thread::spawn(move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.map_err(Fault::while_doing("start a runtime"))?;
            runtime.block_on(execute(&cluster, &sql))
        });
        // A database left behind goes with its cluster, which may be down by now: nothing to report.
        dropping.join().ok();
    }
}

/// Connects to the database with this URL.
///
/// # Errors
/// When there is no connection.
pub async fn connect(url: &str) -> Result<Client, Fault> {
    let (client, connection) = tokio_postgres::connect(url, NoTls)
        .await
        .map_err(Fault::while_doing("connect to the database"))?;
    // Its failures come back from the queries it fails.
    tokio::spawn(connection);
    Ok(client)
}

async fn execute(url: &str, sql: &str) -> Result<(), Fault> {
    let client = connect(url).await?;
    client.batch_execute(sql).await.map_err(Fault::while_doing("run SQL"))
}

// PostgreSQL clusters that a test may kill.

const CONNECTIONS_MAX: u16 = 60;

/// A cluster of one's own, where a commit is on disk as in production. Goes away with the value.
///
/// # Errors
/// When it does not start.
pub fn durable(name: &str) -> Result<Cluster, Fault> {
    Cluster::start(Options {
        directory: workspace::target().join("postgres").join(name),
        durability: Durability::Durable,
        max_connections: CONNECTIONS_MAX,
        ephemeral: true,
    })
    .map_err(Fault::while_doing("start a cluster"))
}

/// Kills every process of a cluster at once, then starts it again on the same port; meanwhile everybody
/// else goes on.
///
/// # Errors
/// When it does not come back.
pub async fn power_cut(mut cluster: Cluster) -> Result<Cluster, Fault> {
    let cut = tokio::task::spawn_blocking(move || {
        cluster.kill_9()?;
        cluster.restart()?;
        Ok::<_, ClusterError>(cluster)
    });
    cut.await
        .map_err(Fault::while_doing("wait for the cluster"))?
        .map_err(Fault::while_doing("cut the cluster's power"))
}

// Connection poolers in front of the tests' cluster.

/// A pooler in transaction mode, and where it leads to.
#[derive(Debug)]
pub struct Pooled {
    pooler: Pooler,
    database: String,
}

impl Pooled {
    /// One in front of `database`.
    ///
    /// # Errors
    /// When there is no `pgbouncer`, or it does not start.
    pub fn before(database: &Database, options: StartupOptions) -> Result<Self, Fault> {
        let config: Config =
            database.url().parse().map_err(Fault::while_doing("read the address of a database"))?;
        let port = config.get_ports().first().copied().unwrap_or(5432);
        let name = config.get_dbname().unwrap_or("postgres").to_owned();
        let directory = workspace::target().join("pgbouncer").join(id("pooler"));
        let pooler = Pooler::start(&directory, port, options);
        let pooler = pooler.map_err(Fault::while_doing("start a connection pooler"))?;
        Ok(Self { pooler, database: name })
    }

    /// Where the database is, through the pooler.
    pub fn url(&self) -> String {
        self.pooler.url(&self.database)
    }
}

// Unique names.

/// A name that starts with `prefix` and is new on every call, on every run.
#[expect(
    clippy::disallowed_methods,
    reason = "the test kit is outside the service, whose ports it cannot reach"
)]
pub fn id(prefix: &str) -> String {
    format!("{prefix}-{}", Uuid::now_v7().simple())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_names_the_database_and_keeps_the_parameters() {
        let database =
            |cluster: &str| Database { cluster: cluster.to_owned(), name: "d".to_owned() };
        let table = [
            ("postgres://p@h:1/postgres", "postgres://p@h:1/d"),
            ("postgres://p@h:1/postgres?sslmode=disable", "postgres://p@h:1/d?sslmode=disable"),
        ];
        for (cluster, url) in table {
            let database = std::mem::ManuallyDrop::new(database(cluster));
            assert_eq!(database.url(), url);
        }
    }
}
