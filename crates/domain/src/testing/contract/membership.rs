//! Whoever takes no part finds nothing and changes nothing.

use super::{stage::Stage, talk::Talk};
use crate::{
    conversation::Status,
    id::UserId,
    page::Window,
    ports::{PostOutcome, ReadTarget, StatusEdit, Store},
    seq::Seq,
    testing::fixture::{client, keyed, text, user},
};

async fn assert_shut_out(talk: &Talk<'_>, stage: &Stage<'_>, stranger: &UserId) {
    let message = talk.history(&Window::first(1)).await.page.items.remove(0);
    let before = (talk.view(&talk.salon).await, talk.log().await);

    assert_eq!(talk.try_view(stranger).await, None);
    assert_eq!(talk.try_history(stranger, &Window::first(9)).await, None);
    assert_eq!(talk.find(stranger, &message).await, None);
    assert_eq!(talk.log_as(stranger, Seq::ZERO, 10).await, None);
    let listed = stage.list(stranger, None, &Window::first(100)).await;
    assert!(listed.items.iter().all(|view| view.conversation.id != talk.id));
    let waiting = stage.unread_conversations(stranger, 100).await;
    assert!(waiting.iter().all(|one| one.id != talk.id));

    let said = talk.try_send(stranger, keyed("Bonjour", "k1")).await;
    assert_eq!(said, PostOutcome::UnknownConversation);
    assert_eq!(talk.delete_as(stranger, &message).await, None);
    for target in [ReadTarget::Everything, ReadTarget::UpTo(message.seq)] {
        assert_eq!(talk.try_read(stranger, target).await, None);
    }
    let archived = Some(StatusEdit::Set(Status::Archived));
    assert_eq!(talk.try_edit(stranger, Some("Bras"), archived).await, None);
    assert_eq!(talk.end_as(stranger).await, None);

    assert_eq!((talk.view(&talk.salon).await, talk.log().await), before);
}

/// A person without any conversation, in the directory or not.
pub async fn a_stranger_is_shut_out(store: &dyn Store) {
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    talk.send(&talk.client, keyed("Bonjour", "k1")).await;
    stage.note(&client("c2")).await;
    for stranger in ["c2", "nobody", "S1", "C1"] {
        assert_shut_out(&talk, &stage, &user(stranger)).await;
    }
}

/// Another client of the same salon, and another salon of the same client.
pub async fn participants_of_other_conversations_are_shut_out(store: &dyn Store) {
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    let (same_salon, same_client) = (stage.talk("s1", "c2").await, stage.talk("s2", "c1").await);
    for one in [&talk, &same_salon, &same_client] {
        one.send(&one.client, keyed("Bonjour", "k1")).await;
    }
    assert_shut_out(&talk, &stage, &same_salon.client).await;
    assert_shut_out(&talk, &stage, &same_client.salon).await;
}

/// A conversation that never was is nobody's.
pub async fn where_nothing_is_nothing_is_found(store: &dyn Store) {
    let stage = Stage::new(store);
    let plan = stage.plan("s1", "c1").await;
    let nowhere = Talk::at(&stage, &plan);
    assert_eq!(store.parties(&plan.id).await.expect("the store answers"), None);
    assert_eq!(nowhere.try_view(&nowhere.salon).await, None);
    assert_eq!(nowhere.try_history(&nowhere.salon, &Window::first(9)).await, None);
    assert_eq!(nowhere.try_read(&nowhere.salon, ReadTarget::Everything).await, None);
    assert_eq!(nowhere.try_edit(&nowhere.salon, None, Some(StatusEdit::Toggle)).await, None);
    assert_eq!(nowhere.end_as(&nowhere.salon).await, None);
    let said = nowhere.try_send(&nowhere.salon, text("Bonjour")).await;
    assert_eq!(said, PostOutcome::UnknownConversation);
    assert_eq!(nowhere.log_as(&nowhere.salon, Seq::ZERO, 10).await, None);
}
