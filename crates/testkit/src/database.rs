//! Databases and PostgreSQL clusters for tests.

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

/// A database that is dropped with this value.
#[derive(Debug)]
pub struct Database {
    cluster: String,
    name: String,
}

impl Database {
    /// Creates a database in the cluster started by `cargo xtask test`.
    ///
    /// # Errors
    /// When it cannot be created.
    ///
    /// # Panics
    /// When `TEST_DATABASE_URL` is not set.
    pub async fn fresh() -> Result<Self, Fault> {
        let cluster = env::var("TEST_DATABASE_URL").ok();
        let cluster =
            cluster.expect("TEST_DATABASE_URL is not set: run the tests with `cargo xtask test`");
        Self::create(&cluster).await
    }

    /// Creates a database in the cluster with this superuser URL.
    ///
    /// # Errors
    /// When it cannot be created.
    pub async fn create(cluster: &str) -> Result<Self, Fault> {
        let database = Self { cluster: cluster.to_owned(), name: id("testkit").replace('-', "_") };
        execute(cluster, &format!("CREATE DATABASE {}", database.name)).await?;
        Ok(database)
    }

    /// Its URL.
    pub fn url(&self) -> String {
        let (server, query) = self.cluster.split_once('?').unwrap_or((&self.cluster, ""));
        let server = server.rsplit_once('/').map_or(server, |(server, _)| server);
        match query {
            "" => format!("{server}/{}", self.name),
            query => format!("{server}/{}?{query}", self.name),
        }
    }

    /// Opens a connection to it.
    ///
    /// # Errors
    /// When it cannot connect.
    pub async fn client(&self) -> Result<Client, Fault> {
        connect(&self.url()).await
    }

    /// Sets `lc_messages` so that new sessions are answered in French. The cluster must be one of
    /// [`french`]. Returns false, and changes nothing, if this PostgreSQL was installed without its
    /// French translation: then no setting makes it answer in French.
    ///
    /// # Errors
    /// When it has the translation and answers in another language all the same.
    pub async fn answer_in_french(&self) -> Result<bool, Fault> {
        let client = self.client().await?;
        let installed = client.query_one(FRENCH_IS_INSTALLED, &[]).await;
        let installed = installed.map_err(Fault::while_doing("look for translations"))?;
        if !installed.get::<_, bool>(0) {
            return Ok(false);
        }
        for locale in FRENCH_LOCALES {
            // A locale that the system does not have is refused.
            let set = format!(
                "DO $$ BEGIN
                    EXECUTE format('ALTER DATABASE %I SET lc_messages = {locale:?}', current_database());
                END $$"
            );
            if client.batch_execute(&set).await.is_err() {
                continue;
            }
            let answer = self.client().await?.batch_execute("SELECT 1 / 0").await;
            let answer =
                answer.err().and_then(|error| Some(error.as_db_error()?.message().to_owned()));
            if answer.as_deref() == Some("division par zéro") {
                return Ok(true);
            }
        }
        Err(Fault::new("PostgreSQL has its French translation and does not answer in French"))
    }

    /// A digest of all rows of the service's tables.
    ///
    /// # Errors
    /// When a query fails.
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
        // On a separate thread: the current one may be running a runtime, which cannot block on another.
        let dropping = thread::spawn(move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.map_err(Fault::while_doing("start a runtime"))?;
            runtime.block_on(execute(&cluster, &sql))
        });
        // Errors are ignored: the cluster may be down already, and a leftover database goes with it.
        dropping.join().ok();
    }
}

/// Whether the translation is where PostgreSQL looks for it.
const FRENCH_IS_INSTALLED: &str = "SELECT (pg_stat_file(format(
        '%s/fr/LC_MESSAGES/postgres-%s.mo', setting,
        current_setting('server_version_num')::integer / 10000
    ), true)).size IS NOT NULL
    FROM pg_config WHERE name = 'LOCALEDIR'";

/// What may lead to French: a French locale, or any one whose language `LANGUAGE` decides.
const FRENCH_LOCALES: [&str; 3] = ["fr_FR.UTF-8", "C.UTF-8", "en_US.UTF-8"];

/// Connects to the database with this URL.
///
/// # Errors
/// When there is no connection.
pub async fn connect(url: &str) -> Result<Client, Fault> {
    let (client, connection) = tokio_postgres::connect(url, NoTls)
        .await
        .map_err(Fault::while_doing("connect to the database"))?;
    // Connection errors are reported by the queries.
    tokio::spawn(connection);
    Ok(client)
}

async fn execute(url: &str, sql: &str) -> Result<(), Fault> {
    let client = connect(url).await?;
    client.batch_execute(sql).await.map_err(Fault::while_doing("run SQL"))
}

// Separate PostgreSQL clusters, for tests that kill them.

const CONNECTIONS_MAX: u16 = 60;

/// Starts a separate cluster with durable commits, as in production. Removed with the value.
///
/// # Errors
/// When it does not start.
pub fn durable(name: &str) -> Result<Cluster, Fault> {
    let cluster = Cluster::start(options(name, Durability::Durable));
    cluster.map_err(Fault::while_doing("start a cluster"))
}

/// Starts a separate cluster for databases that [answer in French](Database::answer_in_french).
/// Removed with the value.
///
/// # Errors
/// When it does not start.
pub fn french(name: &str) -> Result<Cluster, Fault> {
    let cluster = Cluster::start_translated(options(name, Durability::Fast), "fr");
    cluster.map_err(Fault::while_doing("start a cluster"))
}

fn options(name: &str, durability: Durability) -> Options {
    Options {
        directory: workspace::target().join("postgres").join(name),
        durability,
        max_connections: CONNECTIONS_MAX,
        ephemeral: true,
    }
}

/// Kills all processes of a cluster, then restarts it on the same port, without blocking the runtime.
///
/// # Errors
/// When it does not restart.
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

/// A pooler in transaction mode in front of a database.
#[derive(Debug)]
pub struct Pooled {
    pooler: Pooler,
    database: String,
}

impl Pooled {
    /// Starts a pooler in front of `database`.
    ///
    /// # Errors
    /// When `pgbouncer` is missing or does not start.
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

    /// The URL of the database through the pooler.
    pub fn url(&self) -> String {
        self.pooler.url(&self.database)
    }
}

// Unique names.

/// A globally unique name that starts with `prefix`.
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
