//! A thousand reports, each sent three times by two senders in random order.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;
use testkit::{
    Fault, appointment::Report, fault::same, person::Person, rest::Rest, test_app::TestApp,
};

use crate::{CLIENT, EAGER, SALON, SERVER, all_handled, both_known, conversations, service};

const BOOKINGS: usize = 200;
const LIFE: [&str; 5] = ["requested", "confirmed", "rescheduled", "cancelled", "booked"];
const COPIES: usize = 3;
const SENDERS: usize = 2;
/// A prime: walking the list in such steps visits every report, in an order that looks like none.
const STRIDE: usize = 7_919;

fn reports() -> Vec<Report> {
    let mut reports = Vec::new();
    for booking in 0..BOOKINGS {
        for (day, kind) in LIFE.into_iter().enumerate() {
            let report = Report::new(kind, &format!("appointment-{booking}"), SALON, CLIENT)
                .with("eventId", format!("event-{booking}-{kind}"))
                .with("occurredAt", format!("2025-12-0{}T08:00:00.000Z", day + 1));
            reports.push(report);
        }
    }
    reports
}

async fn send(service: &Rest, reports: &[Report], sender: usize) -> Result<usize, Fault> {
    let mut stored = 0;
    for turn in 0..reports.len() * COPIES {
        let place = (turn + sender * 501) * STRIDE % reports.len();
        let answer = reports[place].send(service).await?.expect(202)?;
        stored += usize::from(answer["state"] == "stored");
    }
    Ok(stored)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_reports_in_any_order_say_one_text_each() -> Result<(), Fault> {
    let app = TestApp::start_with(SERVER, &EAGER).await?;
    both_known(&app).await?;
    let reports = reports();
    let services = [service(&app)?, service(&app)?];
    let [first, second] = &services;
    let sending = [send(first, &reports, 0), send(second, &reports, 1)];
    let stored: usize = futures_util::future::try_join_all(sending).await?.into_iter().sum();
    same("reports stored", stored, reports.len())?;
    assert_eq!(services.len(), SENDERS);
    all_handled(&app).await?;

    let client = app.rest(&Person::new(CLIENT, "client"))?;
    let found = conversations(&client).await?;
    same("conversations", found.len(), BOOKINGS)?;
    let bookings: HashSet<_> =
        found.iter().filter_map(|(talk, _)| talk["appointmentId"].as_str()).collect();
    same("bookings talked about", bookings.len(), BOOKINGS)?;
    for (conversation, messages) in &found {
        same("texts", said(messages), LIFE.iter().map(|kind| ((*kind).to_owned(), 1)).collect())?;
        // The newest report books it again, whenever it arrived.
        same("the status", &conversation["status"], &"ACTIVE".into())?;
    }
    Ok(())
}

fn said(messages: &[Value]) -> BTreeMap<String, usize> {
    let mut said = BTreeMap::new();
    for message in messages {
        let kind = message["system"]["kind"].as_str().unwrap_or("none").to_owned();
        *said.entry(kind).or_default() += 1;
    }
    said
}
