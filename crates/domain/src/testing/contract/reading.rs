//! Read horizons.

use std::sync::Arc;

use super::setup::{ANSWERS, Fixture, TestConversation, at, receipt};
use crate::{
    conversation::message::Message,
    ids::UserId,
    page::Window,
    store::Store,
    testing::fixture::{client, salon, user},
    text::Subject,
};

async fn client_says(conversation: &TestConversation<'_>, messages: usize) -> Vec<Arc<Message>> {
    let mut said = vec![];
    for _ in 0..messages {
        said.push(conversation.send_text(&conversation.client, "Bonjour").await);
    }
    said
}

/// Everything becomes read, at the time of the mark, and the receipt says so.
pub async fn reading_everything_leaves_nothing_unread(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    let said = client_says(&conversation, 3).await;
    let own = conversation.send_text(&conversation.salon, "Oui ?").await;
    let before = conversation.state().await;
    let marked = conversation.mark_read(&conversation.salon).await;

    assert_eq!((marked.unread, &marked.parties), (0, &before.parties));
    let event = marked.event.clone().expect("something was read");
    assert_eq!((event.seq, &event.actor), (before.last_seq.next(), &conversation.salon));
    assert_eq!((&event.conversation, &event.parties), (&conversation.id, &before.parties));
    let receipt = receipt(marked);
    assert_eq!((&receipt.reader, receipt.several), (&conversation.salon, true));
    assert!((said[2].seq..=before.last_seq).contains(&receipt.up_to), "{receipt:?}");

    let now = conversation.state().await;
    assert_eq!((now.horizons.salon, now.horizons.client), (receipt.up_to, at(0)));
    assert_eq!((now.last_seq, now.updated_at), (event.seq, before.updated_at));
    assert_eq!(now.last_message_at, before.last_message_at);
    for message in &said {
        let message = conversation.reload(message).await;
        assert_eq!((message.is_read, message.read_at), (true, Some(event.at)));
    }
    assert!(!conversation.reload(&own).await.is_read);
    assert_eq!(conversation.log().await.last(), Some(&event));
}

/// Up to a position means no message beyond it.
pub async fn reading_up_to_the_middle_leaves_the_rest(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    let said = client_says(&conversation, 4).await;
    let marked = conversation.mark_read_up_to(&conversation.salon, said[1].seq).await;
    assert_eq!(marked.unread, 2);
    let receipt = receipt(marked);
    assert_eq!(receipt.unread, 2);
    assert_eq!((receipt.up_to, receipt.several), (said[1].seq, true));
    assert_eq!(conversation.state().await.horizons.salon, said[1].seq);
    let mut read = vec![];
    for message in &said {
        read.push(conversation.reload(message).await.is_read);
    }
    assert_eq!(read, [true, true, false, false]);
}

/// A horizon does not move back, and nothing is published.
pub async fn a_horizon_never_moves_back(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    let said = client_says(&conversation, 3).await;
    conversation.mark_read_up_to(&conversation.salon, said[1].seq).await;
    let before = (conversation.state().await, conversation.log().await);
    for back in [said[0].seq, said[1].seq, at(0)] {
        let marked = conversation.mark_read_up_to(&conversation.salon, back).await;
        assert_eq!((marked.unread, marked.event), (1, None));
    }
    assert_eq!((conversation.state().await, conversation.log().await), before);
}

/// The second mark changes nothing, and the time of reading is that of the first.
pub async fn marking_twice_happens_once(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    let said = client_says(&conversation, 1).await;
    let first =
        conversation.mark_read(&conversation.salon).await.event.expect("something was read");
    let again = conversation.mark_read(&conversation.salon).await;
    assert_eq!((again.unread, again.event), (0, None));
    client_says(&conversation, 1).await;
    conversation.mark_read(&conversation.salon).await;
    assert_eq!(conversation.reload(&said[0]).await.read_at, Some(first.at));
    assert_eq!(conversation.log().await.len(), 5);
}

/// Own messages are not marked as read by their author.
pub async fn own_messages_are_not_read_by_their_author(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    let own = conversation.send_text(&conversation.salon, "Bonjour").await;
    let before = conversation.state().await;
    let marked = conversation.mark_read(&conversation.salon).await;
    assert_eq!((marked.unread, marked.event), (0, None));
    assert_eq!(conversation.state().await, before);
    assert!(!conversation.reload(&own).await.is_read);
}

/// A position beyond the newest means everything until now, and not what comes later.
pub async fn a_position_beyond_the_newest_means_everything_until_now(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    let said = client_says(&conversation, 1).await;
    let newest = conversation.state().await.last_seq;
    let marked = conversation.mark_read_up_to(&conversation.salon, at(1_000_000)).await;
    assert_eq!(marked.unread, 0);
    let receipt = receipt(marked);
    assert!(!receipt.several && receipt.up_to >= said[0].seq, "{receipt:?}");
    assert!(receipt.up_to <= newest, "{receipt:?} is beyond {newest}");

    let later = client_says(&conversation, 1).await;
    assert!(!conversation.reload(&later[0]).await.is_read);
    assert_eq!(conversation.view(&conversation.salon).await.unread, 1);
}

/// The two horizons are independent.
pub async fn each_side_has_its_own_horizon(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    conversation.send_text(&conversation.client, "Bonjour").await;
    conversation.send_text(&conversation.salon, "Oui ?").await;
    conversation.mark_read(&conversation.salon).await;
    assert_eq!(conversation.state().await.horizons.client, at(0));
    assert_eq!(conversation.view(&conversation.client).await.unread, 1);
    conversation.mark_read(&conversation.client).await;
    assert_eq!(
        (
            fixture.unread_total(&conversation.salon).await,
            fixture.unread_total(&conversation.client).await
        ),
        (0, 0)
    );
}

/// However long somebody was offline, all messages are read with one receipt. It says whether that
/// was one message or several, and so does the log.
pub async fn a_receipt_tells_one_message_from_several(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    for (messages, several) in [(1, false), (2, true), (53, true)] {
        let said = client_says(&conversation, messages).await;
        let marked = conversation.mark_read(&conversation.salon).await;
        assert_eq!(marked.unread, 0);
        assert_eq!(conversation.log().await.last(), marked.event.as_ref());
        assert_eq!(receipt(marked).several, several, "{messages} messages");
        assert!(conversation.reload(&said[0]).await.is_read);
    }
}

/// A message deleted before it was read is not counted.
pub async fn what_was_deleted_needs_no_reading(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    let said = client_says(&conversation, 2).await;
    conversation.delete(&said[0]).await;
    assert!(!receipt(conversation.mark_read(&conversation.salon).await).several);
    assert!(conversation.reload(&said[1]).await.is_read);
    let late = client_says(&conversation, 1).await;
    conversation.delete(&late[0]).await;
    let marked = conversation.mark_read(&conversation.salon).await;
    assert_eq!((marked.unread, marked.event), (0, None));
}

// Unread counts, which must agree everywhere.

async fn assert_waiting(
    conversation: &TestConversation<'_>,
    fixture: &Fixture<'_>,
    reader: &UserId,
    unread: u64,
) {
    assert_eq!(conversation.view(reader).await.unread, unread, "in the conversation");
    assert_eq!(
        fixture.list(reader, None, &Window::first(10)).await.items[0].unread,
        unread,
        "in the list"
    );
    assert_eq!(fixture.unread_total(reader).await, unread, "in total");
    let named = fixture.unread_conversations(reader, 10).await;
    let named: Vec<_> = named.into_iter().map(|one| (one.id, one.unread)).collect();
    let expected = if unread == 0 { vec![] } else { vec![(conversation.id.clone(), unread)] };
    assert_eq!(named, expected, "on the start page");
}

/// The other side's messages above the horizon are unread in every count.
pub async fn what_the_other_side_said_since_waits(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    assert_waiting(&conversation, &fixture, &conversation.client, 0).await;
    conversation.send_text(&conversation.salon, "Bonjour").await;
    conversation.send_text(&conversation.client, "Oui ?").await;
    let middle = conversation.send_text(&conversation.salon, "Samedi ?").await;
    conversation.send_text(&conversation.salon, "14 h ?").await;
    assert_waiting(&conversation, &fixture, &conversation.client, 3).await;
    assert_waiting(&conversation, &fixture, &conversation.salon, 1).await;
    conversation.mark_read_up_to(&conversation.client, middle.seq).await;
    assert_waiting(&conversation, &fixture, &conversation.client, 1).await;
    conversation.mark_read(&conversation.client).await;
    assert_waiting(&conversation, &fixture, &conversation.client, 0).await;
    assert_waiting(&conversation, &fixture, &conversation.salon, 1).await;
}

/// The total counts all conversations, archived or not, on either side.
pub async fn the_total_counts_every_conversation(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let (one, other) =
        (fixture.conversation("s1", "c1").await, fixture.conversation("s2", "c1").await);
    let as_salon = fixture.conversation("c1", "c2").await;
    one.send_text(&one.salon, "1").await;
    other.send_text(&other.salon, "2").await;
    other.send_text(&other.salon, "3").await;
    other.archive().await;
    as_salon.send_text(&as_salon.client, "4").await;
    as_salon.send_text(&as_salon.salon, "5").await;
    assert_eq!(fixture.unread_total(&user("c1")).await, 4);
}

/// The start page shows active conversations, newest message first, and at most the requested
/// number.
pub async fn the_start_page_shows_active_conversations_newest_first(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let mut conversations = vec![];
    for client in ["c1", "c2", "c3", "c4", "c5"] {
        let conversation = fixture.conversation("s1", client).await;
        conversation.send_text(&conversation.client, "Bonjour").await;
        conversations.push(conversation);
    }
    conversations[4].archive().await;
    conversations[3].mark_read(&conversations[3].salon).await;
    conversations[0].send_text(&conversations[0].client, "Encore moi").await;

    let shown = async |limit| -> Vec<_> {
        let waiting = fixture.unread_conversations(&user("s1"), limit).await;
        waiting.into_iter().map(|one| one.id).collect()
    };
    let newest_first =
        [&conversations[0].id, &conversations[2].id, &conversations[1].id].map(Clone::clone);
    assert_eq!(shown(10).await, newest_first);
    assert_eq!(shown(2).await, newest_first[..2]);
}

/// The start page shows the other side's last message, even if the reader posted later.
pub async fn the_start_page_shows_what_the_other_side_said_last(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    conversation.set_subject("Bras").await;
    conversation.send_text(&conversation.client, "Bonjour").await;
    let theirs = conversation.send_text(&conversation.client, "Samedi ?").await;
    let own = conversation.send_text(&conversation.salon, "Un instant").await;

    let waiting = fixture.unread_conversations(&conversation.salon, 10).await;
    let [shown] = &waiting[..] else { panic!("one waits: {waiting:?}") };
    assert_eq!(
        (&shown.id, shown.unread, shown.last_message_at),
        (&conversation.id, 2, own.created_at)
    );
    assert_eq!(shown.subject.as_ref().map(Subject::as_str), Some("Bras"));
    assert!(shown.salon == salon("s1") && shown.client == client("c1"), "{shown:?}");
    let last = &shown.last_message;
    assert_eq!(
        (&last.id, &last.author, last.created_at),
        (&theirs.id, &conversation.client, theirs.created_at)
    );
    assert_eq!(last.content.as_str(), "Samedi ?");
}

/// Unknown people have no unread messages.
pub async fn nothing_waits_for_a_stranger(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    conversation.send_text(&conversation.salon, "Bonjour").await;
    for stranger in ["nobody", "c2"] {
        assert_eq!(fixture.unread_total(&user(stranger)).await, 0);
        assert_eq!(fixture.unread_conversations(&user(stranger), 10).await, []);
    }
}

/// Whatever happens in conversations, their counters stay equal to what their messages say.
pub async fn an_audit_goes_through_all_and_finds_nothing_to_repair(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let mut ids = Vec::new();
    for number in 0..3 {
        let conversation = fixture.conversation("s1", "c1").await;
        let said = client_says(&conversation, 4).await;
        conversation.mark_read_up_to(&conversation.salon, said[1].seq).await;
        conversation.delete(&said[2]).await;
        let own = conversation.send_text(&conversation.salon, "Oui").await;
        match number {
            0 => drop(conversation.delete(&own).await),
            1 => drop(conversation.archive().await),
            _ => drop(conversation.delete_conversation().await),
        }
        ids.push(conversation.id);
    }
    ids.sort();
    assert_eq!(fixture.unread_total(&user("s1")).await, 2);
    let (mut after, mut ends) = (None, Vec::new());
    loop {
        let page = store.audit_heads(after, 2).await.expect(ANSWERS);
        assert_eq!(page.repaired, []);
        let Some(next) = page.next else { break };
        ends.push(next.clone());
        after = Some(next);
    }
    assert_eq!(ends, [ids[1].clone(), ids[2].clone()]);
}
