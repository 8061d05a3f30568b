//! Lists of conversations.

use super::stage::{Stage, after, page};
use crate::{
    conversation::{ConversationView, Status},
    id::ConversationId,
    page::{ConversationCursor, Window},
    ports::{OpenConversation, Store},
    testing::fixture::user,
};

fn ids(items: &[ConversationView]) -> Vec<ConversationId> {
    items.iter().map(|view| view.conversation.id.clone()).collect()
}

/// Opens so many conversations of the salon `s1`, and names them newest first.
async fn some_talks(stage: &Stage<'_>, conversations: usize) -> Vec<ConversationId> {
    let mut opened = vec![];
    for number in 0..conversations {
        opened.insert(0, stage.talk("s1", &format!("c{number}")).await.id);
    }
    opened
}

/// The newest message comes first, on both sides; each entry is as it is alone.
pub async fn conversations_come_newest_message_first(store: &dyn Store) {
    let stage = Stage::new(store);
    let (one, other) = (stage.talk("s1", "c1").await, stage.talk("s1", "c1").await);
    assert_eq!(
        ids(&stage.list(&one.salon, None, &Window::first(9)).await.items),
        [other.id.clone(), one.id.clone()]
    );
    other.say(&other.salon, "Bonjour").await;
    one.say(&one.client, "Bonjour").await;
    other.archive().await;
    for viewer in [&one.salon, &one.client] {
        let list = stage.list(viewer, None, &Window::first(9)).await;
        assert_eq!(list.items, [one.view(viewer).await, other.view(viewer).await]);
        assert_eq!((list.total, list.next), (2, None));
    }
}

/// Of the same moment, the greater id comes first, compared byte by byte.
pub async fn ties_are_settled_by_the_greater_id(store: &dyn Store) {
    let stage = Stage::new(store);
    let now = stage.now();
    for id in ["a", "B", "_", "1", "aa"] {
        let id = ConversationId::parse(id).expect("a good id");
        let plan = stage.plan("s1", "c1").await;
        stage.open(&OpenConversation { id, at: now, ..plan }).await;
    }
    let (mut met, mut window) = (vec![], Window::first(2));
    loop {
        let list = stage.list(&user("c1"), None, &window).await;
        met.extend(ids(&list.items).iter().map(ToString::to_string));
        let Some(cursor) = list.next else { break };
        window = after(cursor, 2);
    }
    assert_eq!(met, ["aa", "a", "_", "B", "1"]);
}

/// A status narrows list and total alike.
pub async fn a_status_narrows_the_list_and_its_total(store: &dyn Store) {
    let stage = Stage::new(store);
    let (one, two) = (stage.talk("s1", "c1").await, stage.talk("s1", "c2").await);
    let three = stage.talk("s1", "c3").await;
    two.archive().await;
    for (status, expected) in [
        (None, vec![&three.id, &two.id, &one.id]),
        (Some(Status::Active), vec![&three.id, &one.id]),
        (Some(Status::Archived), vec![&two.id]),
    ] {
        let list = stage.list(&user("s1"), status, &Window::first(1)).await;
        assert_eq!((list.total, list.next.is_some()), (expected.len() as u64, expected.len() > 1));
        let list = stage.list(&user("s1"), status, &Window::first(9)).await;
        assert_eq!(ids(&list.items).iter().collect::<Vec<_>>(), expected);
    }
}

/// By number, each conversation is on one page; beyond the last there is an empty one.
pub async fn numbered_pages_hold_each_conversation_once(store: &dyn Store) {
    let stage = Stage::new(store);
    let opened = some_talks(&stage, 5).await;
    for (number, expected) in [(1, &opened[..2]), (2, &opened[2..4]), (3, &opened[4..]), (4, &[])] {
        let list = stage.list(&user("s1"), None, &page(number, 2)).await;
        assert_eq!(ids(&list.items), expected);
        assert_eq!((list.total, list.next.is_some()), (5, number < 3));
    }
}

/// By cursor, each conversation is met once, while new ones open.
pub async fn cursors_meet_each_conversation_once_while_new_ones_open(store: &dyn Store) {
    let stage = Stage::new(store);
    let opened = some_talks(&stage, 5).await;
    let (mut met, mut window) = (vec![], Window::first(2));
    loop {
        let list = stage.list(&user("s1"), None, &window).await;
        met.extend(ids(&list.items));
        stage.talk("s1", "late").await;
        let Some(cursor) = list.next else { break };
        window = after(cursor, 2);
    }
    assert_eq!(met, opened);
}

/// A cursor names a place, which stays when its conversation goes. A status narrows what is behind
/// it too.
pub async fn a_cursor_outlives_its_conversation(store: &dyn Store) {
    let stage = Stage::new(store);
    let opened = some_talks(&stage, 4).await;
    let first = stage.list(&user("s1"), None, &Window::first(2)).await;
    let cursor = first.next.expect("two more");
    let last = &first.items[1].conversation;
    assert_eq!(
        cursor,
        ConversationCursor { last_message_at: last.last_message_at, id: last.id.clone() }
    );
    store.delete_conversation(&last.id, &user("s1"), stage.now()).await.expect("the store answers");

    let rest = stage.list(&user("s1"), None, &after(cursor.clone(), 2)).await;
    assert_eq!((ids(&rest.items), rest.total, rest.next), (opened[2..].to_vec(), 3, None));
    let none = stage.list(&user("s1"), Some(Status::Archived), &after(cursor, 2)).await;
    assert_eq!((none.items.len(), none.total), (0, 0));
}

/// A list holds what is one's own, on whichever side, and nothing else.
pub async fn a_list_holds_only_one_s_own(store: &dyn Store) {
    let stage = Stage::new(store);
    let as_client = stage.talk("s1", "u1").await;
    let as_salon = stage.talk("u1", "c1").await;
    let foreign = stage.talk("s1", "c1").await;
    for (viewer, expected) in [
        ("u1", vec![&as_salon.id, &as_client.id]),
        ("s1", vec![&foreign.id, &as_client.id]),
        ("c1", vec![&foreign.id, &as_salon.id]),
        ("nobody", vec![]),
    ] {
        let list = stage.list(&user(viewer), None, &Window::first(9)).await;
        assert_eq!(ids(&list.items).iter().collect::<Vec<_>>(), expected, "of {viewer}");
        assert_eq!(list.total, expected.len() as u64);
    }
}
