//! Putting conversations away for their age, and deleting what is in them.

use super::{
    aged::Aged,
    stage::{ANSWERS, Stage},
};
use crate::{
    conversation::Status,
    event::EventKind,
    id::ConversationId,
    page::Window,
    ports::{ReadTarget, StatusEdit, Store, Usage},
    retention::SalonRetention,
    testing::fixture::pictures,
};

/// What is put away for its age says so, and keeps its place: nobody has more to read by it, and no
/// list is in another order.
pub async fn what_is_put_away_for_its_age_wakes_nobody(store: &dyn Store) {
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    talk.say(&talk.salon, "Bonjour").await;
    let newest = talk.say(&talk.client, "Samedi ?").await;
    let before = (stage.unread_total(&talk.salon).await, stage.unread_total(&talk.client).await);
    let events = talk.archive_for_age(stage.now()).await;
    let [updated, posted] = &events[..] else { panic!("two things happen: {events:?}") };
    let archived = EventKind::ConversationUpdated { subject: None, status: Status::Archived };
    assert_eq!((&updated.kind, &updated.actor), (&archived, &talk.salon));
    let EventKind::MessagePosted(notice) = &posted.kind else { panic!("{posted:?}") };
    let data = notice.notice.as_ref().expect("it is one");
    assert_eq!((data.kind(), data.fields()), ("archived-for-age", vec![("days", "90".to_owned())]));
    assert_eq!((&notice.author.id, notice.is_read, notice.read_at), (&talk.salon, true, None));
    assert_eq!(talk.log().await[3..], events[..]);
    assert_eq!(talk.history(&Window::first(9)).await.page.total, 3);
    for reader in [&talk.salon, &talk.client] {
        let view = talk.view(reader).await;
        assert_eq!(
            (view.unread, view.last_message.expect("one is left").id),
            (1, newest.id.clone())
        );
        assert_eq!(view.conversation.last_message_at, newest.created_at);
        assert_eq!(view.conversation.status, Status::Archived);
    }
    let after = (stage.unread_total(&talk.salon).await, stage.unread_total(&talk.client).await);
    assert_eq!((before, after), ((1, 1), (1, 1)));
    assert_eq!(talk.archive_for_age(stage.now()).await, [], "it is put away already");
}

/// A notice of the house is nobody's to delete, and counts in no receipt.
pub async fn a_notice_of_the_house_is_nobody_s(store: &dyn Store) {
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    talk.say(&talk.salon, "Bonjour").await;
    let events = talk.archive_for_age(stage.now()).await;
    let EventKind::MessagePosted(notice) = &events[1].kind else { panic!("{events:?}") };
    assert_eq!(talk.delete_as(&talk.salon, notice).await, None);
    assert_eq!(talk.delete_as(&talk.client, notice).await, None);
    let marked = talk.try_read(&talk.client, ReadTarget::Everything).await.expect("takes part");
    assert!(!super::talk::receipt(marked).several);
    assert_eq!(talk.read(&talk.salon).await.event, None);
}

/// A message brings back what was put away, and it may be put away again.
pub async fn a_message_brings_back_what_was_put_away_for_its_age(store: &dyn Store) {
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    for _ in 0..2 {
        assert_eq!(talk.archive_for_age(stage.now()).await.len(), 2);
        talk.say(&talk.client, "Bonjour").await;
        assert_eq!(talk.state().await.status, Status::Active);
    }
    assert_eq!(stage.unread_total(&talk.salon).await, 2);
}

/// What was said after the decision to put it away, or is held, stays in use.
pub async fn what_is_no_longer_due_stays_in_use(store: &dyn Store) {
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    let quiet_since = stage.now();
    talk.say(&talk.client, "Bonjour").await;
    assert_eq!(talk.archive_for_age(quiet_since).await, []);
    assert!(store.hold_conversation(&talk.id, stage.now()).await.expect(ANSWERS));
    assert_eq!(talk.archive_for_age(stage.now()).await, []);
    assert!(store.release_conversation(&talk.id).await.expect(ANSWERS));
    assert!(!store.release_conversation(&talk.id).await.expect(ANSWERS));
    let held = SalonRetention { policy: None, is_held: true };
    store.put_salon_retention(&talk.salon, held, stage.now()).await.expect(ANSWERS);
    assert_eq!(talk.archive_for_age(stage.now()).await, []);
    store.drop_salon_retention(&talk.salon).await.expect(ANSWERS);
    assert_eq!(talk.archive_for_age(stage.now()).await.len(), 2);
    let nowhere = ConversationId::parse("nowhere").expect("good");
    assert!(!store.hold_conversation(&nowhere, stage.now()).await.expect(ANSWERS));
}

/// Old messages go piece by piece, the oldest first, with their files; nobody has to read them any
/// more, and nothing of either side is left. What the house said stays.
pub async fn old_messages_go_piece_by_piece(store: &dyn Store) {
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    let mut said = vec![];
    for words in ["1", "2", "3"] {
        said.push(talk.say(&talk.salon, words).await.id.clone());
    }
    // Of these two files one has a key.
    said.push(talk.send(&talk.client, pictures("4", 2, None)).await.message.id.clone());
    talk.archive_for_age(stage.now()).await;
    let ids = std::slice::from_ref(&talk.id);
    let weight = store.measure(ids).await.expect(ANSWERS);
    assert_eq!(weight, Usage { messages: 4, files: 1 });

    let mut pieces = vec![];
    for (unread, left) in [(1, 2), (0, 0), (0, 0)] {
        let piece = talk.empty_aged(stage.now(), 2).await;
        assert_eq!(stage.unread_total(&talk.client).await, unread);
        assert_eq!(store.measure(ids).await.expect(ANSWERS).messages, left);
        pieces.push(piece);
    }
    assert_eq!(pieces.iter().map(|piece| piece.files).collect::<Vec<_>>(), [0, 1, 0]);
    let events: Vec<_> = pieces.into_iter().flat_map(|piece| piece.events).collect();
    let gone: Vec<_> = said.into_iter().map(EventKind::MessageDeleted).collect();
    assert!(events.iter().map(|event| &event.kind).eq(&gone), "{events:?}");
    assert_eq!(talk.log().await[7..], events[..]);
    assert_eq!(talk.words().await.len(), 1, "the notice is left");
    let view = talk.view(&talk.salon).await;
    assert_eq!((view.last_message, view.unread), (None, 0));
    assert_eq!(view.conversation.last_message_at, view.conversation.created_at);
    assert_eq!(stage.walk(Status::Archived, stage.now(), 9).await, []);
    let file = ("delete_hosted_file".to_owned(), "upload-1".to_owned());
    assert_eq!(stage.tasks().await, [file]);
}

/// Messages of what is in use, younger than asked for, or held, stay.
pub async fn what_is_no_longer_due_keeps_its_messages(store: &dyn Store) {
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    talk.say(&talk.client, "Bonjour").await;
    let early = stage.now();
    let is_emptied = async |by| !talk.empty_aged(by, 9).await.events.is_empty();
    assert!(!is_emptied(stage.now()).await, "it is in use");
    talk.try_edit(&talk.salon, None, Some(StatusEdit::Set(Status::Archived))).await;
    assert!(!is_emptied(early).await, "it was put away since");
    store.hold_conversation(&talk.id, stage.now()).await.expect(ANSWERS);
    assert!(!is_emptied(stage.now()).await, "it is held");
    store.release_conversation(&talk.id).await.expect(ANSWERS);
    talk.say(&talk.client, "Vous êtes là ?").await;
    assert!(!is_emptied(stage.now()).await, "it was brought back");
    talk.archive().await;
    assert!(is_emptied(stage.now()).await);
}
