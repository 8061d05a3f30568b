//! A trimmed log.

use domain::{
    conversation::store::{LogPiece, LogStore},
    ids::Seq,
};

use crate::{
    support::Scratch,
    talk::{ANSWERS, TestConversation},
};

async fn piece(conversation: &TestConversation, after: i64) -> LogPiece {
    let after = Seq::new(after).expect("not negative");
    let piece =
        conversation.store.events_after(&conversation.id, &conversation.client, after, 10).await;
    piece.expect(ANSWERS).expect("the client takes part")
}

#[tokio::test]
async fn a_log_says_when_it_no_longer_reaches_back() {
    let scratch = Scratch::new().await;
    let conversation = TestConversation::open(&scratch).await;
    for words in ["2", "3", "4"] {
        conversation.send_text(&conversation.client, words).await;
    }
    scratch.sql("DELETE FROM messaging.event WHERE seq <= 2").await;
    for after in [0, 1] {
        assert_eq!(piece(&conversation, after).await, LogPiece::Trimmed, "after {after}");
    }
    let seqs = |piece: LogPiece| -> Vec<i64> {
        let events = piece.events().expect("the log reaches back");
        events.iter().map(|event| event.seq.get()).collect()
    };
    assert_eq!(seqs(piece(&conversation, 2).await), [3, 4]);
    assert_eq!(seqs(piece(&conversation, 4).await), [0; 0]);

    scratch.sql("DELETE FROM messaging.event").await;
    assert_eq!(piece(&conversation, 3).await, LogPiece::Trimmed);
    assert_eq!(seqs(piece(&conversation, 4).await), [0; 0]);
}
