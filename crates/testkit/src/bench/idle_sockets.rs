//! Many authenticated idle sockets: the rate of handshakes, and the memory per socket.

use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::time::{Instant, sleep};
use xtask::process::output_of;

use super::{
    Percentiles, Plan, launch,
    usage::{Meter, rss_kb},
};
use crate::{
    Fault,
    database::{self, Database},
    person::{self, Person},
    server::Server,
    socket::Socket,
};

/// Concurrent handshakes.
const AT_ONCE: usize = 64;
/// Sockets connected and dropped first, so that one-time allocations are not measured.
const WARM_UP: usize = AT_ONCE;
/// File descriptors a process has open besides its sockets.
const OTHER_DESCRIPTORS: usize = 200;

/// Connects `count` sockets and leaves them idle for a while.
pub(super) async fn measure(
    plan: &Plan,
    database: &Database,
    count: usize,
) -> Result<String, Fault> {
    let descriptors = descriptors(count)?;
    let server = start(plan, database, count).await?;
    let pid = server.pid().ok_or_else(|| Fault::new("the server is gone"))?;
    drop(connect_all(&server, WARM_UP).await?);
    sleep(Duration::from_secs(2)).await;

    let before_kb = rss_kb(pid)?;
    let meter = Meter::new(&server, database).await?;
    let (started, idle) = (Instant::now(), meter.read()?);
    let (sockets, percentiles) = connect_all(&server, count).await?;
    let (elapsed, shares) = (started.elapsed(), meter.cells_since(idle)?);
    let connected_kb = rss_kb(pid)?;
    // Long enough for a heartbeat of each.
    sleep(plan.duration.max(Duration::from_secs(30))).await;
    let idle_kb = rss_kb(pid)?;
    check_connected(&sockets)?;
    Ok(format!(
        "### {count} idle sockets, each of a different user, in one process\n\n\
         Descriptors allowed (`ulimit -n`): {descriptors}.\n\n\
         | what | figure |\n| --- | ---: |\n\
         | handshakes, token included, {AT_ONCE} at once | {:.0} a second |\n\
         | one handshake: p50, p99, max | {} |\n\
         | CPU use: server, PostgreSQL, load generator | {} |\n\
         | server's resident memory before | {before_kb} kB |\n\
         | when all are connected | {connected_kb} kB |\n\
         | after a heartbeat of each | {idle_kb} kB |\n\
         | for each socket | **{:.1} kB** |\n",
        each(count, elapsed.as_secs_f64()),
        percentiles.cells().replace(" | ", ", "),
        shares.replace(" | ", ", "),
        each(usize::try_from(idle_kb.saturating_sub(before_kb)).unwrap_or_default(), whole(count)),
    ))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of sockets and kilobytes are far below 2^52"
)]
fn whole(count: usize) -> f64 {
    count as f64
}

fn each(amount: usize, parts: f64) -> f64 {
    whole(amount) / parts
}

async fn start(plan: &Plan, database: &Database, count: usize) -> Result<Server, Fault> {
    let all = (count + WARM_UP).to_string();
    Server::start(launch(plan, database).with("REALTIME_SESSIONS_MAX", &all)).await
}

async fn connect_all(server: &Server, count: usize) -> Result<(Vec<Socket>, Percentiles), Fault> {
    let tokens = (0..count).map(|_| {
        let person = Person::new(&database::id("client"), "client");
        person::mint(server.secret(), &person, person::LIFETIME_S)
    });
    let tokens = tokens.collect::<Result<Vec<_>, _>>()?;
    let url = server.url();
    let connected: Vec<_> = stream::iter(tokens)
        .map(|token| connect(url.clone(), token))
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    let mut percentiles = Percentiles::new()?;
    let sockets = connected.into_iter().map(|(socket, taken)| {
        percentiles.add(taken);
        socket
    });
    Ok((sockets.collect(), percentiles))
}

async fn connect(url: String, token: String) -> Result<(Socket, Duration), Fault> {
    let started = Instant::now();
    let mut socket = Socket::connect(&url, &token).await?;
    socket.discard_events();
    Ok((socket, started.elapsed()))
}

fn check_connected(sockets: &[Socket]) -> Result<(), Fault> {
    let gone = sockets.iter().filter(|socket| socket.is_over()).count();
    crate::fault::same("sockets that ended", gone, 0)
}

/// The limit of file descriptors, checked to be sufficient.
fn descriptors(count: usize) -> Result<String, Fault> {
    let limit = output_of("sh", &["-c", "ulimit -n"]).unwrap_or_default();
    let enough = limit.parse().map_or(true, |limit: usize| limit >= count + OTHER_DESCRIPTORS);
    if enough {
        return Ok(limit);
    }
    Err(Fault::new(format!(
        "{count} sockets need more descriptors than {limit}: `ulimit -n` first"
    )))
}
