//! The database of a development server: the one that was named, or one of its own.

use std::{env, thread};

use xtask::{
    postgres::{Cluster, Durability, Options},
    workspace,
};

use crate::{failure::Failure, interrupt::Interrupt, run};

const MAX_CONNECTIONS: u16 = 100;

/// Where the server keeps its data.
#[derive(Debug)]
pub(super) enum Database {
    /// `DATABASE_URL`; not started or stopped here.
    Named(String),
    /// A private cluster, and its URL.
    Private(Cluster, String),
}

impl Database {
    pub(super) fn url(&self) -> &str {
        match self {
            Self::Named(url) | Self::Private(_, url) => url,
        }
    }

    pub(super) fn stop(self) -> Result<(), Failure> {
        match self {
            Self::Named(_) => Ok(()),
            Self::Private(cluster, _) => Ok(cluster.stop()?),
        }
    }
}

/// Builds the programs while the database starts.
pub(super) fn while_building(once: bool, stop: &Interrupt) -> Result<Database, Failure> {
    thread::scope(|scope| {
        let database = scope.spawn(|| database(once));
        let built = build(once, stop);
        let database = database.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        built.and(database)
    })
}

fn database(once: bool) -> Result<Database, Failure> {
    if let Ok(url) = env::var("DATABASE_URL") {
        return Ok(Database::Named(url));
    }
    let name = if once { "once" } else { "dev" };
    let cluster = Cluster::start(Options {
        directory: workspace::target().join("postgres").join(name),
        durability: Durability::Durable,
        max_connections: MAX_CONNECTIONS,
        ephemeral: once,
    })?;
    let url = cluster.url("postgres");
    Ok(Database::Private(cluster, url))
}

fn build(once: bool, stop: &Interrupt) -> Result<(), Failure> {
    let mut build = workspace::cargo(["build", "-p", "server", "--bin", "messaging-server"]);
    if once {
        build.args(["-p", "testkit", "--bin", "journey"]);
    }
    run::to_end(&mut build, stop)
}
