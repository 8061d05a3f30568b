//! Throughput of durable sends with a constant number of messages in flight (closed loop).

use std::{iter, sync::Arc};

use tokio::{
    task::JoinSet,
    time::{Duration, Instant},
};

use super::{Percentiles, Plan, millis, pairs, usage::Meter};
use crate::{Fault, database, server::Server, socket::Socket};

const PAIRS: usize = 32;
/// Messages in flight, spread over all sockets.
const LOADS: [usize; 8] = [8, 16, 32, 64, 128, 256, 512, 1_024];
/// Maximum 99th percentile for the headline figure.
const P99_MAX: Duration = Duration::from_millis(100);

/// A socket and its conversation.
type Sender = (Arc<Socket>, Arc<str>);

/// One row of the table.
struct Row {
    in_flight: usize,
    rate: f64,
    percentiles: Percentiles,
    cpu: String,
}

/// Measures acknowledged sends a second at several loads.
pub(super) async fn measure(plan: &Plan, server: &Server, meter: &Meter) -> Result<String, Fault> {
    let senders = senders(server).await?;
    let mut rows = Vec::new();
    for in_flight in LOADS {
        send_load(&senders, in_flight, plan.duration / 4).await?;
        let before = meter.read()?;
        let started = Instant::now();
        let percentiles = send_load(&senders, in_flight, plan.duration).await?;
        rows.push(Row {
            in_flight,
            rate: per_second(percentiles.count(), started.elapsed()),
            percentiles,
            cpu: meter.cells_since(before)?,
        });
    }
    Ok(report(senders.len(), &rows))
}

fn report(sockets: usize, rows: &[Row]) -> String {
    let title =
        format!("### Durable sends, {sockets} sockets in {PAIRS} conversations, both sides joined");
    let head = "| in flight | acknowledged/s | p50 | p99 | max | CPU server | CPU PostgreSQL | CPU load |\n\
                | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |";
    let cells = |row: &Row| {
        let Row { in_flight, rate, percentiles, cpu } = row;
        format!("| {in_flight} | {rate:.0} | {} | {cpu} |", percentiles.cells())
    };
    let lines: Vec<String> =
        iter::once(format!("{title}\n\n{head}")).chain(rows.iter().map(cells)).collect();
    format!("{}\n\n{}\n", lines.join("\n"), headline(rows))
}

fn headline(rows: &[Row]) -> String {
    let limit = millis(P99_MAX);
    let best = rows
        .iter()
        .filter(|row| row.percentiles.quantile(0.99) <= P99_MAX)
        .max_by(|one, other| one.rate.total_cmp(&other.rate));
    match best {
        Some(best) => format!("Most with a p99 within {limit}: **{:.0} a second**.", best.rate),
        None => format!("No load had a p99 within {limit}."),
    }
}

async fn senders(server: &Server) -> Result<Vec<Sender>, Fault> {
    let pairs = pairs::connect(server, PAIRS).await?;
    let senders = pairs.into_iter().flat_map(|pair| {
        [pair.salon, pair.client].map(|mut socket| {
            socket.discard_events();
            (Arc::new(socket), pair.conversation.clone())
        })
    });
    Ok(senders.collect())
}

async fn send_load(
    senders: &[Sender],
    in_flight: usize,
    time: Duration,
) -> Result<Percentiles, Fault> {
    let end = Instant::now() + time;
    let mut slots = JoinSet::new();
    for sender in senders.iter().cycle().take(in_flight) {
        slots.spawn(keep_sending(sender.clone(), end));
    }
    let mut all = Percentiles::new()?;
    while let Some(percentiles) = slots.join_next().await {
        all.merge(&percentiles.map_err(Fault::while_doing("send"))??)?;
    }
    Ok(all)
}

async fn keep_sending((socket, conversation): Sender, end: Instant) -> Result<Percentiles, Fault> {
    let mut percentiles = Percentiles::new()?;
    while Instant::now() < end {
        let message = pairs::message(&conversation, &database::id("m"));
        let sent = Instant::now();
        socket.call_ok("send-message", &message).await?;
        percentiles.add(sent.elapsed());
    }
    Ok(percentiles)
}

#[expect(clippy::cast_precision_loss, reason = "a run of minutes counts far below 2^52")]
fn per_second(count: u64, elapsed: Duration) -> f64 {
    count as f64 / elapsed.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(rate: f64, p99: Duration) -> Row {
        let mut percentiles = Percentiles::new().expect("a histogram");
        percentiles.add(p99);
        Row { in_flight: 1, rate, percentiles, cpu: String::new() }
    }

    #[test]
    fn the_headline_is_the_best_rate_that_is_quick_enough() {
        let (quick, slow) = (P99_MAX / 2, P99_MAX * 2);
        let rows = [row(500.0, quick), row(900.0, quick), row(1_200.0, slow)];
        assert!(headline(&rows).contains("900 a second"));
        assert!(headline(&rows[2..]).starts_with("No load"));
    }
}
