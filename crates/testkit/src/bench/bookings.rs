//! Reports about bookings, each sent three times by two senders, while PostgreSQL is away in the
//! middle: what is lost, what is doubled, and how long it takes until all is said.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use tokio::time::{Duration, Instant, sleep};
use xtask::postgres::Cluster;

use super::{Plan, launch};
use crate::{
    Fault,
    appointment::{Report, booking_service},
    database::{self, Database},
    fault::same,
    person,
    rest::Rest,
    server::Server,
};

/// What is reported.
#[derive(Clone, Copy, Debug)]
pub struct Bookings {
    /// How many reports, each about a booking of its own.
    pub reports: usize,
    /// How long PostgreSQL is away.
    pub outage: Duration,
}

const SENDERS: usize = 2;
/// How often each sender sends each report.
const COPIES: usize = 3;
/// How long a sender waits after a refusal.
const PAUSE: Duration = Duration::from_millis(250);
/// A prime: walking in such steps visits every report, in an order that looks like none.
const STRIDE: usize = 7_919;

#[derive(Default)]
struct Tally {
    taken: AtomicUsize,
    refused: AtomicUsize,
}

/// Reports, takes PostgreSQL away, brings it back; fails when anything is lost or doubled.
pub(super) async fn measure(plan: &Plan, bookings: Bookings) -> Result<String, Fault> {
    let mut cluster = database::durable("bench-bookings")?;
    let database = Database::create(&cluster.url("postgres")).await?;
    let server = Server::start(launch(plan, &database).with("JOBS_LEASE_MS", "5000")).await?;
    let token = person::mint(server.secret(), &booking_service(), person::LIFETIME_S)?;
    let service = Rest::new(&server.url()).with_token(&token);
    introduce(&service).await?;

    let (tally, began) = (Tally::default(), Instant::now());
    let senders = (0..SENDERS).map(|sender| send(&service, sender, bookings.reports, &tally));
    let sending = futures_util::future::try_join_all(senders);
    let (_, ()) = tokio::try_join!(sending, cut(&mut cluster, bookings, &tally))?;
    let sent = began.elapsed();
    let said = all_said(&database, bookings.reports).await?;
    Ok(format!(
        "### {} reports about bookings, each sent {} times by {SENDERS} senders, PostgreSQL away for {} s\n\n\
         | | |\n| --- | ---: |\n\
         | answers 202 | {} |\n| answers 503 meanwhile | {} |\n\
         | until the last was taken | {:.1} s |\n| until all was said | {:.1} s |\n\
         | conversations | {said} |\n| lost | 0 |\n| doubled | 0 |\n",
        bookings.reports,
        COPIES * SENDERS,
        bookings.outage.as_secs(),
        tally.taken.load(Ordering::Relaxed),
        tally.refused.load(Ordering::Relaxed),
        sent.as_secs_f32(),
        began.elapsed().as_secs_f32(),
    ))
}

async fn introduce(service: &Rest) -> Result<(), Fault> {
    let salon = json!({ "id": "salon", "role": "user_salon", "salonName": "Encre Noire" });
    let client = json!({ "id": "client", "role": "client", "firstName": "Camille" });
    let both = json!({ "participants": [salon, client] });
    service.post("/internal/participants:batch", &both).await?.expect(204).map(drop)
}

async fn send(service: &Rest, sender: usize, count: usize, tally: &Tally) -> Result<(), Fault> {
    for turn in 0..count * COPIES {
        let booking = (turn + sender * 501) * STRIDE % count;
        let report = Report::new("booked", &format!("booking-{booking}"), "salon", "client")
            .with("eventId", format!("event-{booking}"));
        loop {
            let answer = report.send(service).await?;
            match answer.status {
                202 => break,
                503 => tally.refused.fetch_add(1, Ordering::Relaxed),
                other => return Err(Fault::new(format!("{other}: {}", answer.body))),
            };
            sleep(PAUSE).await;
        }
        tally.taken.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

/// Takes PostgreSQL away when half of all is taken, and brings it back.
async fn cut(cluster: &mut Cluster, bookings: Bookings, tally: &Tally) -> Result<(), Fault> {
    while tally.taken.load(Ordering::Relaxed) < bookings.reports * COPIES * SENDERS / 2 {
        sleep(Duration::from_millis(10)).await;
    }
    cluster.kill_9().map_err(Fault::while_doing("stop the cluster"))?;
    sleep(bookings.outage).await;
    cluster.restart().map_err(Fault::while_doing("restart the cluster"))
}

/// Waits until no report waits, then counts conversations and what is said in them.
async fn all_said(database: &Database, reports: usize) -> Result<i64, Fault> {
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
            .map_err(Fault::while_doing("count what was said"))?;
        let (waiting, conversations): (i64, i64) = (row.get(0), row.get(1));
        if waiting == 0 {
            let expected = i64::try_from(reports).map_err(Fault::while_doing("count"))?;
            let found: (i64, i64, i64) = (conversations, row.get(2), row.get(3));
            same("conversations, those with a text, texts", found, (expected, expected, expected))?;
            return Ok(conversations);
        }
        sleep(Duration::from_millis(50)).await;
    }
}
