//! Connection poolers in front of the tests' cluster.

use tokio_postgres::Config;
pub use xtask::postgres::StartupOptions;
use xtask::{postgres::Pooler, workspace};

use crate::{Fault, database::Database, fresh};

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
        let directory = workspace::target().join("pgbouncer").join(fresh::id("pooler"));
        let pooler = Pooler::start(&directory, port, options);
        let pooler = pooler.map_err(Fault::while_doing("start a connection pooler"))?;
        Ok(Self { pooler, database: name })
    }

    /// Where the database is, through the pooler.
    pub fn url(&self) -> String {
        self.pooler.url(&self.database)
    }
}
