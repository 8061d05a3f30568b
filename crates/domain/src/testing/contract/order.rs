//! Positions: the only order there is.

use futures_util::future::join_all;

use super::{
    stage::{Stage, at},
    talk::posted,
};
use crate::{
    event::{Event, EventKind},
    page::Window,
    ports::Store,
    testing::fixture::{keyed, text},
};

/// Each kind of change takes the next position and is told as the log keeps it; what changes
/// nothing takes none.
pub async fn every_change_takes_the_next_position(store: &dyn Store) {
    let stage = Stage::new(store);
    let mut plan = stage.plan("s1", "c1").await;
    plan.opening = Some(stage.opening("Bonjour"));
    let (talk, mut told) = stage.open(&plan).await;

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
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
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
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
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
    let stage = Stage::new(store);
    let talk = stage.talk("s1", "c1").await;
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
