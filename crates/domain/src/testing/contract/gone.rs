//! Conversations that were taken away.

use super::stage::{ANSWERS, Stage, at};
use crate::{
    event::EventKind,
    id::AppointmentId,
    page::Window,
    ports::{PostOutcome, ReadTarget, Store},
    seq::Seq,
    testing::fixture::{keyed, pictures, text, user},
};

/// What was taken away is in no query of either side.
pub async fn a_conversation_taken_away_is_in_no_query(store: &dyn Store) {
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    let theirs = talk.say(&talk.client, "Bonjour").await;
    talk.say(&talk.salon, "Oui ?").await;
    let last_seq = talk.state().await.last_seq;
    let event = talk.end().await;
    assert_eq!((event.seq, &event.actor), (last_seq.next(), &talk.salon));
    assert_eq!((&event.conversation, &event.kind), (&talk.id, &EventKind::ConversationDeleted));
    assert_eq!((&event.parties.salon, &event.parties.client), (&talk.salon, &talk.client));

    assert_eq!(store.parties(&talk.id).await.expect(ANSWERS), None);
    for viewer in [&talk.salon, &talk.client] {
        assert_eq!(talk.try_view(viewer).await, None);
        assert_eq!(talk.try_history(viewer, &Window::first(9)).await, None);
        assert_eq!(talk.find(viewer, &theirs).await, None);
        let list = stage.list(viewer, None, &Window::first(9)).await;
        assert_eq!((list.items.len(), list.total), (0, 0));
        assert_eq!(stage.unread_total(viewer).await, 0);
        assert_eq!(stage.unread_conversations(viewer, 9).await, []);
    }
}

/// Nothing more happens in what was taken away, and its log does not grow.
pub async fn nothing_happens_where_nothing_is_any_more(store: &dyn Store) {
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    let message = talk.send(&talk.client, keyed("Bonjour", "k1")).await.message;
    talk.end().await;

    for draft in [text("Encore moi"), keyed("Bonjour", "k1")] {
        assert_eq!(talk.try_send(&talk.client, draft).await, PostOutcome::UnknownConversation);
    }
    assert_eq!(talk.delete(&message).await, None);
    assert_eq!(talk.try_read(&talk.salon, ReadTarget::Everything).await, None);
    assert_eq!(talk.try_edit(&talk.salon, Some("Bras"), None).await, None);
    assert_eq!(talk.end_as(&talk.salon).await, None);
    assert_eq!(talk.log().await.len(), 3);
}

/// Its log stays, for those who took part and nobody else, and tells of no text.
pub async fn a_log_outlives_its_conversation_without_any_text(store: &dyn Store) {
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    let elsewhere = stage.talk("s1", "c2").await;
    talk.name("un secret").await;
    let message = talk.send(&talk.client, pictures("un secret", 1, None)).await.message;
    talk.read(&talk.salon).await;
    let event = talk.end().await;

    let log = talk.log().await;
    assert!(log.iter().map(|event| event.seq.get()).eq(1..=5));
    assert!(matches!(log[0].kind, EventKind::ConversationOpened { subject: None, .. }), "{log:?}");
    assert!(matches!(log[1].kind, EventKind::ConversationUpdated { subject: None, .. }), "{log:?}");
    assert_eq!(log[2].kind, EventKind::MessageWithdrawn(message.id.clone()));
    assert!(matches!(log[3].kind, EventKind::MessagesRead(_)), "{log:?}");
    assert_eq!(log[4], event);
    assert_eq!(talk.log_as(&talk.salon, at(4), 10).await, Some(vec![event]));
    for stranger in [&elsewhere.client, &user("nobody")] {
        assert_eq!(talk.log_as(stranger, Seq::ZERO, 10).await, None);
    }
}

/// A booking is free again once its conversation was taken away.
pub async fn its_booking_can_be_opened_again(store: &dyn Store) {
    let stage = Stage::new(store);
    let booking = Some(AppointmentId::parse("rdv-1").expect("a good id"));
    for _ in 0..3 {
        let mut plan = stage.plan("s1", "c1").await;
        plan.appointment.clone_from(&booking);
        let (talk, _) = stage.open(&plan).await;
        assert_eq!(talk.state().await.appointment, booking);
        talk.end().await;
    }
}

/// What is taken away takes nothing else with it.
pub async fn other_conversations_stay(store: &dyn Store) {
    let stage = Stage::new(store);
    let (gone, stays) = (stage.talk("s1", "c1").await, stage.talk("s1", "c1").await);
    gone.say(&gone.client, "Bonjour").await;
    stays.say(&stays.client, "Bonsoir").await;
    gone.end().await;
    let view = stays.view(&stays.salon).await;
    assert_eq!((view.unread, stays.words().await), (1, vec!["Bonsoir".to_owned()]));
    assert_eq!(stage.list(&user("s1"), None, &Window::first(9)).await.items, [view]);
    assert_eq!(stage.unread_total(&user("s1")).await, 1);
}
