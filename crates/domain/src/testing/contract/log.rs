//! The log: every change, in order, without a gap.

use super::stage::{ANSWERS, Stage, at};
use crate::{
    conversation::Status,
    event::EventKind,
    id::ConversationId,
    ports::{LogPiece, StatusEdit, Store},
    seq::Seq,
};

/// A log is read from any position on, in pieces.
pub async fn a_log_is_read_in_pieces(store: &dyn Store) {
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
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
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    talk.say(&talk.client, "Bonjour").await;
    for after in [3, 1_000] {
        let piece = store.events_after(&talk.id, &talk.salon, at(after), 10).await;
        assert_eq!(piece.expect(ANSWERS), Some(LogPiece::Trimmed), "after {after}");
    }
}

/// A log that is read again shows messages as they are by now.
pub async fn a_log_shows_messages_as_they_are_now(store: &dyn Store) {
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    let message = talk.say(&talk.client, "Bonjour").await;
    talk.read(&talk.salon).await;
    let EventKind::MessagePosted(kept) = &talk.log().await[1].kind else { panic!("was posted") };
    assert!(kept.is_read);
    assert_eq!(**kept, talk.reread(&message).await);
}

/// A receipt that is read again counts what waits now.
pub async fn a_log_shows_receipts_with_what_waits_now(store: &dyn Store) {
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
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
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
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
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    let nowhere = ConversationId::parse("nowhere").expect("a good id");
    let log = store.events_after(&nowhere, &talk.salon, Seq::ZERO, 10).await.expect(ANSWERS);
    assert_eq!(log, None);
}

/// What became of one's conversations is told in the order of time, from a moment on; what was said
/// and read in them is not.
pub async fn what_became_of_conversations_is_told_since_a_moment(store: &dyn Store) {
    let stage = Stage::new(store);
    let (kept, gone) = (stage.talk("s1", "c1").await, stage.talk("s1", "c1").await);
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
        assert_eq!(since(stage.now(), 1_000).await, []);
    }
}

/// What became of other people's conversations is told to nobody.
pub async fn what_became_of_conversations_is_for_participants(store: &dyn Store) {
    let stage = Stage::new(store);
    let (theirs, own) = (stage.talk("s1", "c1").await, stage.talk("s2", "c2").await);
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
