//! PostgreSQL clusters that a test may kill.

pub use xtask::postgres::Cluster;
use xtask::{
    postgres::{ClusterError, Durability, Options},
    workspace,
};

use crate::Fault;

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
