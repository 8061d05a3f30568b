//! Reports of booking events: stored once, found in order, rejected.

use super::setup::{ANSWERS, Booking, Fixture, event_at, nameless};
use crate::{
    appointments::store::{ConversationOfBooking, ReceiveOutcome},
    conversation::Status,
    ids::{AppointmentEventId, AppointmentId, ConversationId},
    store::Store,
    testing::{
        commands::{AppliedAppointmentEvent, Commands, NoticeTarget, OpenOutcome},
        fixture::{booking_event, user},
    },
    time::Zone,
};

/// A report is stored once with one job, however often it is received; another one with its id is
/// refused.
pub async fn a_report_is_kept_once(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let report = booking_event("e1", "booked");
    let receive =
        async |report| store.receive_appointment_event(report, fixture.now()).await.expect(ANSWERS);
    assert_eq!(receive(&report).await, ReceiveOutcome::Stored);
    assert_eq!(receive(&report).await, ReceiveOutcome::Known);
    let mut others = vec![booking_event("e1", "cancelled"), nameless("e1", "booked")];
    others.push(event_at("e1", "booked", "2026-01-05T09:00:00.001Z"));
    let mut elsewhere = report.clone();
    elsewhere.zone = Some(Zone::default());
    others.push(elsewhere);
    for other in &others {
        assert_eq!(receive(other).await, ReceiveOutcome::Contradicted, "{other:?}");
    }
    let job = ("handle_appointment_event".to_owned(), "e1".to_owned());
    assert_eq!(fixture.tasks().await, [job]);
    let kept = store.pending_appointment_event(&report.id).await.expect(ANSWERS);
    assert!(kept.expect("it waits").event == report);
}

/// A report is returned as it was received, in every detail.
pub async fn a_report_is_found_whole(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let mut full = booking_event("e1", "auto-confirmed");
    full.zone = Zone::parse("America/Cayenne").ok();
    let mut bare = nameless("e2", "no-show");
    bare.previous_starts_at = None;
    for report in [&full, &bare] {
        store.receive_appointment_event(report, fixture.now()).await.expect(ANSWERS);
        let found = store.pending_appointment_event(&report.id).await.expect(ANSWERS);
        let found = found.expect("it waits");
        assert!(found.event == *report, "{report:?}");
        assert_eq!((found.conversation, found.newest_handled), (None, None));
    }
    let nowhere = AppointmentEventId::parse("E1").expect("a good id");
    assert_eq!(store.pending_appointment_event(&nowhere).await.expect(ANSWERS), None);
}

/// Pending reports of a booking are ordered by time of the event, whenever they were reported.
pub async fn reports_of_a_booking_wait_in_their_order(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let booking = Booking::new(&fixture).await;
    let (nine, ten) = ("2026-01-05T09:00:00.000Z", "2026-01-05T10:00:00.000Z");
    let mut other_booking = event_at("e0", "booked", nine);
    other_booking.appointment = AppointmentId::parse("rdv-2").expect("a good id");
    let mut other_salon = event_at("e00", "booked", nine);
    other_salon.salon = user("s2");
    for report in [&other_booking, &other_salon] {
        booking.receive(report).await;
    }
    for report in [
        event_at("b", "booked", ten),
        event_at("Z", "booked", ten),
        event_at("a", "booked", ten),
        event_at("z", "booked", nine),
    ] {
        booking.receive(&report).await;
    }
    for id in ["z", "Z", "a", "b"] {
        let first = booking.first().await.expect("some wait");
        assert_eq!(first.event.id.as_str(), id);
        booking.apply_nothing(&first.event.id).await;
    }
    assert_eq!(booking.first().await, None);
}

/// A rejected event does not block newer ones, and may still be handled.
pub async fn a_rejected_event_blocks_nothing(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let booking = Booking::new(&fixture).await;
    let first = event_at("e1", "booked", "2026-01-05T09:00:00.000Z");
    let second = event_at("e2", "confirmed", "2026-01-05T10:00:00.000Z");
    for report in [&first, &second] {
        booking.receive(report).await;
    }
    for _ in 0..2 {
        store.reject_appointment_event(&first.id, fixture.now()).await.expect(ANSWERS);
        assert_eq!(booking.first().await.map(|one| one.event.id), Some(second.id.clone()));
    }
    assert!(booking.pending("e1").await.expect("it may be tried again").event == first);
    assert_eq!(booking.receive(&first).await, ReceiveOutcome::Known);

    let applied = booking.apply_change("e1").await;
    assert!(matches!(applied, AppliedAppointmentEvent::Applied(_)), "{applied:?}");
    assert_eq!(booking.pending("e1").await, None);
    store.reject_appointment_event(&first.id, fixture.now()).await.expect(ANSWERS);
    assert_eq!(booking.pending("e1").await, None);
    let nowhere = AppointmentEventId::parse("e9").expect("a good id");
    store.reject_appointment_event(&nowhere, fixture.now()).await.expect(ANSWERS);
}

/// The newest handled event is returned, ignoring those that do not affect the booking.
pub async fn the_newest_that_was_handled_is_known(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let booking = Booking::new(&fixture).await;
    let ten = "2026-01-05T10:00:00.000Z";
    let reports = [
        (event_at("e2", "cancelled", ten), Some(("e2", true))),
        (event_at("e1", "booked", ten), Some(("e2", true))),
        (event_at("e0", "confirmed", "2026-01-05T09:00:00.000Z"), Some(("e2", true))),
        (event_at("e3", "rescheduled", ten), Some(("e3", false))),
        (event_at("e4", "completed", "2026-01-05T11:00:00.000Z"), Some(("e3", false))),
    ];
    let mut known = None;
    for (report, newest) in &reports {
        booking.receive(report).await;
        let found = booking.pending(report.id.as_str()).await.expect("it waits").newest_handled;
        let found = found.map(|found| (found.event.to_string(), found.cancelled));
        assert_eq!(found, known.map(|(id, cancelled): (&str, bool)| (id.to_owned(), cancelled)));
        booking.apply_nothing(&report.id).await;
        known = *newest;
    }
    booking.receive(&booking_event("e9", "booked")).await;
    let found = booking.pending("e9").await.expect("it waits").newest_handled.expect("some are");
    assert_eq!((found.event.as_str(), found.occurred_at), ("e3", reports[3].0.occurred_at));
}

/// A requested conversation id is reserved for its booking, and not available to another.
pub async fn a_conversation_s_id_is_reserved_for_one_booking(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let booking = Booking::new(&fixture).await;
    let about = |id: &str, booking: &str, wanted: &str| {
        let mut report = booking_event(id, "booked");
        report.appointment = AppointmentId::parse(booking).expect("a good id");
        report.conversation = ConversationId::parse(wanted).ok();
        report
    };
    let first = about("e1", "rdv-1", "wanted-1");
    assert_eq!(booking.receive(&first).await, ReceiveOutcome::Stored);
    assert_eq!(booking.receive(&first).await, ReceiveOutcome::Known);
    assert_eq!(booking.receive(&about("e2", "rdv-1", "wanted-1")).await, ReceiveOutcome::Stored);
    let mut elsewhere = about("e3", "rdv-1", "wanted-1");
    elsewhere.salon = user("s2");
    for taken in [&about("e3", "rdv-2", "wanted-1"), &elsewhere] {
        assert_eq!(booking.receive(taken).await, ReceiveOutcome::ConversationIdTaken);
        assert_eq!(booking.pending("e3").await, None, "it is not kept");
    }
    assert_eq!(fixture.tasks().await.len(), 2, "and there is no work");
    // Another requested id under the same event id is another event.
    let other_id = about("e1", "rdv-1", "wanted-9");
    assert_eq!(booking.receive(&other_id).await, ReceiveOutcome::Contradicted);
    let none = about("e1", "rdv-1", "");
    assert_eq!(booking.receive(&none).await, ReceiveOutcome::Contradicted);
    // What was stored stays known, whoever has the id.
    assert_eq!(
        booking.receive(&about("e1", "rdv-2", "wanted-1")).await,
        ReceiveOutcome::Contradicted
    );
}

/// The id of a conversation is not available to other bookings; its own booking may name it.
pub async fn the_id_of_a_conversation_is_not_to_be_had(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let booking = Booking::new(&fixture).await;
    let here = booking.conversation().await;
    let elsewhere = fixture.conversation("s1", "c1").await;
    let mut own = booking_event("e1", "confirmed");
    own.conversation = Some(here.id.clone());
    assert_eq!(booking.receive(&own).await, ReceiveOutcome::Stored);
    let mut foreign = booking_event("e2", "confirmed");
    foreign.conversation = Some(elsewhere.id.clone());
    assert_eq!(booking.receive(&foreign).await, ReceiveOutcome::ConversationIdTaken);
    let mut next = booking_event("e3", "booked");
    (next.appointment, next.conversation) =
        (AppointmentId::parse("rdv-2").expect("a good id"), Some(here.id.clone()));
    assert_eq!(booking.receive(&next).await, ReceiveOutcome::ConversationIdTaken);
    // Nor after it was deleted, not even for its own booking, which continues without it.
    here.delete_conversation().await;
    assert_eq!(booking.receive(&next).await, ReceiveOutcome::ConversationIdTaken);
    let mut again = booking_event("e4", "confirmed");
    again.conversation = Some(here.id.clone());
    assert_eq!(booking.receive(&again).await, ReceiveOutcome::ConversationIdTaken);
    assert_eq!(booking.pending("e4").await, None, "it is not kept");
    assert_eq!(booking.receive(&own).await, ReceiveOutcome::Known);
    again.conversation = ConversationId::parse("wanted-1").ok();
    assert_eq!(booking.receive(&again).await, ReceiveOutcome::Stored);
    let pending = booking.pending("e1").await.expect("it waits");
    assert_eq!((pending.conversation, pending.free_id), (None, None));
}

/// A booking has one conversation, so one id is reserved for it, and none beside the conversation
/// it has.
pub async fn a_booking_reserves_one_id(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let booking = Booking::new(&fixture).await;
    let about = |id: &str, booking: &str, wanted: &str| {
        let mut report = booking_event(id, "booked");
        report.appointment = AppointmentId::parse(booking).expect("a good id");
        report.conversation = ConversationId::parse(wanted).ok();
        report
    };
    assert_eq!(booking.receive(&about("e1", "rdv-2", "wanted-1")).await, ReceiveOutcome::Stored);
    let second = about("e2", "rdv-2", "wanted-2");
    assert_eq!(booking.receive(&second).await, ReceiveOutcome::ConversationIdTaken);
    assert_eq!(booking.pending("e2").await, None, "it is not kept");
    // Nor is its id reserved.
    assert_eq!(booking.receive(&about("e3", "rdv-3", "wanted-2")).await, ReceiveOutcome::Stored);
    assert_eq!(booking.receive(&about("e4", "rdv-2", "")).await, ReceiveOutcome::Stored);

    // The booking `rdv-1` has a conversation with an id of ours.
    let here = booking.conversation().await;
    let third = about("e5", "rdv-1", "wanted-3");
    assert_eq!(booking.receive(&third).await, ReceiveOutcome::ConversationIdTaken);
    here.delete_conversation().await;
    assert_eq!(booking.receive(&third).await, ReceiveOutcome::Stored);
}

/// A conversation is opened with the requested id, unless it has been taken since.
pub async fn a_conversation_is_opened_under_the_id_that_was_reserved(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let booking = Booking::new(&fixture).await;
    let mut report = booking_event("e1", "booked");
    report.conversation = ConversationId::parse("wanted-1").ok();
    booking.receive(&report).await;
    let pending = booking.pending("e1").await.expect("it waits");
    assert_eq!(pending.free_id, report.conversation);

    // An import adds a conversation with that id in between.
    let mut change = booking.change("e1").await;
    let NoticeTarget::New(open) = &mut change.target else { panic!("there is none yet") };
    open.id = report.conversation.clone().expect("it brings one");
    let mut other = open.clone();
    other.appointment = None;
    let opened = store.open_conversation(&other).await.expect(ANSWERS);
    assert!(matches!(opened, OpenOutcome::Opened(_)), "{opened:?}");
    let overtaken = booking.apply(&report.id, Some(change.clone())).await;
    assert_eq!(overtaken, AppliedAppointmentEvent::LeaseLost);
    let pending = booking.pending("e1").await.expect("it waits");
    assert_eq!((pending.conversation, pending.free_id), (None, None));

    let NoticeTarget::New(open) = &mut change.target else { panic!("there is none yet") };
    open.id = fixture.new_id();
    let applied = booking.apply(&report.id, Some(change)).await;
    assert!(matches!(applied, AppliedAppointmentEvent::Applied(_)), "{applied:?}");
}

/// The conversations of a salon are found by their bookings, and nobody else's are.
pub async fn conversations_are_found_by_their_bookings(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let booking = Booking::new(&fixture).await;
    let conversation = booking.conversation().await;
    fixture.conversation("s1", "c1").await;
    let named = |ids: &[&str]| -> Vec<_> {
        ids.iter().map(|id| AppointmentId::parse(id).expect("a good id")).collect()
    };
    let find = async |salon: &str, ids: &[&str]| {
        store.conversations_of_bookings(&user(salon), &named(ids)).await.expect(ANSWERS)
    };
    let said = conversation.send_text(&conversation.client, "Merci").await;
    let expected = ConversationOfBooking {
        appointment: named(&["rdv-1"]).remove(0),
        conversation: conversation.id.clone(),
        status: Status::Active,
        last_message_at: said.created_at,
    };
    assert_eq!(find("s1", &["rdv-2", "rdv-1", "rdv-1"]).await, std::slice::from_ref(&expected));
    assert_eq!(find("s2", &["rdv-1"]).await, []);
    assert_eq!(find("c1", &["rdv-1"]).await, []);
    assert_eq!(find("s1", &[]).await, []);
    let mut second = booking.opening();
    second.appointment = named(&["rdv-0"]).pop();
    store.open_conversation(&second).await.expect(ANSWERS);
    let found = find("s1", &["rdv-1", "rdv-0"]).await;
    let found: Vec<_> = found.iter().map(|one| one.appointment.as_str()).collect();
    assert_eq!(found, ["rdv-0", "rdv-1"]);
    conversation.delete_conversation().await;
    assert_eq!(find("s1", &["rdv-1"]).await, []);
}
