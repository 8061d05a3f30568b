//! Appointment reports, each sent three times by two senders, with a PostgreSQL outage in between: checks
//! that none is lost or duplicated, and measures how long it takes until all are handled.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use tokio::time::{Duration, Instant, sleep};
use xtask::postgres::Cluster;

use super::{
    Plan,
    figures::{Figure, Section},
    launch,
};
use crate::{
    Fault,
    appointment::{Report, booking_service},
    database::{self, Database},
    fault::same,
    person,
    rest::Rest,
    server::Server,
};

/// The parameters of the reports.
#[derive(Clone, Copy, Debug)]
pub struct Bookings {
    /// The number of reports, each about a different booking.
    pub reports: usize,
    /// The duration of the PostgreSQL outage.
    pub outage: Duration,
}

const SENDERS: usize = 2;
/// How often each sender sends each report.
const COPIES: usize = 3;
/// The delay after a refused report.
const PAUSE: Duration = Duration::from_millis(250);
/// A prime step that visits every report in a scattered order.
const STRIDE: usize = 7_919;

#[derive(Default)]
struct ResponseCounts {
    accepted: AtomicUsize,
    refused: AtomicUsize,
}

/// Sends reports during an outage of PostgreSQL; fails when anything is lost or duplicated.
pub(super) async fn measure(plan: &Plan, bookings: Bookings) -> Result<Section, Fault> {
    let mut cluster = database::durable("bench-bookings")?;
    let database = Database::create(&cluster.url("postgres")).await?;
    let server = Server::start(launch(plan, &database).with("JOBS_LEASE_MS", "5000")).await?;
    let token = person::mint(server.secret(), &booking_service(), person::LIFETIME_S)?;
    let service = Rest::new(&server.url()).with_token(&token);
    introduce(&service).await?;

    let (counts, began) = (ResponseCounts::default(), Instant::now());
    let senders = (0..SENDERS).map(|sender| send(&service, sender, bookings.reports, &counts));
    let sending = futures_util::future::try_join_all(senders);
    let (_, ()) = tokio::try_join!(sending, run_outage(&mut cluster, bookings, &counts))?;
    let sent = began.elapsed();
    let conversations = wait_until_handled(&database, bookings.reports).await?;
    let handled_s = began.elapsed().as_secs_f64();
    let load = format!("{} bookings, outage of {} s", bookings.reports, bookings.outage.as_secs());
    let figures = vec![
        Figure::new(format!("{load}: until accepted"), "s", sent.as_secs_f64()),
        Figure::new(format!("{load}: until handled"), "s", handled_s),
    ];
    let text = format!(
        "### {} reports about bookings, each sent {} times by {SENDERS} senders, PostgreSQL down for {} s\n\n\
         | | |\n| --- | ---: |\n\
         | answers 202 | {} |\n| answers 503 during the outage | {} |\n\
         | until the last was accepted | {:.1} s |\n| until all were handled | {handled_s:.1} s |\n\
         | conversations | {conversations} |\n| lost | 0 |\n| duplicated | 0 |\n",
        bookings.reports,
        COPIES * SENDERS,
        bookings.outage.as_secs(),
        counts.accepted.load(Ordering::Relaxed),
        counts.refused.load(Ordering::Relaxed),
        sent.as_secs_f32(),
    );
    Ok(Section { text, figures })
}

async fn introduce(service: &Rest) -> Result<(), Fault> {
    let salon = json!({ "id": "salon", "role": "user_salon", "salonName": "Encre Noire" });
    let client = json!({ "id": "client", "role": "client", "firstName": "Camille" });
    let both = json!({ "participants": [salon, client] });
    service.post("/internal/participants:batch", &both).await?.expect(204).map(drop)
}

async fn send(
    service: &Rest,
    sender: usize,
    count: usize,
    counts: &ResponseCounts,
) -> Result<(), Fault> {
    for number in 0..count * COPIES {
        let booking = (number + sender * 501) * STRIDE % count;
        let report = Report::new("booked", &format!("booking-{booking}"), "salon", "client")
            .with("eventId", format!("event-{booking}"));
        loop {
            let answer = report.send(service).await?;
            match answer.status {
                202 => break,
                503 => counts.refused.fetch_add(1, Ordering::Relaxed),
                other => return Err(Fault::new(format!("{other}: {}", answer.body))),
            };
            sleep(PAUSE).await;
        }
        counts.accepted.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

/// Stops PostgreSQL when half of the reports are accepted, and restarts it after the outage.
async fn run_outage(
    cluster: &mut Cluster,
    bookings: Bookings,
    counts: &ResponseCounts,
) -> Result<(), Fault> {
    while counts.accepted.load(Ordering::Relaxed) < bookings.reports * COPIES * SENDERS / 2 {
        sleep(Duration::from_millis(10)).await;
    }
    cluster.kill_9().map_err(Fault::while_doing("stop the cluster"))?;
    sleep(bookings.outage).await;
    cluster.restart().map_err(Fault::while_doing("restart the cluster"))
}

/// Waits until all reports are handled, then checks the numbers of conversations and messages.
async fn wait_until_handled(database: &Database, reports: usize) -> Result<i64, Fault> {
    let client = database.client().await?;
    loop {
        let row = client
            .query_one(
                "SELECT (SELECT count(*) FROM messaging.appointment_event WHERE handled_at IS NULL),
                        (SELECT count(*) FROM messaging.conversation),
                        (SELECT count(DISTINCT conversation_id) FROM messaging.message),
                        (SELECT count(*) FROM messaging.message)",
                &[],
            )
            .await
            .map_err(Fault::while_doing("count conversations and messages"))?;
        let (waiting, conversations): (i64, i64) = (row.get(0), row.get(1));
        if waiting == 0 {
            let expected = i64::try_from(reports).map_err(Fault::while_doing("count"))?;
            let found: (i64, i64, i64) = (conversations, row.get(2), row.get(3));
            same(
                "conversations, those with a message, messages",
                found,
                (expected, expected, expected),
            )?;
            return Ok(conversations);
        }
        sleep(Duration::from_millis(50)).await;
    }
}
