//! `cargo xtask postgres`: only a private database, for tools and for inspection.

use xtask::{
    postgres::{Cluster, Durability, Options},
    workspace,
};

use crate::{failure::Failure, interrupt::Interrupt};

/// Connections for people and their tools.
const MAX_CONNECTIONS: u16 = 100;

/// Starts it, prints its URL, and stops it on Ctrl-C.
pub(crate) fn run(arguments: &[String], stop: &Interrupt) -> Result<(), Failure> {
    let name = match arguments {
        [] => "scratch",
        [name] if is_plain(name) => name,
        _ => return Err(Failure::Usage("`postgres` takes one plain name".into())),
    };
    let cluster = Cluster::start(Options {
        directory: workspace::target().join("postgres").join(name),
        durability: Durability::Durable,
        max_connections: MAX_CONNECTIONS,
        ephemeral: false,
    })?;
    println!("{}", cluster.url("postgres"));
    match stop.until(|| Ok(None::<()>)) {
        Err(Failure::Interrupted) => Ok(cluster.stop()?),
        other => other,
    }
}

fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_below_the_target_folder() {
        assert!(is_plain("scratch-2"));
        assert!(!is_plain("../dev") && !is_plain("/tmp") && !is_plain(""));
    }
}
