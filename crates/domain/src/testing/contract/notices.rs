//! Platform notices about booking events.

use futures_util::future::join_all;

use super::setup::{Booking, Fixture, at, event_at, subject};
use crate::{
    conversation::{Status, event::EventKind, message::MessageKind},
    page::Window,
    store::Store,
    testing::{
        commands::{AppliedAppointmentEvent, NoticeTarget},
        fixture::{booking_event, salon, user},
    },
};

const LATER: &str = "2026-01-05T10:00:00.000Z";

/// The first event of a booking opens its conversation and posts a notice in the salon's name.
pub async fn an_event_opens_a_conversation_and_posts_a_notice(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let booking = Booking::new(&fixture).await;
    let event = booking_event("e1", "booked");
    booking.receive(&event).await;
    let change = booking.change("e1").await;
    let events = booking.apply_event(&event, change.clone()).await;

    let [opened, posted] = &events[..] else { panic!("two things happened: {events:?}") };
    let (subject, status) = (Some(subject("RDV")), Status::Active);
    assert_eq!(opened.kind, EventKind::ConversationOpened { subject: subject.clone(), status });
    assert_eq!((opened.seq, posted.seq, &posted.actor), (at(1), at(2), &user("s1")));
    let EventKind::MessagePosted(message) = &posted.kind else { panic!("{posted:?}") };
    assert!(message.author == salon("s1"));
    assert_eq!((&message.id, message.kind), (&change.notice.id, MessageKind::System));
    assert_eq!(message.content, change.notice.content);
    assert_eq!(message.notice.as_ref(), Some(&change.notice.notice));

    let conversation = booking.conversation_with_id(&opened.conversation);
    assert_eq!(conversation.log().await, events);
    let view = conversation.view(&conversation.client).await;
    assert_eq!((view.unread, view.conversation.subject), (1, subject));
    assert_eq!(view.conversation.appointment, Some(event.appointment.clone()));
    assert_eq!(view.conversation.last_message_at, message.created_at);
    assert_eq!(view.last_message.expect("it was said").id, message.id);
    assert_eq!(conversation.reload(message).await, **message);
    assert_eq!(conversation.history(&Window::first(9)).await.page.items, [(**message).clone()]);
    assert_eq!(booking.pending("e1").await, None);
    let again = booking.apply(&event.id, Some(change)).await;
    assert_eq!(again, AppliedAppointmentEvent::AlreadyHandled);
}

/// A conversation opened by a cancellation is archived from the start.
pub async fn a_conversation_may_be_opened_archived(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let booking = Booking::new(&fixture).await;
    let event = booking_event("e1", "cancelled");
    booking.receive(&event).await;
    let mut change = booking.change("e1").await;
    change.status = Status::Archived;
    let events = booking.apply_event(&event, change).await;
    assert_eq!(events.len(), 2, "{events:?}");
    let archived = |kind: &EventKind| {
        matches!(kind, EventKind::ConversationOpened { status: Status::Archived, .. })
    };
    assert!(archived(&events[0].kind), "{events:?}");
    let conversation = booking.conversation_with_id(&events[0].conversation);
    assert_eq!(conversation.state().await.status, Status::Archived);
}

/// Later events post to the existing conversation and update subject and status.
pub async fn an_event_posts_to_the_booking_s_conversation(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let booking = Booking::new(&fixture).await;
    let conversation = booking.conversation().await;
    let event = event_at("e1", "cancelled", LATER);
    booking.receive(&event).await;
    let mut change = booking.change("e1").await;
    assert!(matches!(&change.target, NoticeTarget::In(id) if *id == conversation.id), "{change:?}");
    change.status = Status::Archived;
    change.subject = Some((subject("RDV"), subject("RDV 2")));
    let events = booking.apply_event(&event, change).await;

    let [updated, posted] = &events[..] else { panic!("two things happened: {events:?}") };
    let (subject, status) = (Some(subject("RDV 2")), Status::Archived);
    assert_eq!(updated.kind, EventKind::ConversationUpdated { subject: subject.clone(), status });
    assert!(matches!(posted.kind, EventKind::MessagePosted(_)), "{posted:?}");
    assert_eq!((updated.seq, posted.seq, &updated.actor), (at(3), at(4), &conversation.salon));
    let now = conversation.state().await;
    assert_eq!((now.subject, now.status, now.updated_at), (subject, status, posted.at));
    assert_eq!(
        (conversation.view(&conversation.client).await.unread, conversation.log().await.len()),
        (2, 4)
    );
}

/// A subject set by hand stays, and an unchanged one has no event.
pub async fn a_subject_that_somebody_wrote_stays(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let booking = Booking::new(&fixture).await;
    let conversation = booking.conversation().await;
    conversation.set_subject("Bras").await;
    let event = event_at("e1", "rescheduled", LATER);
    booking.receive(&event).await;
    let mut change = booking.change("e1").await;
    change.subject = Some((subject("RDV"), subject("RDV 2")));
    let events = booking.apply_event(&event, change).await;
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(conversation.state().await.subject, Some(subject("Bras")));
}

/// For a watching client it is read at once.
pub async fn a_notice_to_a_watching_client_is_read_on_arrival(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let booking = Booking::new(&fixture).await;
    let conversation = booking.conversation().await;
    let event = event_at("e1", "confirmed", LATER);
    booking.receive(&event).await;
    let mut change = booking.change("e1").await;
    change.read_on_arrival = true;
    let events = booking.apply_event(&event, change).await;
    let [_, read] = &events[..] else { panic!("two things happened: {events:?}") };
    let EventKind::MessagesRead(receipt) = &read.kind else { panic!("{read:?}") };
    assert_eq!((&receipt.reader, receipt.unread, receipt.several), (&conversation.client, 0, true));
    assert_eq!(conversation.view(&conversation.client).await.unread, 0);
}

/// A decision is not applied if the state of the booking has changed since.
pub async fn a_change_based_on_an_old_state_is_not_applied(store: &dyn Store) {
    use AppliedAppointmentEvent::LeaseLost;
    let fixture = Fixture::new(store);
    let booking = Booking::new(&fixture).await;
    let (late, event) = (booking_event("e1", "booked"), event_at("e2", "cancelled", LATER));
    booking.receive(&event).await;
    let unopened = booking.change("e2").await;
    let conversation = booking.conversation().await;
    let before = (conversation.state().await, conversation.log().await);

    assert_eq!(booking.apply(&event.id, Some(unopened)).await, LeaseLost);
    let mut elsewhere = booking.change("e2").await;
    elsewhere.target = NoticeTarget::In(fixture.new_id());
    assert_eq!(booking.apply(&event.id, Some(elsewhere)).await, LeaseLost);
    let mut unknowing = booking.change("e2").await;
    unknowing.newest_handled = None;
    assert_eq!(booking.apply(&event.id, Some(unknowing)).await, LeaseLost);
    assert_eq!((conversation.state().await, conversation.log().await), before);

    booking.receive(&late).await;
    let outdated = booking.change("e2").await;
    booking.apply_change("e1").await;
    assert_eq!(booking.apply(&event.id, Some(outdated)).await, LeaseLost);
    let gone = booking.change("e2").await;
    conversation.delete_conversation().await;
    assert_eq!(booking.apply(&event.id, Some(gone)).await, LeaseLost);
    assert!(booking.pending("e2").await.is_some_and(|pending| pending.conversation.is_none()));
    let applied = booking.apply_change("e2").await;
    assert!(matches!(applied, AppliedAppointmentEvent::Applied(_)), "{applied:?}");
}

/// An event that changes nothing is handled too.
pub async fn an_event_may_change_nothing(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let booking = Booking::new(&fixture).await;
    let conversation = booking.conversation().await;
    let before = (conversation.state().await, conversation.log().await);
    let event = event_at("e1", "no-show", LATER);
    booking.receive(&event).await;
    booking.apply_nothing(&event.id).await;
    assert_eq!(booking.apply(&event.id, None).await, AppliedAppointmentEvent::AlreadyHandled);
    assert_eq!((conversation.state().await, conversation.log().await), before);
    let nowhere = booking_event("e9", "booked").id;
    assert_eq!(booking.apply(&nowhere, None).await, AppliedAppointmentEvent::AlreadyHandled);
}

/// The text and data of a deleted notice are gone.
pub async fn a_deleted_notice_is_nowhere(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let booking = Booking::new(&fixture).await;
    let conversation = booking.conversation().await;
    let notice = conversation.history(&Window::first(9)).await.page.items.remove(0);
    conversation.delete(&notice).await.expect("the salon may");
    assert_eq!(conversation.find(&conversation.client, &notice).await, None);
    assert_eq!(conversation.log().await[1].kind, EventKind::MessageWithdrawn(notice.id.clone()));
}

/// Of concurrent handlers of an event, one posts it, in one conversation.
pub async fn of_ten_who_apply_an_event_at_once_one_does(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let booking = Booking::new(&fixture).await;
    let event = booking_event("e1", "booked");
    booking.receive(&event).await;
    let changes = join_all((0..10).map(|_| booking.change("e1"))).await;
    let outcomes = changes.into_iter().map(|change| booking.apply(&event.id, Some(change)));
    let outcomes = join_all(outcomes).await;
    let applied = |outcome: &&_| matches!(outcome, AppliedAppointmentEvent::Applied(_));
    assert_eq!(outcomes.iter().filter(applied).count(), 1, "{outcomes:?}");
    let list = fixture.list(&user("c1"), None, &Window::first(9)).await;
    assert_eq!((list.total, list.items[0].unread), (1, 1));
}

/// Of two concurrent events of a booking one has to be decided again.
pub async fn of_two_events_at_once_one_looks_again(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let booking = Booking::new(&fixture).await;
    let events = [booking_event("e1", "booked"), event_at("e2", "cancelled", LATER)];
    for event in &events {
        booking.receive(event).await;
    }
    let changes = [booking.change("e1").await, booking.change("e2").await];
    let outcomes = events.iter().zip(changes);
    let outcomes = outcomes.map(|(event, change)| booking.apply(&event.id, Some(change)));
    let outcomes = join_all(outcomes).await;
    let overtaken = |outcome: &&_| **outcome == AppliedAppointmentEvent::LeaseLost;
    assert_eq!(outcomes.iter().filter(overtaken).count(), 1, "{outcomes:?}");
    assert_eq!(fixture.list(&user("c1"), None, &Window::first(9)).await.total, 1);
}
