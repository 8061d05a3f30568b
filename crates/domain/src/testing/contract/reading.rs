//! Read horizons.

use std::sync::Arc;

use super::setup::{Fixture, Talk, at, receipt};
use crate::{
    conversation::message::Message,
    ids::UserId,
    page::Window,
    store::Store,
    testing::fixture::{client, salon, user},
    text::Subject,
};

async fn client_says(talk: &Talk<'_>, messages: usize) -> Vec<Arc<Message>> {
    let mut said = vec![];
    for _ in 0..messages {
        said.push(talk.say(&talk.client, "Bonjour").await);
    }
    said
}

/// Everything there is becomes read, at the time of the mark, and the receipt says so.
pub async fn reading_everything_leaves_nothing_unread(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    let said = client_says(&talk, 3).await;
    let own = talk.say(&talk.salon, "Oui ?").await;
    let before = talk.state().await;
    let marked = talk.read(&talk.salon).await;

    assert_eq!((marked.unread, &marked.parties), (0, &before.parties));
    let event = marked.event.clone().expect("something was read");
    assert_eq!((event.seq, &event.actor), (before.last_seq.next(), &talk.salon));
    assert_eq!((&event.conversation, &event.parties), (&talk.id, &before.parties));
    let receipt = receipt(marked);
    assert_eq!((&receipt.reader, receipt.several), (&talk.salon, true));
    assert!((said[2].seq..=before.last_seq).contains(&receipt.up_to), "{receipt:?}");

    let now = talk.state().await;
    assert_eq!((now.horizons.salon, now.horizons.client), (receipt.up_to, at(0)));
    assert_eq!((now.last_seq, now.updated_at), (event.seq, before.updated_at));
    assert_eq!(now.last_message_at, before.last_message_at);
    for message in &said {
        let message = talk.reread(message).await;
        assert_eq!((message.is_read, message.read_at), (true, Some(event.at)));
    }
    assert!(!talk.reread(&own).await.is_read);
    assert_eq!(talk.log().await.last(), Some(&event));
}

/// Up to a position means no message beyond it.
pub async fn reading_up_to_the_middle_leaves_the_rest(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    let said = client_says(&talk, 4).await;
    let marked = talk.read_up_to(&talk.salon, said[1].seq).await;
    assert_eq!(marked.unread, 2);
    let receipt = receipt(marked);
    assert_eq!(receipt.unread, 2);
    assert_eq!((receipt.up_to, receipt.several), (said[1].seq, true));
    assert_eq!(talk.state().await.horizons.salon, said[1].seq);
    let mut read = vec![];
    for message in &said {
        read.push(talk.reread(message).await.is_read);
    }
    assert_eq!(read, [true, true, false, false]);
}

/// A horizon stays where it is when it is asked to go back, and nothing is told.
pub async fn a_horizon_never_moves_back(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    let said = client_says(&talk, 3).await;
    talk.read_up_to(&talk.salon, said[1].seq).await;
    let before = (talk.state().await, talk.log().await);
    for back in [said[0].seq, said[1].seq, at(0)] {
        let marked = talk.read_up_to(&talk.salon, back).await;
        assert_eq!((marked.unread, marked.event), (1, None));
    }
    assert_eq!((talk.state().await, talk.log().await), before);
}

/// The second mark finds nothing to do, and the time of reading is that of the first.
pub async fn marking_twice_happens_once(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    let said = client_says(&talk, 1).await;
    let first = talk.read(&talk.salon).await.event.expect("something was read");
    let again = talk.read(&talk.salon).await;
    assert_eq!((again.unread, again.event), (0, None));
    client_says(&talk, 1).await;
    talk.read(&talk.salon).await;
    assert_eq!(talk.reread(&said[0]).await.read_at, Some(first.at));
    assert_eq!(talk.log().await.len(), 5);
}

/// Where the other side said nothing new there is nothing to read: one's own messages do not count.
pub async fn own_messages_are_not_read_by_their_author(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    let own = talk.say(&talk.salon, "Bonjour").await;
    let before = talk.state().await;
    let marked = talk.read(&talk.salon).await;
    assert_eq!((marked.unread, marked.event), (0, None));
    assert_eq!(talk.state().await, before);
    assert!(!talk.reread(&own).await.is_read);
}

/// A position nobody has reached yet means everything there is now, and not what comes later.
pub async fn a_position_beyond_the_newest_means_everything_until_now(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    let said = client_says(&talk, 1).await;
    let newest = talk.state().await.last_seq;
    let marked = talk.read_up_to(&talk.salon, at(1_000_000)).await;
    assert_eq!(marked.unread, 0);
    let receipt = receipt(marked);
    assert!(!receipt.several && receipt.up_to >= said[0].seq, "{receipt:?}");
    assert!(receipt.up_to <= newest, "{receipt:?} is beyond {newest}");

    let later = client_says(&talk, 1).await;
    assert!(!talk.reread(&later[0]).await.is_read);
    assert_eq!(talk.view(&talk.salon).await.unread, 1);
}

/// The two horizons know nothing of each other.
pub async fn each_side_has_its_own_horizon(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    talk.say(&talk.client, "Bonjour").await;
    talk.say(&talk.salon, "Oui ?").await;
    talk.read(&talk.salon).await;
    assert_eq!(talk.state().await.horizons.client, at(0));
    assert_eq!(talk.view(&talk.client).await.unread, 1);
    talk.read(&talk.client).await;
    assert_eq!(
        (fixture.unread_total(&talk.salon).await, fixture.unread_total(&talk.client).await),
        (0, 0)
    );
}

/// However long somebody was away, all that waited is read with one receipt. It says whether that was
/// one message or several, and the log says the same.
pub async fn a_receipt_tells_one_message_from_several(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    for (messages, several) in [(1, false), (2, true), (53, true)] {
        let said = client_says(&talk, messages).await;
        let marked = talk.read(&talk.salon).await;
        assert_eq!(marked.unread, 0);
        assert_eq!(talk.log().await.last(), marked.event.as_ref());
        assert_eq!(receipt(marked).several, several, "{messages} messages");
        assert!(talk.reread(&said[0]).await.is_read);
    }
}

/// What was deleted before it was read is nothing to read.
pub async fn what_was_deleted_needs_no_reading(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    let said = client_says(&talk, 2).await;
    talk.delete(&said[0]).await;
    assert!(!receipt(talk.read(&talk.salon).await).several);
    assert!(talk.reread(&said[1]).await.is_read);
    let late = client_says(&talk, 1).await;
    talk.delete(&late[0]).await;
    let marked = talk.read(&talk.salon).await;
    assert_eq!((marked.unread, marked.event), (0, None));
}

// What waits to be read, counted in several places that must agree.

async fn assert_waiting(talk: &Talk<'_>, fixture: &Fixture<'_>, reader: &UserId, unread: u64) {
    assert_eq!(talk.view(reader).await.unread, unread, "in the conversation");
    assert_eq!(
        fixture.list(reader, None, &Window::first(10)).await.items[0].unread,
        unread,
        "in the list"
    );
    assert_eq!(fixture.unread_total(reader).await, unread, "in total");
    let named = fixture.unread_conversations(reader, 10).await;
    let named: Vec<_> = named.into_iter().map(|one| (one.id, one.unread)).collect();
    let expected = if unread == 0 { vec![] } else { vec![(talk.id.clone(), unread)] };
    assert_eq!(named, expected, "on the start page");
}

/// The other side's messages above the horizon wait, and every count says so.
pub async fn what_the_other_side_said_since_waits(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    assert_waiting(&talk, &fixture, &talk.client, 0).await;
    talk.say(&talk.salon, "Bonjour").await;
    talk.say(&talk.client, "Oui ?").await;
    let middle = talk.say(&talk.salon, "Samedi ?").await;
    talk.say(&talk.salon, "14 h ?").await;
    assert_waiting(&talk, &fixture, &talk.client, 3).await;
    assert_waiting(&talk, &fixture, &talk.salon, 1).await;
    talk.read_up_to(&talk.client, middle.seq).await;
    assert_waiting(&talk, &fixture, &talk.client, 1).await;
    talk.read(&talk.client).await;
    assert_waiting(&talk, &fixture, &talk.client, 0).await;
    assert_waiting(&talk, &fixture, &talk.salon, 1).await;
}

/// The total is that of all conversations, put away or not, on whichever side.
pub async fn the_total_counts_every_conversation(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let (one, other) = (fixture.talk("s1", "c1").await, fixture.talk("s2", "c1").await);
    let as_salon = fixture.talk("c1", "c2").await;
    one.say(&one.salon, "1").await;
    other.say(&other.salon, "2").await;
    other.say(&other.salon, "3").await;
    other.archive().await;
    as_salon.say(&as_salon.client, "4").await;
    as_salon.say(&as_salon.salon, "5").await;
    assert_eq!(fixture.unread_total(&user("c1")).await, 4);
}

/// The start page shows active conversations, newest message first, and no more than asked for.
pub async fn the_start_page_shows_active_conversations_newest_first(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let mut talks = vec![];
    for client in ["c1", "c2", "c3", "c4", "c5"] {
        let talk = fixture.talk("s1", client).await;
        talk.say(&talk.client, "Bonjour").await;
        talks.push(talk);
    }
    talks[4].archive().await;
    talks[3].read(&talks[3].salon).await;
    talks[0].say(&talks[0].client, "Encore moi").await;

    let shown = async |limit| -> Vec<_> {
        let waiting = fixture.unread_conversations(&user("s1"), limit).await;
        waiting.into_iter().map(|one| one.id).collect()
    };
    let newest_first = [&talks[0].id, &talks[2].id, &talks[1].id].map(Clone::clone);
    assert_eq!(shown(10).await, newest_first);
    assert_eq!(shown(2).await, newest_first[..2]);
}

/// The start page shows what the other side said last, even when the reader said more since.
pub async fn the_start_page_shows_what_the_other_side_said_last(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    talk.name("Bras").await;
    talk.say(&talk.client, "Bonjour").await;
    let theirs = talk.say(&talk.client, "Samedi ?").await;
    let own = talk.say(&talk.salon, "Un instant").await;

    let waiting = fixture.unread_conversations(&talk.salon, 10).await;
    let [shown] = &waiting[..] else { panic!("one waits: {waiting:?}") };
    assert_eq!((&shown.id, shown.unread, shown.last_message_at), (&talk.id, 2, own.created_at));
    assert_eq!(shown.subject.as_ref().map(Subject::as_str), Some("Bras"));
    assert!(shown.salon == salon("s1") && shown.client == client("c1"), "{shown:?}");
    let last = &shown.last_message;
    assert_eq!(
        (&last.id, &last.author, last.created_at),
        (&theirs.id, &talk.client, theirs.created_at)
    );
    assert_eq!(last.content.as_str(), "Samedi ?");
}

/// People nobody knows have nothing to read.
pub async fn nothing_waits_for_a_stranger(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    talk.say(&talk.salon, "Bonjour").await;
    for stranger in ["nobody", "c2"] {
        assert_eq!(fixture.unread_total(&user(stranger)).await, 0);
        assert_eq!(fixture.unread_conversations(&user(stranger), 10).await, []);
    }
}
