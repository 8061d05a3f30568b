//! Connections that send one good request and half of the next: as many as two processes can hold, opened
//! again whenever the server closes them.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use futures_util::future::join_all;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    process::Command,
    time::{Instant, interval, sleep, timeout, timeout_at},
};
use xtask::process::output_of;

use super::findings::{Findings, Size};
use crate::{Fault, database, person::Person, rest::Rest, socket::Socket, test_app::TestApp};

const CONNECTIONS: usize = 19_000;
const CONNECTIONS_SHORT: usize = 200;
const PROCESSES: usize = 2;
/// Descriptors that a process has open besides its connections.
const OTHER_DESCRIPTORS: usize = 500;
const FULL: Duration = Duration::from_secs(40);
const SHORT: Duration = Duration::from_secs(8);

const GOOD: &[u8] = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n";
const HALF: &[u8] = b"GET /messaging/conversations HTTP/1.1\r\nHost: loc";
/// How long a connection that was refused waits before it is opened again.
const PAUSE: Duration = Duration::from_secs(1);
/// How long a connection may take to be accepted and answered.
const PATIENCE: Duration = Duration::from_secs(5);

/// What became of connections.
#[derive(Clone, Copy, Debug, Default)]
pub struct Held {
    /// The most that were answered and open at one time.
    pub most: usize,
    /// Those that were answered.
    pub answered: usize,
    /// Those that the server closed after that.
    pub closed: usize,
}

/// Keeps `count` connections to `to` half open for `time`.
pub async fn hold(to: SocketAddr, count: usize, time: Duration) -> Held {
    let (end, counts) = (Instant::now() + time, Arc::new(Counts::default()));
    join_all((0..count).map(|_| one_after_another(to, end, &counts))).await;
    let Counts { most, answered, closed, .. } = &*counts;
    let [most, answered, closed] = [most, answered, closed].map(|count| count.load(Relaxed));
    Held { most, answered, closed }
}

#[derive(Debug, Default)]
struct Counts {
    open: AtomicUsize,
    most: AtomicUsize,
    answered: AtomicUsize,
    closed: AtomicUsize,
}

async fn one_after_another(to: SocketAddr, end: Instant, counts: &Counts) {
    while Instant::now() < end {
        let patience = end.min(Instant::now() + PATIENCE);
        let Ok(Ok(mut connection)) = timeout_at(patience, half_open(to)).await else {
            timeout_at(end, sleep(PAUSE)).await.ok();
            continue;
        };
        counts.answered.fetch_add(1, Relaxed);
        let open = counts.open.fetch_add(1, Relaxed) + 1;
        counts.most.fetch_max(open, Relaxed);
        let mut ignored = [0; 256];
        let closed = async { while matches!(connection.read(&mut ignored).await, Ok(1..)) {} };
        if timeout_at(end, closed).await.is_ok() {
            counts.closed.fetch_add(1, Relaxed);
        }
        counts.open.fetch_sub(1, Relaxed);
    }
}

/// A connection with one answered request and half of another.
async fn half_open(to: SocketAddr) -> std::io::Result<TcpStream> {
    let mut connection = TcpStream::connect(to).await?;
    connection.write_all(GOOD).await?;
    let mut answer = [0; 1024];
    if connection.read(&mut answer).await? == 0 {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    connection.write_all(HALF).await?;
    Ok(connection)
}

pub(super) async fn run(size: Size<'_>, app: &TestApp) -> Result<Findings, Fault> {
    let to = app.server.address();
    let mut findings = Findings::default();
    let (held, newcomers) = match size {
        Size::Short => {
            let holding = hold(to, CONNECTIONS_SHORT, SHORT);
            tokio::join!(async { Ok(holding.await) }, newcomers(app, SHORT))
        }
        Size::Full { program } => {
            let count = allowed();
            findings.note("connections tried at once", count);
            tokio::join!(in_processes(program, to, count), newcomers(app, FULL))
        }
    };
    let (held, newcomers) = (held?, newcomers?);
    findings.note("answered and open at once", held.most);
    findings.note("answered in all", held.answered);
    // Each is closed at the deadline of its head, so none outlives another.
    findings.at_least("closed by the server", held.closed, 1);
    findings.at_least("newcomers", newcomers.tried, 5);
    findings.exactly("newcomers who did not get in", newcomers.failed, 0);
    findings.note("longest that a newcomer took, ms", newcomers.longest.as_millis());
    Ok(findings)
}

/// As many connections as the descriptor limit leaves the server, if they are fewer than should be tried.
fn allowed() -> usize {
    let limit =
        output_of("sh", &["-c", "ulimit -Hn"]).and_then(|limit| limit.parse::<usize>().ok());
    limit.map_or(CONNECTIONS, |limit| CONNECTIONS.min(limit.saturating_sub(OTHER_DESCRIPTORS)))
}

/// Holds the connections in processes of their own: `PROGRAM --server - hold ADDRESS COUNT SECONDS`.
async fn in_processes(program: &Path, to: SocketAddr, count: usize) -> Result<Held, Fault> {
    let (each, seconds) = ((count / PROCESSES).to_string(), FULL.as_secs().to_string());
    let processes = (0..PROCESSES).map(async |_| {
        let mut command = Command::new(program);
        command.args(["--server", "-", "hold", &to.to_string(), &each, &seconds]);
        let output = command.stderr(Stdio::inherit()).kill_on_drop(true).output().await;
        let output = output.map_err(Fault::while_doing("hold connections"))?;
        Held::parse(&String::from_utf8_lossy(&output.stdout))
    });
    let mut all = Held::default();
    for held in join_all(processes).await {
        let held = held?;
        all.most += held.most;
        all.answered += held.answered;
        all.closed += held.closed;
    }
    Ok(all)
}

impl Held {
    /// As a process says it.
    pub fn line(&self) -> String {
        format!("{} {} {}", self.most, self.answered, self.closed)
    }

    fn parse(line: &str) -> Result<Self, Fault> {
        let numbers: Vec<usize> = line.split_whitespace().flat_map(str::parse).collect();
        match numbers[..] {
            [most, answered, closed] => Ok(Self { most, answered, closed }),
            _ => Err(Fault::new(format!("a process that holds connections said: {line}"))),
        }
    }
}

// Newcomers from elsewhere.

#[derive(Clone, Copy, Debug, Default)]
struct Newcomers {
    tried: usize,
    failed: usize,
    longest: Duration,
}

const NEWCOMER_INTERVAL: Duration = Duration::from_millis(500);
/// How long a newcomer may take to get in.
const NEWCOMER_PATIENCE: Duration = Duration::from_secs(10);

/// Somebody new comes every now and then, from one of several addresses, with a request and a socket.
async fn newcomers(app: &TestApp, time: Duration) -> Result<Newcomers, Fault> {
    let (end, mut ticks) = (Instant::now() + time, interval(NEWCOMER_INTERVAL));
    let mut newcomers = Newcomers::default();
    for address in (2..250).cycle() {
        let due = ticks.tick().await;
        if due >= end {
            break;
        }
        let entered = timeout(NEWCOMER_PATIENCE, enter(app, Ipv4Addr::new(127, 0, 0, address)));
        newcomers.tried += 1;
        newcomers.failed += usize::from(!matches!(entered.await, Ok(Ok(()))));
        newcomers.longest = newcomers.longest.max(due.elapsed());
    }
    Ok(newcomers)
}

async fn enter(app: &TestApp, address: Ipv4Addr) -> Result<(), Fault> {
    let (url, person) = (app.server.url(), Person::new(&database::id("client"), "client"));
    let token = app.token(&person)?;
    let rest = Rest::from_address(&url, address.into())?.with_token(&token);
    rest.get("/messaging/conversations").await?.expect(200)?;
    drop(Socket::connect_from(address.into(), &url, &token).await?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_says_what_became_of_its_connections() {
        let held = Held { most: 1, answered: 3, closed: 2 };
        let read = Held::parse(&format!("{}\n", held.line())).expect("three numbers");
        assert_eq!((read.most, read.answered, read.closed), (1, 3, 2));
        assert!(Held::parse("1 2").is_err());
    }
}
