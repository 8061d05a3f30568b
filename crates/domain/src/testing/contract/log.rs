//! The log: every change, in order, without a gap.

use futures_util::future::join_all;

use super::setup::{ANSWERS, Fixture, at, posted};
use crate::{
    conversation::{
        Status,
        event::{Event, EventKind},
        ledger::StatusEdit,
        store::LogPiece,
    },
    ids::{ConversationId, Seq},
    page::Window,
    store::Store,
    testing::fixture::{keyed, text},
};

/// A log is read from any position on, in segments.
pub async fn a_log_is_read_in_pieces(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    for words in ["1", "2", "3", "4", "5"] {
        conversation.send_text(&conversation.client, words).await;
    }
    let whole = conversation.log().await;
    for viewer in [&conversation.salon, &conversation.client] {
        let piece = async |after, limit| {
            conversation.log_as(viewer, at(after), limit).await.expect("takes part")
        };
        assert_eq!(piece(0, 2).await, whole[..2]);
        assert_eq!(piece(2, 3).await, whole[2..5]);
        assert_eq!(piece(5, 1_000).await, whole[5..]);
        assert_eq!(piece(6, 10).await, vec![]);
    }
}

/// A client that saw more than the log has, as before a restored backup, gets `Trimmed`.
pub async fn a_log_that_never_reached_a_position_does_not_continue_from_it(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    conversation.send_text(&conversation.client, "Bonjour").await;
    for after in [3, 1_000] {
        let piece = store.events_after(&conversation.id, &conversation.salon, at(after), 10).await;
        assert_eq!(piece.expect(ANSWERS), Some(LogPiece::Trimmed), "after {after}");
    }
}

/// A log shows messages in their current state.
pub async fn a_log_shows_messages_as_they_are_now(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    let message = conversation.send_text(&conversation.client, "Bonjour").await;
    conversation.mark_read(&conversation.salon).await;
    let EventKind::MessagePosted(logged) = &conversation.log().await[1].kind else {
        panic!("was posted")
    };
    assert!(logged.is_read);
    assert_eq!(**logged, conversation.reload(&message).await);
}

/// A receipt in the log has the current unread count.
pub async fn a_log_shows_receipts_with_what_waits_now(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    conversation.send_text(&conversation.client, "Bonjour").await;
    conversation.mark_read(&conversation.salon).await;
    conversation.send_text(&conversation.client, "Samedi ?").await;
    conversation.send_text(&conversation.client, "14 h ?").await;
    let EventKind::MessagesRead(logged) = &conversation.log().await[2].kind else {
        panic!("was read")
    };
    assert_eq!((&logged.reader, logged.unread), (&conversation.salon, 2));
    assert!(!logged.several);
}

/// A log stores no subject: it shows the current one.
pub async fn a_removed_subject_is_in_no_log(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    conversation.set_subject("un secret").await;
    conversation.try_edit(&conversation.salon, Some(""), Some(StatusEdit::Toggle)).await;
    let log = conversation.log().await;
    let opened = EventKind::ConversationOpened { subject: None, status: Status::Archived };
    assert_eq!(log[0].kind, opened);
    for event in &log[1..] {
        let now = EventKind::ConversationUpdated { subject: None, status: Status::Archived };
        assert_eq!(event.kind, now);
    }
}

/// Without a conversation there is no log.
pub async fn there_is_no_log_of_nothing(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    let nowhere = ConversationId::parse("nowhere").expect("a good id");
    let log =
        store.events_after(&nowhere, &conversation.salon, Seq::ZERO, 10).await.expect(ANSWERS);
    assert_eq!(log, None);
}

/// Openings, changes and deletions of one's conversations are listed by time, from a given time on;
/// messages and read receipts are not.
pub async fn changes_of_conversations_are_listed_since_a_time(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let (logged, gone) =
        (fixture.conversation("s1", "c1").await, fixture.conversation("s1", "c1").await);
    logged.send_text(&logged.client, "Bonjour").await;
    logged.mark_read(&logged.salon).await;
    let renamed = logged.set_subject("Bras").await;
    let ended = gone.delete_conversation().await;
    let (opened, reopened) = (&logged.log().await[0], &gone.log().await[0]);

    for viewer in [&logged.salon, &logged.client] {
        let since = async |at, limit| store.changes_since(viewer, at, limit).await.expect(ANSWERS);
        let all = [opened.clone(), reopened.clone(), renamed[0].clone(), ended.clone()];
        assert_eq!(since(opened.at, 1_000).await, all);
        assert_eq!(since(opened.at, 2).await, all[..2]);
        assert_eq!(since(renamed[0].at, 1_000).await, all[2..]);
        assert_eq!(since(fixture.now(), 1_000).await, []);
    }
}

/// Changes of other people's conversations are listed to nobody.
pub async fn what_became_of_conversations_is_for_participants(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let (theirs, own) =
        (fixture.conversation("s1", "c1").await, fixture.conversation("s2", "c2").await);
    let since = theirs.log().await[0].at;
    let events = store.changes_since(&own.client, since, 10).await.expect(ANSWERS);
    assert_eq!(events, own.log().await);
    let nobody = crate::testing::fixture::user("nobody");
    assert_eq!(store.changes_since(&nobody, since, 10).await.expect(ANSWERS), []);
}

/// A working store answers a ping.
pub async fn a_store_that_works_answers_a_ping(store: &dyn Store) {
    store.ping().await.expect(ANSWERS);
}

// Positions: the only order.

/// Each change takes the next position and its events equal those in the log; a no-op takes none.
pub async fn every_change_takes_the_next_position(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let mut plan = fixture.plan("s1", "c1").await;
    plan.opening = Some(fixture.opening("Bonjour"));
    let (conversation, mut events) = fixture.open(&plan).await;

    events.extend(conversation.mark_read(&conversation.client).await.event);
    events.extend(conversation.mark_read(&conversation.client).await.event);
    events.extend(conversation.send(&conversation.client, keyed("Oui ?", "k1")).await.events);
    conversation.try_send(&conversation.client, keyed("Oui ?", "k1")).await;
    events.extend(conversation.set_subject("Bras").await);
    events.extend(conversation.set_subject("Bras").await);
    events.extend(conversation.archive().await);
    let mut watched = conversation.post(&conversation.client, text("Samedi ?"));
    watched.read_on_arrival = true;
    let watched = posted(conversation.try_post(&watched).await);
    events.extend(watched.events);
    events.extend(conversation.delete(&watched.message).await);
    conversation.delete(&watched.message).await;
    events.push(conversation.delete_conversation().await);

    let positions =
        |events: &[Event]| events.iter().map(|event| event.seq.get()).collect::<Vec<_>>();
    assert_eq!(positions(&events), (1..=11).collect::<Vec<_>>());
    let log = conversation.log().await;
    assert_eq!(positions(&log), positions(&events));
    for (events, logged) in events.iter().zip(&log) {
        assert_eq!(
            (events.at, &events.actor, &events.parties),
            (logged.at, &logged.actor, &logged.parties)
        );
        assert_eq!((&events.conversation, kind(events)), (&logged.conversation, kind(logged)));
    }
}

/// The kind of an event, without what may change later.
fn kind(event: &Event) -> String {
    match &event.kind {
        EventKind::ConversationOpened { .. } => "opened".to_owned(),
        EventKind::ConversationUpdated { .. } => "updated".to_owned(),
        EventKind::ConversationDeleted => "ended".to_owned(),
        EventKind::MessagePosted(message) => format!("posted {}", message.id),
        EventKind::MessageWithdrawn(id) => format!("posted {id}"),
        EventKind::MessageDeleted(id) => format!("deleted {id}"),
        EventKind::MessagesRead(receipt) => format!("{} read to {}", receipt.reader, receipt.up_to),
    }
}

/// The conversation, its log and its history agree on the newest position.
pub async fn the_newest_position_is_the_same_everywhere(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    conversation.send_text(&conversation.client, "Bonjour").await;
    conversation.mark_read(&conversation.salon).await;
    conversation.archive().await;
    let newest = conversation.log().await.last().expect("things happened").seq;
    assert_eq!(newest, at(4));
    assert_eq!(conversation.state().await.last_seq, newest);
    assert_eq!(conversation.history(&Window::first(1)).await.last_seq, newest);
}

/// Positions define the order, whatever the clocks of two nodes say.
pub async fn order_comes_from_positions_and_not_from_clocks(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    let early = conversation.post(&conversation.client, text("second"));
    let late = conversation.post(&conversation.salon, text("first"));
    conversation.try_post(&late).await;
    conversation.try_post(&early).await;

    assert_eq!(conversation.texts().await, ["first", "second"]);
    let view = conversation.view(&conversation.salon).await;
    assert_eq!(view.last_message.map(|last| last.id), Some(early.id));
    assert_eq!(view.conversation.last_message_at, early.at);
}

/// Twenty concurrent messages take twenty consecutive positions.
pub async fn twenty_at_once_leave_no_gap(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    let posts: Vec<_> = (0..20)
        .map(|n| {
            conversation.post(
                if n % 2 == 0 { &conversation.salon } else { &conversation.client },
                text("Bonjour"),
            )
        })
        .collect();
    let outcomes = join_all(posts.iter().map(|post| conversation.try_post(post))).await;

    let mut seqs: Vec<_> = outcomes.into_iter().map(|one| posted(one).message.seq.get()).collect();
    seqs.sort_unstable();
    assert_eq!(seqs, (2..=21).collect::<Vec<_>>());
    assert_eq!(
        (conversation.state().await.last_seq, conversation.texts().await.len()),
        (at(21), 20)
    );
    assert!(conversation.log().await.iter().map(|event| event.seq.get()).eq(1..=21));
}
