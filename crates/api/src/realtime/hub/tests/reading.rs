//! Which events of reading are sent to whom (D9), and when totals are.

use super::*;

const TOTAL: &str = "unread-count-updated";

impl Fixture {
    async fn mark(&self, messaging: &Messaging, who: &str, target: ReadTarget) -> bool {
        let who = user(who);
        let marked = messaging.mark_conversation_read(&self.conversation, &who, target).await;
        marked.expect("marked").changed
    }

    async fn mark_message(&self, messaging: &Messaging, who: &str, id: &MessageId) {
        messaging.mark_message_read(id, &user(who)).await.expect("marked");
    }
}

impl Received {
    /// Everything sent so far: names, and totals with their number.
    fn so_far(&mut self) -> Vec<String> {
        let mut received = Vec::new();
        while let Ok(event) = self.0.try_recv() {
            let data: Value = serde_json::from_str(event.data().get()).expect("JSON");
            received.push(match event.name() {
                TOTAL => format!("total {}", data["totalUnread"]),
                "message-read" => format!("read {}", data["messageId"].as_str().expect("an id")),
                name => name.to_owned(),
            });
        }
        received
    }

    /// The totals sent so far.
    fn totals_so_far(&mut self) -> Vec<String> {
        self.so_far().into_iter().filter(|received| received.starts_with("total")).collect()
    }
}

/// So that what was begun is done.
async fn a_moment() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

#[tokio::test(start_paused = true)]
async fn the_author_of_a_message_that_was_marked_by_itself_hears_of_that_one_and_keeps_their_total()
{
    let fixture = Fixture::new().await;
    fixture.say(&fixture.messaging, "c", "before it").await;
    let marked = fixture.say(&fixture.messaging, "c", "marked").await;
    for waiting in ["1", "2"] {
        fixture.say(&fixture.messaging, "s", waiting).await;
    }
    let (_, mut author) = fixture.enter("c");
    fixture.hub.schedule_unread_update(&user("c"));
    a_moment().await;
    author.so_far();

    fixture.mark_message(&fixture.messaging, "s", &marked).await;
    a_moment().await;
    let receipt = format!("read {marked}");
    assert_eq!(author.so_far(), ["conversation-read", receipt.as_str(), "total 2"]);
    // The shipped page has counted its badge down by now.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(author.so_far(), ["total 2"]);
    // Once: a second mark changes nothing.
    fixture.mark_message(&fixture.messaging, "s", &marked).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(author.so_far(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_salon_with_nine_unread_keeps_them_when_its_client_has_read_three_of_its_messages() {
    let fixture = Fixture::new().await;
    for words in ["1", "2", "3"] {
        fixture.say(&fixture.messaging, "s", words).await;
    }
    for words in ["1", "2", "3", "4", "5", "6", "7", "8", "9"] {
        fixture.say(&fixture.mute, "c", words).await;
    }
    let (_, mut salon) = fixture.enter("s");
    fixture.hub.schedule_unread_update(&user("s"));
    assert_eq!(salon.named(TOTAL).await["totalUnread"], 9);
    assert!(fixture.mark(&fixture.messaging, "c", ReadTarget::Everything).await);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(salon.so_far(), ["conversation-read"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_read_on_arrival_or_told_from_the_log_is_no_receipt_of_its_own() {
    let fixture = Fixture::new().await;
    let (_, mut client) = fixture.join("c", false).await;
    fixture.say(&fixture.messaging, "c", "not seen").await;
    let (_, mut salon) = fixture.join("s", true).await;
    fixture.say(&fixture.messaging, "c", "seen, and the one before with it").await;
    a_moment().await;
    assert_eq!(client.so_far(), ["new-message", "new-message", "conversation-read"]);
    salon.so_far();

    // Marked by itself on a process that died before it published; found in the log.
    let unseen = fixture.say(&fixture.messaging, "s", "out of the client's sight").await;
    fixture.mark_message(&fixture.mute, "c", &unseen).await;
    fixture.say(&fixture.messaging, "s", "behind a gap").await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    for received in [client.so_far(), salon.so_far()] {
        let reading = received.iter().filter(|name| name.contains("read")).collect::<Vec<_>>();
        assert!(reading.contains(&&"conversation-read".to_owned()), "{received:?}");
        assert!(!reading.iter().any(|name| name.starts_with("read ")), "{received:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_read_hears_their_total_once_more_a_second_after_the_last_change() {
    let fixture = Fixture::new().await;
    let mut said = Vec::new();
    for words in ["1", "2", "3"] {
        said.push(fixture.say(&fixture.messaging, "c", words).await);
    }
    let (_, mut reader) = fixture.enter("s");
    for (id, total) in said.iter().zip(["total 2", "total 1", "total 0"]) {
        fixture.mark_message(&fixture.messaging, "s", id).await;
        a_moment().await;
        assert_eq!(reader.totals_so_far(), [total]);
        tokio::time::sleep(Duration::from_millis(900)).await;
        assert_eq!(reader.totals_so_far(), [""; 0]);
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(reader.totals_so_far(), ["total 0"]);
    assert!(fixture.hub.inner.unread.nobody_waits());
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(reader.so_far(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn reading_on_arrival_moves_a_horizon_too() {
    let fixture = Fixture::new().await;
    let (_, mut reader) = fixture.join("s", true).await;
    fixture.say(&fixture.messaging, "c", "hello").await;
    a_moment().await;
    assert_eq!(reader.totals_so_far(), ["total 0"]);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(reader.totals_so_far(), ["total 0"]);
}

#[tokio::test(start_paused = true)]
async fn a_mark_that_changed_nothing_tells_no_total() {
    let fixture = Fixture::new().await;
    let id = fixture.say(&fixture.messaging, "c", "hello").await;
    assert!(fixture.mark(&fixture.messaging, "s", ReadTarget::Everything).await);
    let (_, mut reader) = fixture.enter("s");
    let (_, mut author) = fixture.enter("c");
    assert!(!fixture.mark(&fixture.messaging, "s", ReadTarget::Everything).await);
    fixture.mark_message(&fixture.messaging, "s", &id).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!((reader.so_far(), author.so_far()), (vec![], vec![]));
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_the_total_of_somebody_who_is_not_here_or_has_gone() {
    let fixture = Fixture::new().await;
    fixture.say(&fixture.messaging, "c", "hello").await;
    assert!(fixture.mark(&fixture.messaging, "s", ReadTarget::Everything).await);
    assert!(fixture.hub.inner.unread.nobody_waits());
    fixture.say(&fixture.messaging, "c", "hello").await;
    let (key, _heard) = fixture.enter("s");
    assert!(fixture.mark(&fixture.messaging, "s", ReadTarget::Everything).await);
    assert!(!fixture.hub.inner.unread.nobody_waits());
    fixture.hub.exit(key);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(fixture.hub.inner.unread.nobody_waits());
}
