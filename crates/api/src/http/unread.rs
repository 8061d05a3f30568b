use actix_web::web::{Data, Json};

use super::{context::Context, extract::Caller};
use crate::{dto, error::Failure};

/// Counts the messages unread by the caller in all conversations, archived ones included.
#[utoipa::path(
    get, path = "/messaging/conversations/unread/total", tag = "unread",
    operation_id = "countUnread",
    responses((status = 200, description = "The count", body = dto::UnreadTotal)),
)]
#[tracing::instrument(name = "http.unread.total", skip_all)]
pub(crate) async fn total(
    Caller(caller): Caller,
    context: Data<Context>,
) -> Result<Json<dto::UnreadTotal>, Failure> {
    let total_unread = context.services.messaging.unread_total(&caller.user).await?;
    Ok(Json(dto::UnreadTotal { total_unread }))
}

/// Lists the active conversations with unread messages: the ten with the newest messages.
#[utoipa::path(
    get, path = "/messaging/conversations/unread", tag = "unread",
    operation_id = "listUnread",
    responses((status = 200, description = "At most ten conversations", body = Vec<dto::UnreadItem>)),
)]
#[tracing::instrument(name = "http.unread.list", skip_all)]
pub(crate) async fn list(
    Caller(caller): Caller,
    context: Data<Context>,
) -> Result<Json<Vec<dto::UnreadItem>>, Failure> {
    let unread = context.services.messaging.unread_conversations(&caller.user).await?;
    Ok(Json(unread.iter().map(dto::UnreadItem::from).collect()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::{CONVERSATIONS, TestApp, keys};

    #[actix_web::test]
    async fn the_total_counts_archived_conversations_too() {
        let test_app = TestApp::new().await;
        let conversation = test_app.open_conversation().await;
        test_app.send_message(&conversation, "c1", "1").await;
        test_app.send_message(&conversation, "c1", "2").await;
        test_app.patch(&format!("{conversation}/archive"), "s1", json!({})).await;
        let total = test_app.get(&format!("{CONVERSATIONS}/unread/total"), "s1").await;
        assert_eq!((total.status.as_u16(), total.json()), (200, json!({"totalUnread": 2})));
    }

    #[actix_web::test]
    async fn the_list_is_for_both_sides_and_shows_what_the_other_said_last() {
        let test_app = TestApp::new().await;
        let conversation = test_app.open_conversation().await;
        test_app.send_message(&conversation, "c1", "Question").await;
        test_app.send_message(&conversation, "s1", "Réponse").await;
        let path = format!("{CONVERSATIONS}/unread");
        let salon = test_app.get(&path, "s1").await.json();
        let item = &salon[0];
        assert_eq!(
            keys(item),
            [
                "clientFirstName",
                "clientId",
                "clientLastName",
                "conversationId",
                "lastMessage",
                "lastMessageAt",
                "salonId",
                "salonName",
                "subject",
                "unreadCount",
            ]
        );
        assert_eq!((&item["subject"], &item["clientId"]), (&Value::Null, &json!("c1")));
        assert_eq!(keys(&item["lastMessage"]), ["content", "createdAt", "id", "type"]);
        assert_eq!(
            (&item["lastMessage"]["content"], &item["unreadCount"]),
            (&json!("Question"), &json!(1))
        );

        let client = test_app.get(&path, "c1").await.json();
        assert_eq!(client[0]["lastMessage"]["content"], "Réponse");
        assert_eq!(client[0]["clientId"], "c1");
        assert_eq!(test_app.get(&path, "c2").await.json(), json!([]));
    }
}
