//! Some clients stop reading under load: the effect on the server's memory and on the other clients.

use std::sync::Arc;

use tokio::{
    task::JoinSet,
    time::{Duration, Instant, MissedTickBehavior, interval, sleep},
};

use super::{
    Percentiles, Plan,
    figures::{Figure, Section, float},
    pairs::{self, Pair},
    usage::rss_kb,
};
use crate::{
    Fault, database,
    server::Server,
    socket::{EndReason, Socket, Stall},
};

/// Messages a second to the readers, over all conversations.
const PER_SECOND: u32 = 200;
/// Long messages to the slow clients for each of those messages.
const LONG_EACH: usize = 3;
/// Time after the last message, for its delivery.
const DRAIN_TIME: Duration = Duration::from_secs(2);

/// A reader, a sender, and their conversation.
struct ReaderPair {
    listener: Socket,
    sender: Arc<Socket>,
    conversation: Arc<str>,
}

/// Measures the latency of the readers when all clients read, when `slow` of `clients` have stopped, and
/// afterwards.
pub(super) async fn measure(
    plan: &Plan,
    server: &Server,
    clients: usize,
    slow: usize,
) -> Result<Section, Fault> {
    let pid = server.pid().ok_or_else(|| Fault::new("the server is gone"))?;
    let mut readers =
        reader_pairs(pairs::connect(server, clients.saturating_sub(2 * slow) / 2).await?);
    if readers.is_empty() {
        return Err(Fault::new("no reader is left: fewer must stop"));
    }
    let slow_pairs = pairs::connect_narrow(server, slow).await?;
    // The load is the same throughout.
    let before = phase(plan, &mut readers, &slow_pairs).await?;
    let before_kb = rss_kb(pid)?;

    let stalls: Vec<Stall> = slow_pairs.iter().map(|pair| pair.client.stall()).collect();
    let during = phase(plan, &mut readers, &slow_pairs).await?;
    let during_kb = rss_kb(pid)?;
    drop(stalls);
    let after = phase(plan, &mut readers, &slow_pairs).await?;
    let after_kb = rss_kb(pid)?;
    let closed = closed(slow_pairs).await?;
    let load = format!("{slow} of {clients} clients stop reading");
    let mut figures = Vec::new();
    let phases = [
        ("all read", &before, before_kb),
        ("they do not read", &during, during_kb),
        ("they read again", &after, after_kb),
    ];
    for (phase, percentiles, kb) in phases {
        let load = format!("{load}, {phase}");
        figures.extend(percentiles.figures(&load));
        figures.push(Figure::new(format!("{load}: server's memory"), "kB", float(kb)));
    }
    let text = format!(
        "### {slow} of {clients} clients stop reading, {PER_SECOND} messages a second to the readers, {} long ones \
         to the slow clients\n\n\
         | from the send to the other side's client | p50 | p99 | max | server's resident memory |\n\
         | --- | ---: | ---: | ---: | ---: |\n\
         | all clients read | {} | {before_kb} kB |\n\
         | {slow} do not read | {} | {during_kb} kB |\n\
         | they read again, or are disconnected | {} | {after_kb} kB |\n\n\
         Closed by the server: {closed} of {slow}.\n",
        usize::try_from(PER_SECOND).unwrap_or_default() * LONG_EACH,
        before.cells(),
        during.cells(),
        after.cells()
    );
    Ok(Section { text, figures })
}

fn reader_pairs(pairs: Vec<Pair>) -> Vec<ReaderPair> {
    let pair = |Pair { conversation, salon, mut client }: Pair| {
        client.discard_events();
        ReaderPair { listener: salon, sender: Arc::new(client), conversation }
    };
    pairs.into_iter().map(pair).collect()
}

/// Sends messages to readers and slow clients for a while, and collects the readers' latencies.
async fn phase(
    plan: &Plan,
    readers: &mut [ReaderPair],
    slow_pairs: &[Pair],
) -> Result<Percentiles, Fault> {
    let mut ticks = interval(Duration::from_secs(1) / PER_SECOND);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let end = Instant::now() + plan.duration;
    let mut sends = JoinSet::new();
    let mut number = 0;
    while Instant::now() < end {
        let due = ticks.tick().await;
        let pair = &readers[number % readers.len()];
        let (sender, key) = (pair.sender.clone(), key(due));
        let message = pairs::message(&pair.conversation, &key);
        sends.spawn(async move { sender.call_ok("send-message", &message).await.map(drop) });
        for pair in slow_pairs
            .iter()
            .cycle()
            .skip(number * LONG_EACH % slow_pairs.len().max(1))
            .take(LONG_EACH)
        {
            // Without acknowledgement.
            let message = pairs::long_message(&pair.conversation, &database::id("m"));
            pair.salon.emit("send-message", &message);
        }
        number += 1;
    }
    while let Some(sent) = sends.join_next().await {
        sent.map_err(Fault::while_doing("send"))??;
    }
    sleep(DRAIN_TIME).await;
    collect(readers)
}

/// The latencies of the messages the readers received.
fn collect(readers: &mut [ReaderPair]) -> Result<Percentiles, Fault> {
    let mut percentiles = Percentiles::new()?;
    for pair in readers {
        for event in pair.listener.arrived() {
            let content = event.data["content"].as_str().unwrap_or_default();
            if let Some(due) = due(content) {
                percentiles.add(event.at.duration_since(due));
            }
        }
    }
    Ok(percentiles)
}

/// A key that contains the due time of its message.
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

/// The number of slow clients that the server has disconnected.
async fn closed(slow_pairs: Vec<Pair>) -> Result<usize, Fault> {
    let mut closed = 0;
    for pair in slow_pairs {
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
