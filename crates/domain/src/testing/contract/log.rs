//! The log: every change, in order, without a gap.

use futures_util::future::join_all;

use super::setup::{ANSWERS, Fixture, at, posted};
use crate::{
    conversation::{
        Status,
        event::{Event, EventKind},
        store::{LogPiece, StatusEdit},
    },
    ids::{ConversationId, Seq},
    page::Window,
    store::Store,
    testing::fixture::{keyed, text},
};

/// A log is read from any position on, in pieces.
pub async fn a_log_is_read_in_pieces(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    for words in ["1", "2", "3", "4", "5"] {
        talk.say(&talk.client, words).await;
    }
    let whole = talk.log().await;
    for viewer in [&talk.salon, &talk.client] {
        let piece =
            async |after, limit| talk.log_as(viewer, at(after), limit).await.expect("takes part");
        assert_eq!(piece(0, 2).await, whole[..2]);
        assert_eq!(piece(2, 3).await, whole[2..5]);
        assert_eq!(piece(5, 1_000).await, whole[5..]);
        assert_eq!(piece(6, 10).await, vec![]);
    }
}

/// Whoever saw more than a log holds, as before a restored backup, is told so.
pub async fn a_log_that_never_got_so_far_does_not_go_on_from_there(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    talk.say(&talk.client, "Bonjour").await;
    for after in [3, 1_000] {
        let piece = store.events_after(&talk.id, &talk.salon, at(after), 10).await;
        assert_eq!(piece.expect(ANSWERS), Some(LogPiece::Trimmed), "after {after}");
    }
}

/// A log that is read again shows messages as they are by now.
pub async fn a_log_shows_messages_as_they_are_now(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    let message = talk.say(&talk.client, "Bonjour").await;
    talk.read(&talk.salon).await;
    let EventKind::MessagePosted(kept) = &talk.log().await[1].kind else { panic!("was posted") };
    assert!(kept.is_read);
    assert_eq!(**kept, talk.reread(&message).await);
}

/// A receipt that is read again counts what waits now.
pub async fn a_log_shows_receipts_with_what_waits_now(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    talk.say(&talk.client, "Bonjour").await;
    talk.read(&talk.salon).await;
    talk.say(&talk.client, "Samedi ?").await;
    talk.say(&talk.client, "14 h ?").await;
    let EventKind::MessagesRead(kept) = &talk.log().await[2].kind else { panic!("was read") };
    assert_eq!((&kept.reader, kept.unread), (&talk.salon, 2));
    assert!(!kept.several);
}

/// A log keeps no subject: it shows the one of now.
pub async fn a_subject_taken_away_is_in_no_log(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    talk.name("un secret").await;
    talk.try_edit(&talk.salon, Some(""), Some(StatusEdit::Toggle)).await;
    let log = talk.log().await;
    let opened = EventKind::ConversationOpened { subject: None, status: Status::Archived };
    assert_eq!(log[0].kind, opened);
    for event in &log[1..] {
        let now = EventKind::ConversationUpdated { subject: None, status: Status::Archived };
        assert_eq!(event.kind, now);
    }
}

/// Where there never was a conversation there is no log.
pub async fn there_is_no_log_of_nothing(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    let nowhere = ConversationId::parse("nowhere").expect("a good id");
    let log = store.events_after(&nowhere, &talk.salon, Seq::ZERO, 10).await.expect(ANSWERS);
    assert_eq!(log, None);
}

/// What became of one's conversations is told in the order of time, from a moment on; what was said
/// and read in them is not.
pub async fn what_became_of_conversations_is_told_since_a_moment(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let (kept, gone) = (fixture.talk("s1", "c1").await, fixture.talk("s1", "c1").await);
    kept.say(&kept.client, "Bonjour").await;
    kept.read(&kept.salon).await;
    let renamed = kept.name("Bras").await;
    let ended = gone.end().await;
    let (opened, reopened) = (&kept.log().await[0], &gone.log().await[0]);

    for viewer in [&kept.salon, &kept.client] {
        let since = async |at, limit| store.changes_since(viewer, at, limit).await.expect(ANSWERS);
        let all = [opened.clone(), reopened.clone(), renamed[0].clone(), ended.clone()];
        assert_eq!(since(opened.at, 1_000).await, all);
        assert_eq!(since(opened.at, 2).await, all[..2]);
        assert_eq!(since(renamed[0].at, 1_000).await, all[2..]);
        assert_eq!(since(fixture.now(), 1_000).await, []);
    }
}

/// What became of other people's conversations is told to nobody.
pub async fn what_became_of_conversations_is_for_participants(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let (theirs, own) = (fixture.talk("s1", "c1").await, fixture.talk("s2", "c2").await);
    let since = theirs.log().await[0].at;
    let told = store.changes_since(&own.client, since, 10).await.expect(ANSWERS);
    assert_eq!(told, own.log().await);
    let nobody = crate::testing::fixture::user("nobody");
    assert_eq!(store.changes_since(&nobody, since, 10).await.expect(ANSWERS), []);
}

/// A store that works answers.
pub async fn a_store_that_works_answers_a_ping(store: &dyn Store) {
    store.ping().await.expect(ANSWERS);
}

// Positions: the only order there is.

/// Each kind of change takes the next position and is told as the log keeps it; what changes
/// nothing takes none.
pub async fn every_change_takes_the_next_position(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let mut plan = fixture.plan("s1", "c1").await;
    plan.opening = Some(fixture.opening("Bonjour"));
    let (talk, mut told) = fixture.open(&plan).await;

    told.extend(talk.read(&talk.client).await.event);
    told.extend(talk.read(&talk.client).await.event);
    told.extend(talk.send(&talk.client, keyed("Oui ?", "k1")).await.events);
    talk.try_send(&talk.client, keyed("Oui ?", "k1")).await;
    told.extend(talk.name("Bras").await);
    told.extend(talk.name("Bras").await);
    told.extend(talk.archive().await);
    let mut watched = talk.post(&talk.client, text("Samedi ?"));
    watched.read_on_arrival = true;
    let watched = posted(talk.try_post(&watched).await);
    told.extend(watched.events);
    told.extend(talk.delete(&watched.message).await);
    talk.delete(&watched.message).await;
    told.push(talk.end().await);

    let positions =
        |events: &[Event]| events.iter().map(|event| event.seq.get()).collect::<Vec<_>>();
    assert_eq!(positions(&told), (1..=11).collect::<Vec<_>>());
    let log = talk.log().await;
    assert_eq!(positions(&log), positions(&told));
    for (told, kept) in told.iter().zip(&log) {
        assert_eq!((told.at, &told.actor, &told.parties), (kept.at, &kept.actor, &kept.parties));
        assert_eq!((&told.conversation, kind(told)), (&kept.conversation, kind(kept)));
    }
}

/// The kind of an event, without what may change after it happened.
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

/// The state of a conversation names the newest position of its log, as does its history.
pub async fn the_newest_position_is_the_same_everywhere(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    talk.say(&talk.client, "Bonjour").await;
    talk.read(&talk.salon).await;
    talk.archive().await;
    let newest = talk.log().await.last().expect("things happened").seq;
    assert_eq!(newest, at(4));
    assert_eq!(talk.state().await.last_seq, newest);
    assert_eq!(talk.history(&Window::first(1)).await.last_seq, newest);
}

/// Positions make the order, whatever the clocks of two nodes say.
pub async fn order_comes_from_positions_and_not_from_clocks(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    let early = talk.post(&talk.client, text("second"));
    let late = talk.post(&talk.salon, text("first"));
    talk.try_post(&late).await;
    talk.try_post(&early).await;

    assert_eq!(talk.words().await, ["first", "second"]);
    let view = talk.view(&talk.salon).await;
    assert_eq!(view.last_message.map(|last| last.id), Some(early.id));
    assert_eq!(view.conversation.last_message_at, early.at);
}

/// Twenty messages at the same moment take twenty positions that follow one another.
pub async fn twenty_at_once_leave_no_gap(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    let posts: Vec<_> = (0..20)
        .map(|n| talk.post(if n % 2 == 0 { &talk.salon } else { &talk.client }, text("Bonjour")))
        .collect();
    let outcomes = join_all(posts.iter().map(|post| talk.try_post(post))).await;

    let mut seqs: Vec<_> = outcomes.into_iter().map(|one| posted(one).message.seq.get()).collect();
    seqs.sort_unstable();
    assert_eq!(seqs, (2..=21).collect::<Vec<_>>());
    assert_eq!((talk.state().await.last_seq, talk.words().await.len()), (at(21), 20));
    assert!(talk.log().await.iter().map(|event| event.seq.get()).eq(1..=21));
}
