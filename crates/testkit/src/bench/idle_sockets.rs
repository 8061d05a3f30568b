//! Many authenticated idle sockets: the rate of handshakes, and the memory per socket.

use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::time::{Instant, sleep};

use super::{
    Percentiles, Plan,
    figures::{Figure, Section, float, number},
    launch,
    machine::descriptors,
    per_second,
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

/// Connects `count` sockets and leaves them idle for a while.
pub(super) async fn measure(
    plan: &Plan,
    database: &Database,
    count: usize,
) -> Result<Section, Fault> {
    let descriptors = descriptors(count)?;
    let server = start(plan, database, count).await?;
    let pid = server.pid().ok_or_else(|| Fault::new("the server is gone"))?;
    drop(connect_all(&server, WARM_UP).await?);
    sleep(Duration::from_secs(2)).await;

    let before_kb = rss_kb(pid)?;
    let meter = Meter::new(&server, database).await?;
    let (started, idle) = (Instant::now(), meter.read()?);
    let (sockets, percentiles) = connect_all(&server, count).await?;
    let (elapsed, usage) = (started.elapsed(), meter.since(idle)?);
    let connected_kb = rss_kb(pid)?;
    // Long enough for a heartbeat of each.
    sleep(plan.duration.max(Duration::from_secs(30))).await;
    let idle_kb = rss_kb(pid)?;
    check_connected(&sockets)?;

    let connected = percentiles.count();
    let rate = per_second(connected, elapsed);
    let each_kb = float(idle_kb.saturating_sub(before_kb)) / float(connected);
    let text = format!(
        "### {count} idle sockets, each of a different user, in one process\n\n\
         Descriptors allowed (`ulimit -n`): {descriptors}.\n\n\
         | what | figure |\n| --- | ---: |\n\
         | handshakes, token included, {AT_ONCE} at once | {rate:.0} a second |\n\
         | one handshake: p50, p99, max | {} |\n\
         | one handshake: processor time of the server, of PostgreSQL | {} ms, {} ms |\n\
         | CPU use: server, PostgreSQL, load generator | {} |\n\
         | server's resident memory before | {before_kb} kB |\n\
         | when all are connected | {connected_kb} kB |\n\
         | after a heartbeat of each | {idle_kb} kB |\n\
         | for each socket | **{each_kb:.1} kB** |\n",
        percentiles.cells().replace(" | ", ", "),
        number(usage.server_ms_each(connected)),
        number(usage.postgres_ms_each(connected)),
        usage.cells().replace(" | ", ", "),
    );
    let load = format!("{count} sockets, {AT_ONCE} handshakes at once");
    let mut figures = vec![
        Figure::new(format!("{load}: handshakes"), "handshakes/s", rate),
        Figure::new(format!("{load}: server's memory for each socket"), "kB", each_kb),
    ];
    figures.extend(percentiles.figures(&load));
    figures.extend(usage.figures(&load, connected, "ms/handshake"));
    Ok(Section { text, figures })
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
