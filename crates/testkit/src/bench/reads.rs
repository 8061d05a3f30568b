//! Reads of a large history.

use tokio::{task::JoinSet, time::Instant};

use super::{
    Percentiles, Plan, Target,
    figures::{Figure, Section, number},
    per_second, seed,
};
use crate::{
    Fault,
    person::{self, Person},
    rest::Rest,
    test_app::text,
};

/// Concurrent readers.
const READERS: usize = 4;
/// Messages per page.
const PAGE: u32 = 50;

/// Measures lists, pages and totals with concurrent readers.
pub(super) async fn measure(plan: &Plan, target: &Target) -> Result<Section, Fault> {
    let Target { server, meter, .. } = target;
    let salon = Person::salon(&seed::salon(0), "Encre Noire");
    let token = person::mint(server.secret(), &salon, person::LIFETIME_S)?;
    let rest = Rest::new(&server.url()).with_token(&token);
    let messages = format!("/messaging/conversations/{}/messages", seed::LONG);
    let halfway = seed::long(plan.messages) / PAGE / 2;
    let deep = rest.get(&format!("{messages}?page={halfway}")).await?.expect(200)?;
    let cursor = text(&deep, "nextCursor")?;

    let mut lines = vec![
        format!("### Reads, {} messages stored, {READERS} readers\n", plan.messages),
        "| what | answers/s | p50 | p99 | max | CPU server | CPU PostgreSQL | CPU load | \
         server, each | PostgreSQL, each |"
            .to_owned(),
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |".to_owned(),
    ];
    let mut figures = Vec::new();
    let table = [
        ("list of conversations", "/messaging/conversations".to_owned()),
        ("newest 50 messages", messages.clone()),
        ("50 messages, halfway down a long history", format!("{messages}?cursor={cursor}")),
        ("unread total", "/messaging/conversations/unread/total".to_owned()),
        ("unread conversations", "/messaging/conversations/unread".to_owned()),
    ];
    for (what, path) in table {
        read(&rest, &path, plan.duration / 8).await?;
        let before = meter.read()?;
        let started = Instant::now();
        let percentiles = read(&rest, &path, plan.duration / 2).await?;
        let rate = per_second(percentiles.count(), started.elapsed());
        let usage = meter.since(before)?;
        let server_ms = usage.server_ms_each(percentiles.count());
        let postgres_ms = usage.postgres_ms_each(percentiles.count());
        lines.push(format!(
            "| {what} | {rate:.0} | {} | {} | {} ms | {} ms |",
            percentiles.cells(),
            usage.cells(),
            number(server_ms),
            number(postgres_ms)
        ));
        let load = format!("{what}, {} messages, {READERS} readers", plan.messages);
        figures.push(Figure::new(format!("{load}: answers"), "answers/s", rate));
        figures.extend(percentiles.figures(&load));
        figures.extend(usage.figures(&load, percentiles.count(), "ms/answer"));
    }
    Ok(Section { text: lines.join("\n") + "\n", figures })
}

async fn read(
    rest: &Rest,
    path: &str,
    duration: std::time::Duration,
) -> Result<Percentiles, Fault> {
    let end = Instant::now() + duration;
    let mut readers = JoinSet::new();
    for _ in 0..READERS {
        readers.spawn(keep_reading(rest.clone(), path.to_owned(), end));
    }
    let mut all = Percentiles::new()?;
    while let Some(percentiles) = readers.join_next().await {
        all.merge(&percentiles.map_err(Fault::while_doing("read"))??)?;
    }
    Ok(all)
}

async fn keep_reading(rest: Rest, path: String, end: Instant) -> Result<Percentiles, Fault> {
    let mut percentiles = Percentiles::new()?;
    while Instant::now() < end {
        let started = Instant::now();
        rest.get(&path).await?.expect(200)?;
        percentiles.add(started.elapsed());
    }
    Ok(percentiles)
}
