//! Concurrent reports about bookings.

use std::collections::BTreeSet;

use domain::{
    appointments::store::{AppointmentStore, ReceiveOutcome},
    conversation::store::ConversationStore,
    ids::{AppointmentId, ConversationId},
    ports::StoreError,
    testing::{
        commands::{AppliedAppointmentEvent, Commands, NoticeTarget, OpenOutcome},
        fixture::booking_event,
    },
};

use crate::{
    booking::{apply, greeting_in, opening, report},
    concurrency::{assert_counters_are_true, whole_log},
    support::Scratch,
    talk::{ANSWERS, TestConversation, now, plan},
    waiting::{at_once, hold, until, until_waiting},
};

const WAITING: &str = "SELECT count(*) FROM messaging.appointment_event WHERE handled_at IS NULL";

/// The conversation about the fixture's booking, opened by hand.
async fn booking_conversation(scratch: &Scratch) -> TestConversation {
    let mut plan = plan(scratch).await;
    plan.appointment = AppointmentId::parse("rdv-1").ok();
    let outcome = scratch.open_conversation(&plan).await.expect(ANSWERS);
    assert!(matches!(outcome, OpenOutcome::Opened(_)), "{outcome:?}");
    let (salon, client) = (plan.parties.salon, plan.parties.client);
    TestConversation { store: (**scratch).clone(), id: plan.id, salon, client }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_report_by_several_senders_at_once_is_kept_once() {
    let scratch = Scratch::new().await;
    let nodes = [(*scratch).clone(), scratch.another(|_| ())];
    let received = at_once(20, |number| {
        let store = nodes[number % 2].clone();
        async move {
            let kind = if number % 4 == 0 { "cancelled" } else { "booked" };
            let event = booking_event("e1", kind);
            (kind, store.receive_appointment_event(&event, now()).await.expect(ANSWERS))
        }
    })
    .await;

    let stored: Vec<_> =
        received.iter().filter(|(_, received)| *received == ReceiveOutcome::Stored).collect();
    let [(kept, _)] = stored[..] else { panic!("one is kept: {received:?}") };
    for (kind, received) in
        received.iter().filter(|(_, received)| *received != ReceiveOutcome::Stored)
    {
        let same = kind == kept;
        assert_eq!(
            *received,
            if same { ReceiveOutcome::Known } else { ReceiveOutcome::Contradicted }
        );
    }
    assert_eq!(scratch.number("SELECT count(*) FROM messaging.appointment_event").await, 1);
    assert_eq!(scratch.number("SELECT count(*) FROM messaging.job").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_id_that_several_bookings_want_at_once_is_reserved_for_one() {
    let scratch = Scratch::new().await;
    let nodes = [(*scratch).clone(), scratch.another(|_| ())];
    for round in 0..5 {
        let received = at_once(20, |number| {
            let store = nodes[number % 2].clone();
            async move {
                let booking = number % 4;
                let mut event = booking_event(&format!("e-{round}-{number}"), "booked");
                event.appointment =
                    AppointmentId::parse(&format!("rdv-{round}-{booking}")).expect("a good id");
                event.conversation = ConversationId::parse(&format!("wanted-{round}")).ok();
                (booking, store.receive_appointment_event(&event, now()).await.expect(ANSWERS))
            }
        })
        .await;
        let stored = received.iter().filter(|(_, received)| *received == ReceiveOutcome::Stored);
        let owners: BTreeSet<_> = stored.map(|(booking, _)| *booking).collect();
        assert_eq!(owners.len(), 1, "{received:?}");
        for (booking, received) in &received {
            let is_owner = owners.contains(booking);
            let expected =
                if is_owner { ReceiveOutcome::Stored } else { ReceiveOutcome::ConversationIdTaken };
            assert_eq!(*received, expected);
        }
    }
    assert_eq!(scratch.number("SELECT count(*) FROM messaging.appointment_event").await, 25);
    assert_eq!(scratch.number("SELECT count(*) FROM messaging.job").await, 25);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_several_ids_that_a_booking_wants_at_once_one_is_reserved() {
    let scratch = Scratch::new().await;
    let nodes = [(*scratch).clone(), scratch.another(|_| ())];
    for round in 0..5 {
        let received = at_once(20, |number| {
            let store = nodes[number % 2].clone();
            async move {
                let wanted = number % 4;
                let mut event = booking_event(&format!("e-{round}-{number}"), "booked");
                event.appointment =
                    AppointmentId::parse(&format!("rdv-{round}")).expect("a good id");
                event.conversation =
                    ConversationId::parse(&format!("wanted-{round}-{wanted}")).ok();
                (wanted, store.receive_appointment_event(&event, now()).await.expect(ANSWERS))
            }
        })
        .await;
        let stored = received.iter().filter(|(_, received)| *received == ReceiveOutcome::Stored);
        let reserved: BTreeSet<_> = stored.map(|(wanted, _)| *wanted).collect();
        assert_eq!(reserved.len(), 1, "{received:?}");
    }
    assert_eq!(scratch.number("SELECT count(*) FROM messaging.appointment_event").await, 25);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_event_that_several_nodes_apply_at_once_speaks_once() {
    let scratch = Scratch::new().await;
    let nodes = [(*scratch).clone(), scratch.another(|_| ())];
    let event = report(&scratch, "e1", "booked").await;
    let mut changes = Vec::new();
    for _ in 0..12 {
        changes.push(opening(&scratch, &event).await);
    }
    let outcomes = at_once(changes.len(), |number| {
        let (store, change) = (nodes[number % 2].clone(), changes[number].clone());
        async move { store.apply_appointment_event(&change).await.expect(ANSWERS) }
    })
    .await;

    let applied = |outcome: &&_| matches!(outcome, AppliedAppointmentEvent::Applied(_));
    assert_eq!(outcomes.iter().filter(applied).count(), 1, "{outcomes:?}");
    assert_eq!(scratch.number("SELECT count(*) FROM messaging.conversation").await, 1);
    assert_eq!(scratch.number("SELECT count(*) FROM messaging.message").await, 1);
    assert_eq!(scratch.number("SELECT count(*) FROM messaging.event").await, 2);
    assert_counters_are_true(&scratch).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn events_of_a_booking_applied_at_once_follow_one_another() {
    let scratch = Scratch::new().await;
    let conversation = booking_conversation(&scratch).await;
    let nodes = [(*scratch).clone(), scratch.another(|_| ())];
    let mut changes = Vec::new();
    for number in 0..8 {
        let event = report(&scratch, &format!("e{number}"), "confirmed").await;
        let mut change = greeting_in(&event, &conversation.id);
        change.change.as_mut().expect("it greets").read_on_arrival = number % 2 == 0;
        changes.push(change);
    }
    let outcomes = at_once(changes.len(), |number| {
        let (store, change) = (nodes[number % 2].clone(), changes[number].clone());
        async move { store.apply_appointment_event(&change).await.expect(ANSWERS) }
    })
    .await;

    // Each was decided before any was handled, so all but the first must be decided again.
    let overtaken = |outcome: &&_| **outcome == AppliedAppointmentEvent::LeaseLost;
    assert_eq!(outcomes.iter().filter(overtaken).count(), 7, "{outcomes:?}");
    assert_eq!(scratch.number(WAITING).await, 7);
    whole_log(&conversation).await;
    assert_counters_are_true(&scratch).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn notices_among_messages_and_readers_leave_no_gap() {
    let scratch = Scratch::new().await;
    let conversation = booking_conversation(&scratch).await;
    let nodes = [conversation.clone(), conversation.on(scratch.another(|_| ()))];
    let mut changes = Vec::new();
    for number in 0..10 {
        let event = report(&scratch, &format!("e{number}"), "confirmed").await;
        let mut change = greeting_in(&event, &conversation.id);
        change.change.as_mut().expect("it greets").read_on_arrival = number % 3 == 0;
        changes.push(change);
    }
    at_once(40, |number| {
        let (conversation, mut change) = (nodes[number % 2].clone(), changes[number / 4].clone());
        async move {
            match number % 4 {
                0 => loop {
                    let pending = conversation.store.pending_appointment_event(&change.event).await;
                    let pending = pending.expect(ANSWERS).expect("nobody else handles it");
                    let what = change.change.as_mut().expect("it greets");
                    what.newest_handled = pending.newest_handled;
                    let applied = conversation.store.apply_appointment_event(&change).await;
                    if applied.expect(ANSWERS) != AppliedAppointmentEvent::LeaseLost {
                        break;
                    }
                },
                1 => drop(conversation.read(&conversation.client).await),
                2 => drop(conversation.send_text(&conversation.client, "Bonjour").await),
                _ => drop(conversation.send_text(&conversation.salon, "Bonjour").await),
            }
        }
    })
    .await;
    assert_eq!(scratch.number(WAITING).await, 0);
    whole_log(&conversation).await;
    assert_counters_are_true(&scratch).await;
}

#[tokio::test]
async fn an_event_that_nobody_waits_for_any_more_is_applied_to_its_end() {
    let scratch = Scratch::new().await;
    let conversation = booking_conversation(&scratch).await;
    let event = report(&scratch, "e1", "confirmed").await;
    let change = greeting_in(&event, &conversation.id);
    let lock = hold(&scratch, &conversation).await;
    let store = (*scratch).clone();
    let abandoned = tokio::spawn(async move { store.apply_appointment_event(&change).await });
    until_waiting(&scratch, 1).await;
    abandoned.abort();
    assert!(abandoned.await.expect_err("nobody waits for it").is_cancelled());
    drop(lock);
    until(async || scratch.number(WAITING).await == 0).await;
    assert_eq!(conversation.send_text(&conversation.client, "Merci").await.message.seq.get(), 3);
}

#[tokio::test]
async fn an_event_that_cannot_be_applied_wholly_is_not_applied_at_all() {
    let scratch = Scratch::new().await;
    let elsewhere = TestConversation::open(&scratch).await;
    let taken = elsewhere.send_text(&elsewhere.client, "Bonjour").await.message;
    let event = report(&scratch, "e1", "booked").await;
    let mut change = opening(&scratch, &event).await;
    change.change.as_mut().expect("it greets").notice.id = taken.id.clone();
    let failed = scratch.apply_appointment_event(&change).await;
    assert!(matches!(failed, Err(StoreError::Internal(_))), "{failed:?}");
    assert_eq!(scratch.number("SELECT count(*) FROM messaging.conversation").await, 1);
    assert_eq!(scratch.number(WAITING).await, 1);

    let change = opening(&scratch, &event).await;
    assert_eq!(apply(&scratch, &change).await, 2);
    let NoticeTarget::New(open) = change.change.expect("it greets").target else {
        panic!("it opened")
    };
    let parties = scratch.parties(&open.id, &open.parties.salon).await.expect(ANSWERS);
    assert_eq!(parties, Some(open.parties));
}
