//! Clients that were offline during an import.

use std::sync::Arc;

use domain::{
    conversation::store::{ConversationStore, LogPiece, LogStore},
    ids::{ConversationId, Seq, UserId},
    store::Store,
    testing::fixture::{Service, text},
};

use crate::fixture::{ANSWERS, Fixture};

async fn client_of(fixture: &Fixture, id: &ConversationId) -> UserId {
    let sql = format!("SELECT client_id FROM messaging.conversation WHERE id = '{id}'");
    UserId::parse(&fixture.lines(&sql).await[0]).expect("a good id")
}

/// A conversation with some history, one of its people, and its newest position.
async fn some_conversation(fixture: &Fixture) -> (ConversationId, UserId, Seq) {
    let sql = "SELECT id FROM messaging.conversation WHERE last_seq > 5 ORDER BY id LIMIT 1";
    let id = ConversationId::parse(&fixture.lines(sql).await[0]).expect("a good id");
    let client = client_of(fixture, &id).await;
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
async fn a_client_that_was_offline_during_the_import_must_reload() {
    let fixture = Fixture::small().await;
    fixture.import().await;
    let conversation = some_conversation(&fixture).await;
    assert_eq!(after(&fixture, &conversation, Seq::ZERO).await, LogPiece::Trimmed);
    let before = Seq::new(conversation.2.get() - 1).expect("not negative");
    assert_eq!(after(&fixture, &conversation, before).await, LogPiece::Trimmed);
    assert_eq!(after(&fixture, &conversation, conversation.2).await, LogPiece::Events(vec![]));
}

#[tokio::test]
async fn events_after_the_import_are_replayed() {
    let fixture = Fixture::small().await;
    fixture.import().await;
    let conversation = some_conversation(&fixture).await;
    let store: Arc<dyn Store> = fixture.store.clone();
    let service = Service::over(store);
    let sent =
        service.messaging.send_message(&conversation.0, &conversation.1, text("Bonjour")).await;
    sent.expect("the client takes part");
    let events = after(&fixture, &conversation, conversation.2)
        .await
        .events()
        .expect("the log reaches back");
    assert!(!events.is_empty());
    assert_eq!(events[0].seq, conversation.2.next());
    assert_eq!(after(&fixture, &conversation, Seq::ZERO).await, LogPiece::Trimmed);
}

#[tokio::test]
async fn a_client_that_saw_a_conversation_before_it_was_imported_again_must_reload() {
    let fixture = Fixture::small().await;
    fixture.import().await;
    let sql = "SELECT id FROM messaging.conversation ORDER BY id LIMIT 4";
    let mut seen = Vec::new();
    for id in fixture.lines(sql).await {
        let id = ConversationId::parse(&id).expect("a good id");
        let client = client_of(&fixture, &id).await;
        let view = fixture.store.conversation(&id, &client).await.expect(ANSWERS).expect("theirs");
        seen.push((id, client, view.conversation.last_seq));
    }
    fixture.change_source().await;
    fixture.import().await;
    for conversation in &seen {
        assert_eq!(
            after(&fixture, conversation, conversation.2).await,
            LogPiece::Trimmed,
            "{}",
            conversation.0
        );
    }
}
