//! What programs of the platform are for, closed to everybody who is a person.

use serde_json::{Value, json};
use testkit::{
    Fault,
    appointment::{EVENTS, Report, booking_service},
    fault::same,
    person,
};

use crate::{
    callers::{Accounts, Fixture, SECRET},
    table::{LATE, NOBODY, Path, Route, check_table, nothing, route},
};

const FORBIDDEN: &str = "403 forbidden";

const fn closed(
    name: &'static str,
    method: &'static str,
    path: Path,
    body: fn(&Fixture) -> Option<Value>,
) -> Route {
    let answers = [FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN, NOBODY, LATE];
    route(name, method, path, body, answers)
}

fn everybody(_: &Fixture) -> String {
    "/internal/retention".to_owned()
}

fn salon(_: &Fixture) -> String {
    "/internal/retention/salons/salon-1".to_owned()
}

fn hold(fixture: &Fixture) -> String {
    format!("/internal/retention/holds/{}", fixture.conversation)
}

fn client(_: &Fixture) -> String {
    "/internal/participants/client-1".to_owned()
}

fn of_booking(fixture: &Fixture) -> String {
    format!("/internal/conversations?salonId=salon-1&appointmentId={}", fixture.appointment)
}

fn booked(fixture: &Fixture) -> Value {
    let report = Report::new("booked", &fixture.appointment, "salon-1", "client-1");
    report.with("conversationId", "of-the-platform").body().clone()
}

const TABLE: [Route; 13] = [
    closed("retention", "GET", everybody, nothing),
    closed("set retention", "PUT", everybody, |_| Some(json!({"archiveAfterDays": 1}))),
    closed("a salon's retention", "GET", salon, nothing),
    closed("set a salon's retention", "PUT", salon, |_| Some(json!({"legalHold": true}))),
    closed("drop a salon's retention", "DELETE", salon, nothing),
    closed("hold", "PUT", hold, nothing),
    closed("release", "DELETE", hold, nothing),
    closed("report a booking", "POST", |_| EVENTS.to_owned(), |fixture| Some(booked(fixture))),
    closed("conversations of bookings", "GET", of_booking, nothing),
    closed("enter", "PUT", client, |_| Some(json!({"role": "client"}))),
    closed("erase", "DELETE", client, nothing),
    closed("revoke", "POST", |_| "/internal/participants/client-1/revoke".to_owned(), nothing),
    closed("receipt", "GET", |_| "/internal/erasures/client-1".to_owned(), nothing),
];

#[tokio::test]
async fn what_programs_may_do_no_person_may() -> Result<(), Fault> {
    check_table(&Accounts::create().await?, &TABLE).await
}

#[tokio::test]
async fn a_program_finds_conversations_by_whose_bookings_they_are_about() -> Result<(), Fault> {
    let accounts = Accounts::create().await?;
    let fixture = accounts.fixture().await?;
    let program = accounts.app.rest(&booking_service())?;
    let found = program.get(&of_booking(&fixture)).await?.expect(200)?;
    let one = &found["conversations"][0];
    same("the conversation", one["id"].as_str(), Some(fixture.conversation.as_str()))?;
    same("how it stands", one["status"].as_str(), Some("ACTIVE"))?;
    same("its words", found.to_string().contains(SECRET), false)?;
    // The salon's rival, the client and somebody with a booking of that name have none about it.
    for other in ["salon-2", "client-1", "client-2", "nobody"] {
        let path = of_booking(&fixture).replace("salon-1", other);
        let found = program.get(&path).await?.expect(200)?;
        same(other, found["conversations"].clone(), json!([]))?;
    }
    // A program's token that is over opens nothing.
    let late = person::mint(accounts.app.server.secret(), &booking_service(), -1)?;
    let refused = accounts.app.anonymous().with_token(&late).get(&of_booking(&fixture)).await?;
    same("the answer", (refused.status, refused.code()), (401, "token_expired"))
}
