//! Somebody who was away while we moved in.

use std::sync::Arc;

use domain::{
    conversation::store::{ConversationStore, LogPiece, LogStore},
    ids::{ConversationId, Seq, UserId},
    store::Store,
    testing::fixture::{Service, text},
};

use crate::fixture::{ANSWERS, Fixture};

/// A conversation with some history, one of its people, and its newest position.
async fn some_talk(fixture: &Fixture) -> (ConversationId, UserId, Seq) {
    let sql = "SELECT id FROM messaging.conversation WHERE last_seq > 5 ORDER BY id LIMIT 1";
    let id = ConversationId::parse(&fixture.lines(sql).await[0]).expect("a good id");
    let client = fixture.store.parties(&id).await.expect(ANSWERS).expect("it is here").client;
    let view =
        fixture.store.conversation(&id, &client).await.expect(ANSWERS).expect("it is theirs");
    (id, client, view.conversation.last_seq)
}

async fn after(
    fixture: &Fixture,
    (id, client, _): &(ConversationId, UserId, Seq),
    seq: Seq,
) -> LogPiece {
    let piece = fixture.store.events_after(id, client, seq, 100).await;
    piece.expect(ANSWERS).expect("it is theirs")
}

#[tokio::test]
async fn who_was_away_while_we_moved_in_is_told_to_look_anew() {
    let fixture = Fixture::small().await;
    fixture.import().await;
    let talk = some_talk(&fixture).await;
    assert_eq!(after(&fixture, &talk, Seq::ZERO).await, LogPiece::Trimmed);
    let before = Seq::new(talk.2.get() - 1).expect("not negative");
    assert_eq!(after(&fixture, &talk, before).await, LogPiece::Trimmed);
    assert_eq!(after(&fixture, &talk, talk.2).await, LogPiece::Events(vec![]));
}

#[tokio::test]
async fn what_happens_after_we_moved_in_is_told_one_by_one() {
    let fixture = Fixture::small().await;
    fixture.import().await;
    let talk = some_talk(&fixture).await;
    let store: Arc<dyn Store> = fixture.store.clone();
    let service = Service::over(store);
    let sent = service.messaging.send_message(&talk.0, &talk.1, text("Bonjour")).await;
    sent.expect("the client takes part");
    let events = after(&fixture, &talk, talk.2).await.events().expect("the log reaches back");
    assert!(!events.is_empty());
    assert_eq!(events[0].seq, talk.2.next());
    assert_eq!(after(&fixture, &talk, Seq::ZERO).await, LogPiece::Trimmed);
}

#[tokio::test]
async fn who_saw_a_conversation_before_it_was_taken_over_again_is_told_to_look_anew() {
    let fixture = Fixture::small().await;
    fixture.import().await;
    let sql = "SELECT id FROM messaging.conversation ORDER BY id LIMIT 4";
    let mut seen = Vec::new();
    for id in fixture.lines(sql).await {
        let id = ConversationId::parse(&id).expect("a good id");
        let client = fixture.store.parties(&id).await.expect(ANSWERS).expect("it is here").client;
        let view = fixture.store.conversation(&id, &client).await.expect(ANSWERS).expect("theirs");
        seen.push((id, client, view.conversation.last_seq));
    }
    fixture.former_goes_on().await;
    fixture.import().await;
    for talk in &seen {
        assert_eq!(after(&fixture, talk, talk.2).await, LogPiece::Trimmed, "{}", talk.0);
    }
}
