//! Changing subject and status.

use super::stage::Stage;
use crate::{
    conversation::Status,
    event::EventKind,
    ports::{StatusEdit, Store},
    text::Subject,
};

fn updated(subject: Option<&str>, status: Status) -> EventKind {
    let subject = subject.map(|words| Subject::open(words).expect("it fits"));
    EventKind::ConversationUpdated { subject, status }
}

/// Either side names the conversation, renames it, and takes the name away.
pub async fn a_subject_is_set_and_taken_away(store: &dyn Store) {
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    for (by, subject) in
        [(&talk.salon, Some("Bras")), (&talk.client, Some("Dos")), (&talk.salon, None)]
    {
        let events =
            talk.try_edit(by, Some(subject.unwrap_or_default()), None).await.expect("takes part");
        assert_eq!(events.len(), 1, "{events:?}");
        assert_eq!((&events[0].kind, &events[0].actor), (&updated(subject, Status::Active), by));
        let now = talk.state().await;
        assert_eq!(now.subject.as_ref().map(Subject::as_str), subject);
        assert_eq!((now.status, now.last_seq), (Status::Active, events[0].seq));
    }
}

/// A status is set to what is asked for, or to the other one.
pub async fn a_status_is_set_and_toggled(store: &dyn Store) {
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    for (edit, status) in [
        (StatusEdit::Set(Status::Archived), Status::Archived),
        (StatusEdit::Set(Status::Active), Status::Active),
        (StatusEdit::Toggle, Status::Archived),
        (StatusEdit::Toggle, Status::Active),
    ] {
        let events = talk.try_edit(&talk.salon, None, Some(edit)).await.expect("takes part");
        assert_eq!(events.len(), 1, "{edit:?} told {events:?}");
        assert_eq!(events[0].kind, updated(None, status));
        assert_eq!(talk.state().await.status, status);
    }
}

/// Both may change in one go, which is one event; a change of one leaves the other.
pub async fn subject_and_status_change_together(store: &dyn Store) {
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    let both = talk.try_edit(&talk.salon, Some("Bras"), Some(StatusEdit::Toggle)).await;
    let both = both.expect("takes part");
    assert_eq!((both.len(), &both[0].kind), (1, &updated(Some("Bras"), Status::Archived)));
    let one = talk.name("Dos").await;
    assert_eq!((one.len(), &one[0].kind), (1, &updated(Some("Dos"), Status::Archived)));
}

/// What is so already, or is not asked for, is no change: no event, no position, no new time.
pub async fn what_is_already_so_is_not_changed(store: &dyn Store) {
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    talk.name("Bras").await;
    let before = talk.state().await;
    let active = Some(StatusEdit::Set(Status::Active));
    for (subject, status) in
        [(None, None), (Some("Bras"), None), (None, active), (Some("Bras"), active)]
    {
        assert_eq!(talk.try_edit(&talk.salon, subject, status).await, Some(vec![]));
    }
    assert_eq!(talk.state().await, before);
}

/// An edit moves `updated_at`, and leaves the conversation where it is in the lists.
pub async fn an_edit_moves_no_conversation_up_the_list(store: &dyn Store) {
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    let before = talk.state().await;
    let events = talk.archive().await;
    let now = talk.state().await;
    assert!(events[0].at > before.updated_at);
    assert_eq!((now.updated_at, now.last_message_at), (events[0].at, before.last_message_at));
    assert_eq!(now.created_at, before.created_at);
}
