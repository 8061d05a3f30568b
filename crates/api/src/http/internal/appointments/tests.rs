use std::collections::BTreeSet;

use domain::{
    appointments::AppointmentEventKind,
    ids::AppointmentEventId,
    jobs::store::{JobFilter, JobStore as _},
};
use serde_json::{Value, json};

use crate::{
    http::internal::tests::event,
    testing::{Answer, CONVERSATIONS, TestApp},
};

async fn report(test_app: &TestApp, event: Value) -> Answer {
    test_app.post("/internal/appointments/events", "p1", event).await
}

/// Number of pending jobs.
async fn jobs(test_app: &TestApp) -> usize {
    test_app.store.jobs(JobFilter::All, 1_000).await.expect("the store works").len()
}

#[actix_web::test]
async fn every_kind_of_event_is_stored_with_a_job_before_the_response() {
    let test_app = TestApp::new().await;
    let before = jobs(&test_app).await;
    for (count, kind) in (1..).zip(AppointmentEventKind::WORDS) {
        let id = format!("e-{kind}");
        let answer = report(&test_app, event(&id, kind)).await;
        assert_eq!(answer.status, 202, "{kind}");
        assert_eq!(answer.json(), json!({"eventId": id, "state": "stored"}), "{kind}");
        assert_eq!(
            (jobs(&test_app).await - before, test_app.job_notifications()),
            (count, count),
            "{kind}"
        );
    }
}

#[actix_web::test]
async fn a_repeated_report_is_the_same_event() {
    let test_app = TestApp::new().await;
    report(&test_app, event("e-1", "booked")).await;
    let (before, notified) = (jobs(&test_app).await, test_app.job_notifications());
    for _ in 0..3 {
        let again = report(&test_app, event("e-1", "booked")).await;
        let known = json!({"eventId": "e-1", "state": "known"});
        assert_eq!((again.status.as_u16(), again.json()), (202, known));
    }
    assert_eq!(
        (jobs(&test_app).await, test_app.job_notifications()),
        (before, notified),
        "no more work"
    );
}

#[actix_web::test]
async fn another_event_under_the_same_id_is_refused() {
    let test_app = TestApp::new().await;
    report(&test_app, event("e-1", "booked")).await;
    for (field, value) in [
        ("kind", json!("cancelled")),
        ("startsAt", json!("2026-02-15T14:30:00+01:00")),
        ("clientUserId", json!("c2")),
        ("timeZone", json!("Europe/London")),
    ] {
        let mut other = event("e-1", "booked");
        other[field] = value;
        let refused = report(&test_app, other).await;
        assert_eq!(refused.failure(), (409, "idempotency_conflict".to_owned()), "{field}");
    }
    let again = report(&test_app, event("e-1", "booked")).await;
    assert_eq!(again.json()["state"], "known");
}

#[actix_web::test]
async fn an_event_with_people_not_in_the_directory_yet_is_accepted() {
    let test_app = TestApp::new().await;
    let mut early = event("e-1", "booked");
    (early["salonId"], early["clientUserId"]) = (json!("s9"), json!("c9"));
    assert_eq!(report(&test_app, early).await.status, 202);
}

#[actix_web::test]
async fn an_invalid_event_is_refused_and_not_stored() {
    let test_app = TestApp::new().await;
    let before = jobs(&test_app).await;
    for (field, value) in [
        ("clientUserId", json!("s1")),
        ("timeZone", json!("Europe/Atlantis")),
        ("kind", json!("born")),
        ("service", json!("HAIRCUT")),
        ("eventId", json!("../e-1")),
        ("clientFirstName", json!("x".repeat(10_000))),
    ] {
        let mut bad = event("e-1", "booked");
        bad[field] = value;
        let refused = report(&test_app, bad).await;
        assert_eq!(refused.failure(), (400, "validation_failed".to_owned()), "{field}");
        let reason = refused.json()["message"][0].as_str().expect("a reason").to_owned();
        assert!(reason.starts_with(field), "{reason}");
    }
    assert_eq!((jobs(&test_app).await, test_app.job_notifications()), (before, 0));
}

#[actix_web::test]
async fn an_event_of_the_future_is_refused_and_not_stored() {
    let test_app = TestApp::new().await;
    let before = jobs(&test_app).await;
    let now = domain::ports::Clock::now(&*test_app.clock).as_millis();
    let at = |ahead_ms: i64| {
        let time =
            domain::time::Timestamp::from_millis(now + ahead_ms).expect("within the calendar");
        let mut event = event(&format!("e{ahead_ms}"), "booked");
        event["occurredAt"] = json!(time.to_string());
        event
    };
    for ahead_ms in [660_000, 86_400_000, 315_360_000_000] {
        let refused = report(&test_app, at(ahead_ms)).await;
        assert_eq!(refused.failure(), (400, "validation_failed".to_owned()), "{ahead_ms}");
        let reason = refused.json()["message"][0].as_str().expect("a reason").to_owned();
        assert!(reason.starts_with("occurredAt "), "{reason}");
    }
    assert_eq!((jobs(&test_app).await, test_app.job_notifications()), (before, 0));
    for ahead_ms in [-86_400_000, 0, 540_000] {
        assert_eq!(report(&test_app, at(ahead_ms)).await.status, 202, "{ahead_ms}");
    }
}

fn event_with_conversation(id: &str, booking: &str, conversation: &str) -> Value {
    let mut event = event(id, "booked");
    (event["appointmentId"], event["conversationId"]) = (json!(booking), json!(conversation));
    event
}

#[actix_web::test]
async fn a_conversation_has_the_id_that_the_platform_gave_it() {
    let test_app = TestApp::new().await;
    let first = event_with_conversation("e-1", "rdv-1", "clx1talk");
    assert_eq!(report(&test_app, first.clone()).await.json()["state"], "stored");
    // The id is taken once the event is stored; a repeated event is recognised.
    let taken = report(&test_app, event_with_conversation("e-2", "rdv-2", "clx1talk")).await;
    assert_eq!(taken.failure(), (409, "conversation_id_taken".to_owned()));
    handle(&test_app, "e-1").await;
    assert_eq!(report(&test_app, first).await.json()["state"], "known");
    let taken = report(&test_app, event_with_conversation("e-2", "rdv-2", "clx1talk")).await;
    assert_eq!(taken.failure(), (409, "conversation_id_taken".to_owned()));
    assert_eq!(test_app.get(&format!("{CONVERSATIONS}/clx1talk"), "c1").await.status, 200);
    // With another id the refused event is accepted.
    assert_eq!(
        report(&test_app, event_with_conversation("e-2", "rdv-2", "clx2talk")).await.status,
        202
    );
    let conversation = test_app.open_conversation().await;
    let id = conversation.rsplit('/').next().expect("an id");
    let taken = report(&test_app, event_with_conversation("e-3", "rdv-3", id)).await;
    assert_eq!(taken.failure(), (409, "conversation_id_taken".to_owned()));
}

#[actix_web::test]
async fn an_id_that_is_the_word_of_a_route_is_refused() {
    let test_app = TestApp::new().await;
    let paths: Value = serde_json::from_str(include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/openapi.json"
    )))
    .map(|document: Value| document["paths"].clone())
    .expect("it is JSON");
    let words: BTreeSet<&str> = paths
        .as_object()
        .expect("paths")
        .keys()
        .filter_map(|path| path.strip_prefix("/messaging/conversations/")?.split('/').next())
        .filter(|segment| !segment.starts_with('{'))
        .collect();
    assert!(words.contains("unread"), "{words:?}");
    for word in words {
        let refused = report(&test_app, event_with_conversation("e-1", "rdv-1", word)).await;
        assert_eq!(refused.failure(), (400, "validation_failed".to_owned()), "{word}");
        let reason = refused.json()["message"][0].as_str().expect("a reason").to_owned();
        assert!(reason.starts_with("conversationId "), "{reason}");
    }
    assert_eq!(
        report(&test_app, event_with_conversation("e-1", "rdv-1", "unread-1")).await.status,
        202
    );
}

#[actix_web::test]
async fn a_booking_s_page_finds_its_conversation() {
    let test_app = TestApp::new().await;
    for (event, booking, conversation) in [("e-1", "rdv-1", "talk-1"), ("e-2", "rdv-2", "talk-2")] {
        report(&test_app, event_with_conversation(event, booking, conversation)).await;
        handle(&test_app, event).await;
    }
    let mut cancelled = event("e-3", "cancelled");
    (cancelled["appointmentId"], cancelled["occurredAt"]) =
        (json!("rdv-2"), json!("2026-01-05T09:20:00Z"));
    report(&test_app, cancelled).await;
    handle(&test_app, "e-3").await;
    let find = async |query: &str| {
        let found = test_app.get(&format!("/internal/conversations?{query}"), "p1").await;
        assert_eq!(found.status, 200, "{query}");
        found.json()["conversations"].clone()
    };
    let found =
        find("salonId=s1&appointmentId=rdv-2&appointmentId=rdv-1&appointmentId=rdv-9").await;
    let seen = |place: usize| {
        let one = &found[place];
        (one["id"].clone(), one["appointmentId"].clone(), one["status"].clone())
    };
    assert_eq!(seen(0), (json!("talk-1"), json!("rdv-1"), json!("ACTIVE")));
    assert_eq!(seen(1), (json!("talk-2"), json!("rdv-2"), json!("ARCHIVED")));
    assert!(found[0]["lastMessageAt"].is_string());
    assert_eq!(found.as_array().map(Vec::len), Some(2));
    assert_eq!(found[0].as_object().map(serde_json::Map::len), Some(4), "ids and states alone");
    // Another salon has no conversation about this booking.
    assert_eq!(find("salonId=s2&appointmentId=rdv-1").await, json!([]));
    for bad in ["", "salonId=s1", "appointmentId=rdv-1", "salonId=s1&appointmentId=a%20b"] {
        let refused = test_app.get(&format!("/internal/conversations?{bad}"), "p1").await;
        assert_eq!(refused.failure(), (400, "validation_failed".to_owned()), "{bad}");
    }
}

/// Runs the job for the event `id`.
async fn handle(test_app: &TestApp, id: &str) {
    let id = AppointmentEventId::parse(id).expect("a good id");
    test_app
        .api
        .services()
        .appointments
        .handle_appointment_event(&id)
        .await
        .expect("it can be handled");
}

#[actix_web::test]
async fn an_event_is_posted_as_text_and_as_data() {
    let test_app = TestApp::new().await;
    report(&test_app, event("e-1", "booked")).await;
    handle(&test_app, "e-1").await;
    let mut moved = event("e-2", "rescheduled");
    moved["previousStartsAt"] = json!("2026-02-14T14:30:00+01:00");
    moved["startsAt"] = json!("2026-02-21T09:00:00+01:00");
    moved["occurredAt"] = json!("2026-01-05T09:10:00Z");
    report(&test_app, moved).await;
    handle(&test_app, "e-2").await;

    let list = test_app.get(CONVERSATIONS, "c1").await.json();
    assert_eq!((&list["total"], &list["data"][0]["appointmentId"]), (&json!(1), &json!("rdv-1")));
    assert_eq!(list["data"][0]["subject"], "RDV Tatouage - 21/02/2026");
    let id = list["data"][0]["id"].as_str().expect("an id");
    let messages = test_app.get(&format!("{CONVERSATIONS}/{id}/messages"), "c1").await.json();
    let (moved, booked) = (&messages["data"][0], &messages["data"][1]);
    assert_eq!((&booked["type"], &booked["sender"]["id"]), (&json!("SYSTEM"), &json!("s1")));
    assert_eq!(booked["system"], json!({"kind": "booked", "firstName": "Camille"}));
    assert_eq!(
        moved["system"],
        json!({
            "kind": "rescheduled",
            "from": "2026-02-14T13:30:00.000Z",
            "to": "2026-02-21T08:00:00.000Z",
            "timeZone": "Europe/Paris",
        })
    );
    // A person's message never has platform data.
    let forged = json!({"content": "x", "type": "SYSTEM", "system": {"kind": "cancelled"}});
    let sent = test_app.post(&format!("{CONVERSATIONS}/{id}/messages"), "c1", forged).await.json();
    assert_eq!((&sent["type"], sent.get("system")), (&json!("TEXT"), None));
}
