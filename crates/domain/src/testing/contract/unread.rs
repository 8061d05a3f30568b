//! What waits to be read, counted in several places that must agree.

use super::{stage::Stage, talk::Talk};
use crate::{
    id::UserId,
    page::Window,
    ports::Store,
    testing::fixture::{client, salon, user},
    text::Subject,
};

async fn assert_waiting(talk: &Talk<'_>, stage: &Stage<'_>, reader: &UserId, unread: u64) {
    assert_eq!(talk.view(reader).await.unread, unread, "in the conversation");
    assert_eq!(
        stage.list(reader, None, &Window::first(10)).await.items[0].unread,
        unread,
        "in the list"
    );
    assert_eq!(stage.unread_total(reader).await, unread, "in total");
    let named = stage.unread_conversations(reader, 10).await;
    let named: Vec<_> = named.into_iter().map(|one| (one.id, one.unread)).collect();
    let expected = if unread == 0 { vec![] } else { vec![(talk.id.clone(), unread)] };
    assert_eq!(named, expected, "on the start page");
}

/// The other side's messages above the horizon wait, and every count says so.
pub async fn what_the_other_side_said_since_waits(store: &dyn Store) {
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    assert_waiting(&talk, &stage, &talk.client, 0).await;
    talk.say(&talk.salon, "Bonjour").await;
    talk.say(&talk.client, "Oui ?").await;
    let middle = talk.say(&talk.salon, "Samedi ?").await;
    talk.say(&talk.salon, "14 h ?").await;
    assert_waiting(&talk, &stage, &talk.client, 3).await;
    assert_waiting(&talk, &stage, &talk.salon, 1).await;
    talk.read_up_to(&talk.client, middle.seq).await;
    assert_waiting(&talk, &stage, &talk.client, 1).await;
    talk.read(&talk.client).await;
    assert_waiting(&talk, &stage, &talk.client, 0).await;
    assert_waiting(&talk, &stage, &talk.salon, 1).await;
}

/// The total is that of all conversations, put away or not, on whichever side.
pub async fn the_total_counts_every_conversation(store: &dyn Store) {
    let stage = Stage::new(store);
    let (one, other) = (stage.talk("s1", "c1").await, stage.talk("s2", "c1").await);
    let as_salon = stage.talk("c1", "c2").await;
    one.say(&one.salon, "1").await;
    other.say(&other.salon, "2").await;
    other.say(&other.salon, "3").await;
    other.archive().await;
    as_salon.say(&as_salon.client, "4").await;
    as_salon.say(&as_salon.salon, "5").await;
    assert_eq!(stage.unread_total(&user("c1")).await, 4);
}

/// The start page shows active conversations, newest message first, and no more than asked for.
pub async fn the_start_page_shows_active_conversations_newest_first(store: &dyn Store) {
    let stage = Stage::new(store);
    let mut talks = vec![];
    for client in ["c1", "c2", "c3", "c4", "c5"] {
        let talk = stage.talk("s1", client).await;
        talk.say(&talk.client, "Bonjour").await;
        talks.push(talk);
    }
    talks[4].archive().await;
    talks[3].read(&talks[3].salon).await;
    talks[0].say(&talks[0].client, "Encore moi").await;

    let shown = async |limit| -> Vec<_> {
        let waiting = stage.unread_conversations(&user("s1"), limit).await;
        waiting.into_iter().map(|one| one.id).collect()
    };
    let newest_first = [&talks[0].id, &talks[2].id, &talks[1].id].map(Clone::clone);
    assert_eq!(shown(10).await, newest_first);
    assert_eq!(shown(2).await, newest_first[..2]);
}

/// The start page shows what the other side said last, even when the reader said more since.
pub async fn the_start_page_shows_what_the_other_side_said_last(store: &dyn Store) {
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    talk.name("Bras").await;
    talk.say(&talk.client, "Bonjour").await;
    let theirs = talk.say(&talk.client, "Samedi ?").await;
    let own = talk.say(&talk.salon, "Un instant").await;

    let waiting = stage.unread_conversations(&talk.salon, 10).await;
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
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
    talk.say(&talk.salon, "Bonjour").await;
    for stranger in ["nobody", "c2"] {
        assert_eq!(stage.unread_total(&user(stranger)).await, 0);
        assert_eq!(stage.unread_conversations(&user(stranger), 10).await, []);
    }
}
