//! Durable sends with a constant number of messages in flight (closed loop), and what each one costs.

use std::{iter, sync::Arc};

use tokio::{
    task::JoinSet,
    time::{Duration, Instant},
};

use super::{
    Percentiles, Plan, Target,
    figures::{Figure, Section},
    millis, pairs, per_second,
    statistics::PerSend,
    usage::Usage,
};
use crate::{Fault, database, server::Server, socket::Socket};

/// Messages in flight, spread over all senders.
const LOADS: [usize; 8] = [8, 16, 32, 64, 128, 256, 512, 1_024];
/// Maximum 99th percentile for the headline figure.
const P99_MAX: Duration = Duration::from_millis(100);
/// Pairs of the closed loop: one sender of each has one message in flight.
const CLOSED_LOOP_PAIRS: usize = 50;

/// Which sides of a conversation are connected.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sides {
    /// Both, and both send. The reader has joined, so that each message is read as it arrives.
    BothSend,
    /// Both, and the client sends. The salon has joined, so that each message is read as it arrives.
    ClientSends,
    /// The client alone. Each message stays unread, and adds to a pending mail.
    ClientAlone,
}

impl Sides {
    fn reader(self) -> &'static str {
        match self {
            Self::BothSend | Self::ClientSends => "reader watching",
            Self::ClientAlone => "reader away",
        }
    }
}

/// A socket and its conversation.
type Sender = (Socket, Arc<str>);

/// One row of the tables.
struct Row {
    in_flight: usize,
    rate: f64,
    percentiles: Percentiles,
    usage: Usage,
    per_send: PerSend,
}

/// Measures acknowledged sends a second at several loads.
pub(super) async fn measure(
    plan: &Plan,
    target: &Target,
    sides: Sides,
    pairs: usize,
) -> Result<Section, Fault> {
    let rows = rows(plan, target, sides, pairs, &LOADS).await?;
    let load = format!("sends, {pairs} pairs, {}", sides.reader());
    let title = format!("### Durable sends, {pairs} pairs, {}", sides.reader());
    let best = best(&rows);
    let text = format!("{title}\n\n{}\n{}\n", tables(&rows), headline(best));
    let name = format!("{load}: most with p99 <= {}", millis(P99_MAX));
    let headline = best.map(|row| Figure::new(name, "sends/s", row.rate));
    let of_rows = rows.iter().flat_map(|row| {
        let load = format!("{load}, {} in flight", row.in_flight);
        row.figures(&load)
    });
    Ok(Section { text, figures: headline.into_iter().chain(of_rows).collect() })
}

/// Measures senders that each send the next message when the last one is acknowledged.
pub(super) async fn measure_closed_loop(plan: &Plan, target: &Target) -> Result<Section, Fault> {
    let (sides, pairs) = (Sides::ClientSends, CLOSED_LOOP_PAIRS);
    let rows = rows(plan, target, sides, pairs, &[pairs]).await?;
    let load = format!("closed loop, {pairs} pairs, {}", sides.reader());
    let title = format!("### Closed loop, {pairs} pairs, one sender each, {}", sides.reader());
    let figures = rows.iter().flat_map(|row| row.figures(&load)).collect();
    Ok(Section { text: format!("{title}\n\n{}", tables(&rows)), figures })
}

async fn rows(
    plan: &Plan,
    target: &Target,
    sides: Sides,
    pairs: usize,
    loads: &[usize],
) -> Result<Vec<Row>, Fault> {
    let Target { server, meter, statistics } = target;
    let senders: Arc<[Sender]> = senders(server, sides, pairs).await?.into();
    let mut rows = Vec::new();
    for &in_flight in loads {
        send_load(&senders, in_flight, plan.duration / 4).await?;
        let (before, counted) = (meter.read()?, statistics.read().await?);
        let started = Instant::now();
        let percentiles = send_load(&senders, in_flight, plan.duration).await?;
        let rate = per_second(percentiles.count(), started.elapsed());
        let usage = meter.since(before)?;
        let per_send = statistics.per_send(counted, &usage, percentiles.count()).await?;
        rows.push(Row { in_flight, rate, percentiles, usage, per_send });
    }
    Ok(rows)
}

impl Row {
    fn cells(&self) -> String {
        let Self { in_flight, rate, percentiles, usage, .. } = self;
        format!("| {in_flight} | {rate:.0} | {} | {} |", percentiles.cells(), usage.cells())
    }

    fn per_send(&self) -> String {
        format!("| {} | {} |", self.in_flight, self.per_send.cells())
    }

    fn figures(&self, load: &str) -> Vec<Figure> {
        let mut figures = vec![Figure::new(format!("{load}: acknowledged"), "sends/s", self.rate)];
        figures.extend(self.percentiles.figures(load));
        figures.extend(self.per_send.figures(load));
        figures
    }
}

fn tables(rows: &[Row]) -> String {
    let head = "| in flight | acknowledged/s | p50 | p99 | max | CPU server | CPU PostgreSQL | CPU load |\n\
                | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |";
    let costs = format!("| in flight | {} |\n| ---: | {} |", PerSend::HEADS, PerSend::RULE);
    let table = |head: String, row: fn(&Row) -> String| {
        let lines: Vec<String> = iter::once(head).chain(rows.iter().map(row)).collect();
        lines.join("\n")
    };
    format!(
        "{}\n\nFor each send:\n\n{}\n",
        table(head.to_owned(), Row::cells),
        table(costs, Row::per_send)
    )
}

/// The row with the highest rate of those that are quick enough.
fn best(rows: &[Row]) -> Option<&Row> {
    rows.iter()
        .filter(|row| row.percentiles.quantile(0.99) <= P99_MAX)
        .max_by(|one, other| one.rate.total_cmp(&other.rate))
}

fn headline(best: Option<&Row>) -> String {
    let limit = millis(P99_MAX);
    match best {
        Some(best) => format!("Most with a p99 within {limit}: **{:.0} a second**.", best.rate),
        None => format!("No load had a p99 within {limit}."),
    }
}

async fn senders(server: &Server, sides: Sides, pairs: usize) -> Result<Vec<Sender>, Fault> {
    let mut senders = match sides {
        Sides::ClientAlone => pairs::connect_clients(server, pairs).await?,
        Sides::BothSend | Sides::ClientSends => {
            let pairs = pairs::connect(server, pairs).await?;
            pairs
                .into_iter()
                .flat_map(|pair| {
                    [(pair.salon, pair.conversation.clone()), (pair.client, pair.conversation)]
                })
                .collect()
        }
    };
    for (socket, _) in &mut senders {
        socket.discard_events();
    }
    Ok(senders)
}

async fn send_load(
    senders: &Arc<[Sender]>,
    in_flight: usize,
    time: Duration,
) -> Result<Percentiles, Fault> {
    let end = Instant::now() + time;
    let mut slots = JoinSet::new();
    for slot in 0..in_flight {
        slots.spawn(keep_sending(senders.clone(), turns(slot, in_flight, senders.len()), end));
    }
    let mut all = Percentiles::new()?;
    while let Some(percentiles) = slots.join_next().await {
        all.merge(&percentiles.map_err(Fault::while_doing("send"))??)?;
    }
    Ok(all)
}

/// The senders that one of the messages in flight uses in turn, so that all conversations are used at every
/// load.
fn turns(slot: usize, in_flight: usize, senders: usize) -> impl Iterator<Item = usize> {
    iter::successors(Some(slot % senders), move |sender| Some((sender + in_flight) % senders))
}

async fn keep_sending(
    senders: Arc<[Sender]>,
    turns: impl Iterator<Item = usize>,
    end: Instant,
) -> Result<Percentiles, Fault> {
    let mut percentiles = Percentiles::new()?;
    for sender in turns.take_while(|_| Instant::now() < end) {
        let (socket, conversation) = &senders[sender];
        let message = pairs::message(conversation, &database::id("m"));
        let sent = Instant::now();
        socket.call_ok("send-message", &message).await?;
        percentiles.add(sent.elapsed());
    }
    Ok(percentiles)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::bench::statistics::Counters;

    fn row(rate: f64, p99: Duration) -> Row {
        let mut percentiles = Percentiles::new().expect("a histogram");
        percentiles.add(p99);
        let elapsed = Duration::from_secs(1);
        let usage = Usage { elapsed, server_s: 0.1, postgres_s: 0.2, load_s: 0.3 };
        let per_send = PerSend::new(Counters::default(), &usage, 100);
        Row { in_flight: 8, rate, percentiles, usage, per_send }
    }

    #[test]
    fn the_headline_is_the_best_rate_that_is_quick_enough() {
        let (quick, slow) = (P99_MAX / 2, P99_MAX * 2);
        let rows = [row(500.0, quick), row(900.0, quick), row(1_200.0, slow)];
        assert!(headline(best(&rows)).contains("900 a second"));
        assert!(headline(best(&rows[2..])).starts_with("No load"));
    }

    #[test]
    fn each_row_has_a_line_in_both_tables_and_its_figures() {
        let row = row(500.0, Duration::from_millis(3));
        let tables = tables(std::slice::from_ref(&row));
        assert!(tables.contains("| 8 | 500 | 3.0 ms | 3.0 ms | 3.0 ms | 10 % | 20 % | 30 % |"));
        assert!(tables.contains("| 8 | 1.00 ms | 2.00 ms |"), "{tables}");
        let figures = row.figures("load");
        assert_eq!(figures[0], Figure::new("load: acknowledged", "sends/s", 500.0));
        assert!(figures.iter().all(|figure| figure.name.starts_with("load: ")));
    }

    #[test]
    fn few_messages_in_flight_use_all_senders_in_turn() {
        for (in_flight, senders) in [(8, 512), (64, 512), (8, 64), (50, 50), (1_024, 64), (7, 10)] {
            let rounds = senders;
            let used: BTreeSet<usize> = (0..in_flight)
                .flat_map(|slot| turns(slot, in_flight, senders).take(rounds))
                .collect();
            assert_eq!(used, (0..senders).collect(), "{in_flight} in flight");
        }
    }
}
