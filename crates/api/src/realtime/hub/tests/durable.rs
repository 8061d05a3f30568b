//! Entries of a log are sent to both participants, to all their sessions.

use domain::{
    conversation::{Status, commands::ConversationChange},
    text::Subject,
};
use serde_json::json;

use super::*;
use crate::realtime::subscriptions::Subscription;

/// The next event called `name`, as the client is sent it. The salon, which has not joined, is sent
/// the same without the position.
async fn both(salon: &mut Received, client: &mut Received, name: &str) -> Value {
    let (elsewhere, event) = (salon.named(name).await, client.named(name).await);
    let mut without_position = event.clone();
    without_position.as_object_mut().expect("an object").remove("seq");
    assert_eq!(elsewhere, without_position, "{name}");
    event
}

#[tokio::test]
async fn a_change_of_subject_or_status_is_told_to_both_sides() {
    let fixture = Fixture::new().await;
    let (_, mut salon) = fixture.enter("s");
    let (_, mut client) = fixture.join("c", true).await;
    let id = fixture.conversation.as_str();
    let change = ConversationChange {
        subject: Some(Subject::edit("Bras gauche").expect("it fits")),
        status: Some(Status::Archived),
    };
    let by = user("s");
    let changed = fixture.messaging.change_conversation(&fixture.conversation, &by, change);
    changed.await.expect("the salon may");
    assert_eq!(
        both(&mut salon, &mut client, "conversation-updated").await,
        json!({"conversationId": id, "subject": "Bras gauche", "status": "ARCHIVED", "seq": 2})
    );
    fixture.say(&fixture.messaging, "c", "hello").await;
    let back = both(&mut salon, &mut client, "conversation-updated").await;
    assert_eq!((&back["status"], &back["seq"]), (&json!("ACTIVE"), &json!(3)));
    assert_eq!(client.named("new-message").await["seq"], 4);
}

#[tokio::test]
async fn a_new_conversation_is_told_to_both_sides() {
    let fixture = Fixture::new().await;
    let (_, mut salon) = fixture.enter("s");
    let (_, mut client) = fixture.enter("c");
    let (_, mut stranger) = fixture.enter("x");
    let new = NewConversation {
        client: user("c"),
        appointment: None,
        subject: Some(Subject::open("Un tatouage").expect("it fits")),
        first_message: None,
    };
    let by = caller(&domain::testing::fixture::salon("s"));
    let opened = fixture.messaging.open_conversation(&by, new).await.expect("the salon may");
    assert_eq!(
        both(&mut salon, &mut client, "conversation-created").await,
        json!({
            "conversationId": opened.conversation.id.as_str(), "salonId": "s", "clientUserId": "c",
            "subject": "Un tatouage", "status": "ACTIVE",
        })
    );
    assert_eq!(stranger.names_so_far(), [""; 0]);
}

#[tokio::test]
async fn a_deleted_message_is_told_to_both_sides() {
    let fixture = Fixture::new().await;
    let message = fixture.say(&fixture.messaging, "c", "hello").await;
    let (_, mut salon) = fixture.enter("s");
    let (_, mut client) = fixture.enter("c");
    fixture.messaging.delete_message(&message, &user("c")).await.expect("its author may");
    assert_eq!(
        both(&mut salon, &mut client, "message-deleted").await,
        json!({
            "conversationId": fixture.conversation.as_str(), "messageId": message.as_str(),
        })
    );
}

#[tokio::test]
async fn how_far_somebody_read_is_told_to_both_sides_and_its_author_hears_nothing_else() {
    let fixture = Fixture::new().await;
    fixture.say(&fixture.messaging, "c", "hello").await;
    let (_, mut reader) = fixture.enter("s");
    let (_, mut author) = fixture.enter("c");
    let (by, everything) = (user("s"), ReadTarget::Everything);
    let marked = fixture.messaging.mark_conversation_read(&fixture.conversation, &by, everything);
    marked.await.expect("marked");
    let read = both(&mut reader, &mut author, "conversation-read").await;
    assert_eq!((&read["readerId"], &read["upToSeq"]), (&json!("s"), &json!(2)));
    assert_eq!((read.get("seq"), read["readAt"].is_string()), (None, true));
    assert_eq!(author.names_so_far(), [""; 0]);
}

#[tokio::test]
async fn a_conversation_taken_away_is_told_to_both_sides() {
    let fixture = Fixture::new().await;
    let (_, mut salon) = fixture.enter("s");
    let (_, mut client) = fixture.join("c", true).await;
    let by = user("s");
    let deleted = fixture.messaging.delete_conversation(&fixture.conversation, &by);
    deleted.await.expect("the salon may");
    assert_eq!(
        both(&mut salon, &mut client, "conversation-deleted").await,
        json!({"conversationId": fixture.conversation.as_str(), "seq": 2})
    );
}

#[tokio::test]
async fn a_session_that_ends_before_it_is_restored_left_no_room_that_it_had_not_entered() {
    let fixture = Fixture::new().await;
    let (_, mut salon) = fixture.join("s", true).await;
    let (key, _received) = fixture.enter("c");
    let conversation = fixture.conversation.clone();
    let room = Subscription { conversation, visible: true, delivered_seq: Seq::ZERO.next() };
    fixture.hub.set_subscriptions(key, &Subscriptions::new(vec![room]));
    fixture.hub.exit(key);
    assert_eq!(salon.names_so_far(), [""; 0]);
}

#[tokio::test]
async fn whoever_ends_right_after_joining_is_said_to_have_joined_and_then_to_have_left() {
    let fixture = Fixture::new().await;
    let (_, mut salon) = fixture.join("s", true).await;
    let (key, _received) = fixture.enter("c");
    let pending = fixture.hub.begin_join(key, &fixture.conversation, true);
    let since = fixture.last_seq("c").await;
    assert!(pending.complete(&user("c"), &history_to(since), JoinNotice::Always));
    fixture.hub.exit(key);
    assert_eq!(salon.names_so_far(), ["user-joined", "user-left"]);
}

#[tokio::test]
async fn a_restored_session_is_announced_unless_its_person_is_there_already() {
    let fixture = Fixture::new().await;
    let (_, mut salon) = fixture.join("s", true).await;
    for (number, announced) in [(1, true), (2, false)] {
        let (key, _received) = fixture.enter("c");
        let pending = fixture.hub.begin_join(key, &fixture.conversation, true);
        let since = fixture.last_seq("c").await;
        assert!(pending.complete(&user("c"), &history_to(since), JoinNotice::UnlessPresent));
        let expected: &[&str] = if announced { &["user-joined"] } else { &[] };
        assert_eq!(salon.names_so_far(), expected, "session {number}");
    }
}

#[tokio::test]
async fn a_room_hears_when_the_last_session_of_somebody_has_left() {
    let fixture = Fixture::new().await;
    let (_, mut salon) = fixture.join("s", true).await;
    let (first, _) = fixture.join("c", true).await;
    let (second, _ears) = fixture.join("c", true).await;
    fixture.hub.exit(first);
    assert_eq!(salon.names_so_far(), [""; 0]);
    fixture.hub.leave(second, &fixture.conversation).expect("it had joined");
    assert_eq!(
        salon.next().await,
        (
            "user-left".to_owned(),
            json!({"userId": "c", "conversationId": fixture.conversation.as_str()})
        )
    );
}
