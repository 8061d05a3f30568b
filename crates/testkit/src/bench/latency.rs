//! Latency at a typical load: a hundred messages a second at fixed times (open loop).

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{
    task::JoinSet,
    time::{Duration, Instant, MissedTickBehavior, interval},
};

use super::{
    Percentiles, Plan, Target, figures::Section, pairs, statistics::PerSend, usage::Usage,
};
use crate::{Fault, database, socket::Socket};

const PAIRS: usize = 16;
const PER_SECOND: u32 = 100;

/// When each undelivered message was due, by its text.
type Due = Arc<Mutex<HashMap<String, Instant>>>;

/// Measures latency from the time a message is due until it is acknowledged, and until it is delivered.
pub(super) async fn measure(plan: &Plan, target: &Target) -> Result<Section, Fault> {
    let Target { server, meter, statistics } = target;
    let due = Due::default();
    let mut listeners = JoinSet::new();
    let mut senders = Vec::new();
    for pair in pairs::connect(server, PAIRS).await? {
        let mut sender = pair.client;
        sender.discard_events();
        senders.push((Arc::new(sender), pair.conversation));
        listeners.spawn(listen(pair.salon, due.clone(), count_for_one(plan, listeners.len())));
    }

    // The warm-up: the listeners ignore messages that are not in `due`.
    send_messages(&senders, &Due::default(), count(plan) / 4).await?;
    let (before, counted) = (meter.read()?, statistics.read().await?);
    let acknowledged = send_messages(&senders, &due, count(plan)).await?;
    let mut seen = Percentiles::new()?;
    while let Some(result) = listeners.join_next().await {
        seen.merge(&result.map_err(Fault::while_doing("listen"))??)?;
    }
    let usage = meter.since(before)?;
    let per_send = statistics.per_send(counted, &usage, acknowledged.count()).await?;
    Ok(section(&acknowledged, &seen, &usage, &per_send))
}

fn section(
    acknowledged: &Percentiles,
    seen: &Percentiles,
    usage: &Usage,
    per_send: &PerSend,
) -> Section {
    let load = format!("{PER_SECOND} sends/s, {PAIRS} pairs, reader watching");
    let text = format!(
        "### Delays at {PER_SECOND} messages a second, {PAIRS} conversations, reader watching\n\n\
         | from the send to | p50 | p99 | max | CPU server | CPU PostgreSQL | CPU load |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n\
         | the acknowledgement | {} | {} |\n\
         | the other side's client | {} | | | |\n\n\
         For each send:\n\n| {} |\n| {} |\n| {} |\n",
        acknowledged.cells(),
        usage.cells(),
        seen.cells(),
        PerSend::HEADS,
        PerSend::RULE,
        per_send.cells()
    );
    let figures = [
        acknowledged.figures(&format!("{load}: acknowledgement")),
        seen.figures(&format!("{load}: arrival")),
        per_send.figures(&load),
    ];
    Section { text, figures: figures.concat() }
}

fn count(plan: &Plan) -> usize {
    let per_second = usize::try_from(PER_SECOND).unwrap_or_default();
    usize::try_from(plan.duration.as_secs()).unwrap_or_default() * per_second
}

/// The number of messages for the listener with this number: senders take turns.
fn count_for_one(plan: &Plan, number: usize) -> usize {
    (count(plan) + PAIRS - 1 - number) / PAIRS
}

async fn send_messages(
    senders: &[(Arc<Socket>, Arc<str>)],
    due: &Due,
    count: usize,
) -> Result<Percentiles, Fault> {
    let mut ticks = interval(Duration::from_secs(1) / PER_SECOND);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut sends = JoinSet::new();
    for (socket, conversation) in senders.iter().cycle().take(count) {
        let tick = ticks.tick().await;
        let message = pairs::message(conversation, &database::id("m"));
        let content = message["content"].as_str().unwrap_or_default().to_owned();
        locked(due).insert(content, tick);
        let socket = socket.clone();
        sends.spawn(async move {
            socket.call_ok("send-message", &message).await?;
            Ok::<_, Fault>(tick.elapsed())
        });
    }
    let mut percentiles = Percentiles::new()?;
    while let Some(taken) = sends.join_next().await {
        percentiles.add(taken.map_err(Fault::while_doing("send"))??);
    }
    Ok(percentiles)
}

async fn listen(mut socket: Socket, due: Due, count: usize) -> Result<Percentiles, Fault> {
    let mut percentiles = Percentiles::new()?;
    while percentiles.count() < u64::try_from(count).unwrap_or_default() {
        let event = socket.next().await;
        let event = event.ok_or_else(|| Fault::new("a listener's socket ended"))?;
        let content = event.data["content"].as_str().unwrap_or_default();
        if let Some(due) = locked(&due).remove(content) {
            percentiles.add(event.at.duration_since(due));
        }
    }
    Ok(percentiles)
}

fn locked(due: &Due) -> MutexGuard<'_, HashMap<String, Instant>> {
    due.lock().unwrap_or_else(PoisonError::into_inner)
}
