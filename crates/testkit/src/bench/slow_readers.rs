//! Some of many clients stop reading under load: what that costs the server, and everybody else.

use std::sync::Arc;

use tokio::{
    task::JoinSet,
    time::{Duration, Instant, MissedTickBehavior, interval, sleep},
};

use super::{
    Percentiles, Plan,
    pairs::{self, Pair},
    usage::rss_kb,
};
use crate::{
    Fault, database,
    server::Server,
    socket::{EndReason, Socket, Stall},
};

/// Messages a second to those who read, over all conversations.
const PER_SECOND: u32 = 200;
/// Long messages to those who are to stop, for each of those.
const LONG_EACH: usize = 3;
/// After the last message, for the last delivery.
const DRAIN_TIME: Duration = Duration::from_secs(2);

/// A reader, a sender, and their conversation.
struct Pairing {
    listener: Socket,
    sender: Arc<Socket>,
    conversation: Arc<str>,
}

/// How the readers fare when all read, when `slow` of `clients` have stopped, and when those are gone.
pub(super) async fn measure(
    plan: &Plan,
    server: &Server,
    clients: usize,
    slow: usize,
) -> Result<String, Fault> {
    let pid = server.pid().ok_or_else(|| Fault::new("the server is gone"))?;
    let mut good = pairings(pairs::connect(server, clients.saturating_sub(2 * slow) / 2).await?);
    if good.is_empty() {
        return Err(Fault::new("nobody is left who reads: fewer must stop"));
    }
    let lazy = pairs::connect_narrow(server, slow).await?;
    // The load is the same throughout.
    let before = phase(plan, &mut good, &lazy).await?;
    let before_kb = rss_kb(pid)?;

    let stalls: Vec<Stall> = lazy.iter().map(|pair| pair.client.stall()).collect();
    let during = phase(plan, &mut good, &lazy).await?;
    let during_kb = rss_kb(pid)?;
    drop(stalls);
    let after = phase(plan, &mut good, &lazy).await?;
    let after_kb = rss_kb(pid)?;
    let closed = closed(lazy).await?;
    Ok(format!(
        "### {slow} of {clients} clients stop reading, {PER_SECOND} messages a second to those who read, {} long ones \
         to those who stop\n\n\
         | from the send to the other side's screen | p50 | p99 | max | server's resident memory |\n\
         | --- | ---: | ---: | ---: | ---: |\n\
         | all read | {} | {before_kb} kB |\n\
         | {slow} do not | {} | {during_kb} kB |\n\
         | they read what is left, or are gone | {} | {after_kb} kB |\n\n\
         Closed by the server meanwhile: {closed} of {slow}.\n",
        usize::try_from(PER_SECOND).unwrap_or_default() * LONG_EACH,
        before.cells(),
        during.cells(),
        after.cells()
    ))
}

fn pairings(pairs: Vec<Pair>) -> Vec<Pairing> {
    let pairing = |Pair { conversation, salon, mut client }: Pair| {
        client.discard_events();
        Pairing { listener: salon, sender: Arc::new(client), conversation }
    };
    pairs.into_iter().map(pairing).collect()
}

/// Speaks to everyone for a while, whether they listen or not.
async fn phase(plan: &Plan, good: &mut [Pairing], lazy: &[Pair]) -> Result<Percentiles, Fault> {
    let mut ticks = interval(Duration::from_secs(1) / PER_SECOND);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let end = Instant::now() + plan.duration;
    let mut sends = JoinSet::new();
    let mut turn = 0;
    while Instant::now() < end {
        let due = ticks.tick().await;
        let pairing = &good[turn % good.len()];
        let (sender, key) = (pairing.sender.clone(), key(due));
        let message = pairs::message(&pairing.conversation, &key);
        sends.spawn(async move { sender.call_ok("send-message", &message).await.map(drop) });
        for pair in lazy.iter().cycle().skip(turn * LONG_EACH % lazy.len().max(1)).take(LONG_EACH) {
            // Nobody waits for these answers.
            let message = pairs::long_message(&pair.conversation, &database::id("m"));
            pair.salon.emit("send-message", &message);
        }
        turn += 1;
    }
    while let Some(sent) = sends.join_next().await {
        sent.map_err(Fault::while_doing("send"))??;
    }
    sleep(DRAIN_TIME).await;
    collect(good)
}

/// What the listeners received, by when each was due.
fn collect(good: &mut [Pairing]) -> Result<Percentiles, Fault> {
    let mut percentiles = Percentiles::new()?;
    for pairing in good {
        for event in pairing.listener.arrived() {
            let content = event.data["content"].as_str().unwrap_or_default();
            if let Some(due) = due(content) {
                percentiles.add(event.at.duration_since(due));
            }
        }
    }
    Ok(percentiles)
}

/// A key that says when its message was due.
fn key(due: Instant) -> String {
    format!("{}-{}", since_start(due).as_micros(), database::id("m"))
}

fn due(content: &str) -> Option<Instant> {
    let micros = content.split_once('-')?.0.parse().ok()?;
    Some(start() + Duration::from_micros(micros))
}

fn since_start(at: Instant) -> Duration {
    at.duration_since(start())
}

fn start() -> Instant {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    *START.get_or_init(Instant::now)
}

/// How many of them the server had closed.
async fn closed(lazy: Vec<Pair>) -> Result<usize, Fault> {
    let mut closed = 0;
    for pair in lazy {
        let Pair { mut salon, mut client, .. } = pair;
        salon.catch_up().await?;
        if let Some(error) = salon.received("error").first() {
            return Err(Fault::new(format!("a long message was refused: {error}")));
        }
        if client.catch_up().await.is_err() && client.ended().await? != EndReason::Left {
            closed += 1;
        }
    }
    Ok(closed)
}
