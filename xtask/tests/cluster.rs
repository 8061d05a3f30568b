//! A real PostgreSQL through its whole life. What answers on its port is asked in its own protocol.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use xtask::{
    poll,
    postgres::{Cluster, ClusterError, Durability, Options},
    process::{self, Signal},
    workspace,
};

const TIMEOUT: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(20);

fn options(name: &str) -> Options {
    Options {
        directory: workspace::target().join("postgres").join(name),
        durability: Durability::Fast,
        max_connections: 10,
        ephemeral: true,
    }
}

fn port(cluster: &Cluster) -> u16 {
    port_in(&cluster.url("postgres"))
}

fn port_in(url: &str) -> u16 {
    let port = url.strip_prefix("postgres://postgres@127.0.0.1:");
    let port = port.and_then(|rest| rest.strip_suffix("/postgres"));
    port.and_then(|port| port.parse().ok()).expect("a port in the URL")
}

/// PostgreSQL answers a wish for TLS with one letter: `N`, as it has none.
fn answers(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else {
        return false;
    };
    let mut letter = [0];
    stream.write_all(&[0, 0, 0, 8, 4, 210, 22, 47]).is_ok()
        && stream.read_exact(&mut letter).is_ok()
        && letter == *b"N"
}

#[test]
fn a_started_cluster_answers_and_a_stopped_one_leaves_nothing() {
    let options = options("test-life");
    let cluster = Cluster::start(options.clone()).expect("a cluster");
    let port = port(&cluster);
    assert!(answers(port));

    cluster.stop().expect("a clean end");
    assert!(!answers(port));
    assert!(!options.directory.exists());
}

#[test]
fn a_killed_cluster_comes_back_on_its_port() {
    let mut cluster = Cluster::start(options("test-kill")).expect("a cluster");
    let port = port(&cluster);

    cluster.kill_9().expect("a kill");
    assert!(!answers(port));

    cluster.restart().expect("a recovery");
    assert_eq!(self::port(&cluster), port);
    assert!(answers(port));
}

#[test]
fn a_directory_in_use_is_refused() {
    let _first = Cluster::start(options("test-busy")).expect("a cluster");
    let second = Cluster::start(options("test-busy"));
    assert!(matches!(second, Err(ClusterError::Busy(_))));
}

#[test]
fn what_is_kept_is_found_again() {
    let kept = Options { ephemeral: false, ..options("test-kept") };
    Cluster::start(kept.clone()).expect("a cluster").stop().expect("a clean end");
    let marker = data(&kept).join("marker");
    fs::write(&marker, "here").expect("a file");

    let again = Cluster::start(kept.clone()).expect("the same cluster");
    assert!(marker.exists());
    drop(again);

    Cluster::start(options("test-kept")).expect("an empty cluster").stop().expect("a clean end");
    assert!(!marker.exists());
}

#[test]
fn a_cluster_ends_with_its_killed_owner() {
    let mut owner = Owner::start("test-guard");
    assert!(answers(owner.port));

    owner.process.kill().expect("a kill");
    let silent = poll::until(TIMEOUT, PAUSE, || Ok::<_, ()>((!answers(owner.port)).then_some(())));
    assert_eq!(silent, Ok(Some(())));
    drop(Cluster::start(options("test-guard")));
}

#[test]
fn an_orphan_is_replaced() {
    let mut owner = Owner::start("test-orphan");
    owner.kill_guard();
    owner.process.kill().expect("a kill");
    owner.process.wait().expect("an end");
    assert!(answers(owner.port), "it should have been orphaned");

    let cluster = Cluster::start(options("test-orphan")).expect("a cluster");
    assert!(answers(port(&cluster)));
    assert!(port(&cluster) == owner.port || !answers(owner.port));
}

#[test]
fn a_stale_pid_file_that_names_another_program_is_no_obstacle() {
    let kept = Options { ephemeral: false, ..options("test-stale") };
    Cluster::start(kept.clone()).expect("a cluster").stop().expect("a clean end");
    let stale = format!("{}\n/elsewhere\n", std::process::id());
    fs::write(data(&kept).join("postmaster.pid"), stale).expect("a file");

    let cluster = Cluster::start(kept).expect("a cluster");
    assert!(answers(port(&cluster)));
    drop(cluster);
    drop(Cluster::start(options("test-stale")));
}

/// Another process with a cluster: `cargo xtask postgres`.
struct Owner {
    process: Child,
    port: u16,
}

impl Owner {
    fn start(name: &str) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_xtask"))
            .args(["postgres", name])
            .stdout(Stdio::piped())
            .spawn()
            .expect("our own program");
        let mut url = String::new();
        let output = process.stdout.take().expect("a pipe");
        BufReader::new(output).read_line(&mut url).expect("a line");
        let port = port_in(url.trim());
        Self { process, port }
    }

    /// Kills the shell that would end the cluster, so that nothing does.
    fn kill_guard(&self) {
        let children = process::children(self.process.id());
        let guard = children.into_iter().find(|child| {
            process::command_line(*child).is_some_and(|line| line.starts_with("sh "))
        });
        assert!(process::send(Signal::Kill, guard.expect("a guard")).expect("a shell"));
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

fn data(options: &Options) -> PathBuf {
    fs::read_dir(&options.directory)
        .expect("the cluster's directory")
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.join("PG_VERSION").exists())
        .expect("its data")
}
