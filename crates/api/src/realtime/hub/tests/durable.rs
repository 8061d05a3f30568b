//! What a log holds is told to both sides, wherever they are.

use domain::{
    conversation::{Status, commands::ConversationChange},
    text::Subject,
};
use serde_json::json;

use super::*;

/// The next event called `name`, as the client is told it. The salon, which has not joined, is told
/// the same without the position.
async fn both(salon: &mut Heard, client: &mut Heard, name: &str) -> Value {
    let (elsewhere, told) = (salon.named(name).await, client.named(name).await);
    let mut without_position = told.clone();
    without_position.as_object_mut().expect("an object").remove("seq");
    assert_eq!(elsewhere, without_position, "{name}");
    told
}

#[tokio::test]
async fn a_change_of_subject_or_status_is_told_to_both_sides() {
    let stage = Stage::new().await;
    let (_, mut salon) = stage.enter("s");
    let (_, mut client) = stage.join("c", true).await;
    let id = stage.conversation.as_str();
    let change = ConversationChange {
        subject: Some(Subject::edit("Bras gauche").expect("it fits")),
        status: Some(Status::Archived),
    };
    let by = user("s");
    let changed = stage.messaging.change_conversation(&stage.conversation, &by, change);
    changed.await.expect("the salon may");
    assert_eq!(
        both(&mut salon, &mut client, "conversation-updated").await,
        json!({"conversationId": id, "subject": "Bras gauche", "status": "ARCHIVED", "seq": 2})
    );
    stage.say(&stage.messaging, "c", "hello").await;
    let back = both(&mut salon, &mut client, "conversation-updated").await;
    assert_eq!((&back["status"], &back["seq"]), (&json!("ACTIVE"), &json!(3)));
    assert_eq!(client.named("new-message").await["seq"], 4);
}

#[tokio::test]
async fn a_new_conversation_is_told_to_both_sides() {
    let stage = Stage::new().await;
    let (_, mut salon) = stage.enter("s");
    let (_, mut client) = stage.enter("c");
    let (_, mut stranger) = stage.enter("x");
    let new = NewConversation {
        client: user("c"),
        appointment: None,
        subject: Some(Subject::open("Un tatouage").expect("it fits")),
        first_message: None,
    };
    let by = caller(&domain::testing::fixture::salon("s"));
    let opened = stage.messaging.open_conversation(&by, new).await.expect("the salon may");
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
    let stage = Stage::new().await;
    let message = stage.say(&stage.messaging, "c", "hello").await;
    let (_, mut salon) = stage.enter("s");
    let (_, mut client) = stage.enter("c");
    stage.messaging.delete_message(&message, &user("c")).await.expect("its author may");
    assert_eq!(
        both(&mut salon, &mut client, "message-deleted").await,
        json!({
            "conversationId": stage.conversation.as_str(), "messageId": message.as_str(),
        })
    );
}

#[tokio::test]
async fn how_far_somebody_read_is_told_to_both_sides_and_its_author_hears_nothing_else() {
    let stage = Stage::new().await;
    stage.say(&stage.messaging, "c", "hello").await;
    let (_, mut reader) = stage.enter("s");
    let (_, mut author) = stage.enter("c");
    let (by, everything) = (user("s"), ReadTarget::Everything);
    let marked = stage.messaging.mark_conversation_read(&stage.conversation, &by, everything);
    marked.await.expect("marked");
    let read = both(&mut reader, &mut author, "conversation-read").await;
    assert_eq!((&read["readerId"], &read["upToSeq"]), (&json!("s"), &json!(2)));
    assert_eq!((read.get("seq"), read["readAt"].is_string()), (None, true));
    assert_eq!(author.names_so_far(), [""; 0]);
}

#[tokio::test]
async fn a_conversation_taken_away_is_told_to_both_sides() {
    let stage = Stage::new().await;
    let (_, mut salon) = stage.enter("s");
    let (_, mut client) = stage.join("c", true).await;
    let by = user("s");
    let deleted = stage.messaging.delete_conversation(&stage.conversation, &by);
    deleted.await.expect("the salon may");
    assert_eq!(
        both(&mut salon, &mut client, "conversation-deleted").await,
        json!({"conversationId": stage.conversation.as_str(), "seq": 2})
    );
}

#[tokio::test]
async fn a_room_hears_when_the_last_session_of_somebody_has_left() {
    let stage = Stage::new().await;
    let (_, mut salon) = stage.join("s", true).await;
    let (first, _) = stage.join("c", true).await;
    let (second, _ears) = stage.join("c", true).await;
    stage.hub.exit(first);
    assert_eq!(salon.names_so_far(), [""; 0]);
    stage.hub.leave(second, &stage.conversation).expect("it had joined");
    assert_eq!(
        salon.next().await,
        (
            "user-left".to_owned(),
            json!({"userId": "c", "conversationId": stage.conversation.as_str()})
        )
    );
}
