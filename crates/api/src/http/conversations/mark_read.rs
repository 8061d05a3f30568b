use actix_web::{HttpResponse, web::Data};
use domain::{id::ConversationId, ports::ReadTarget};

use crate::{
    failure::Failure,
    http::{Context, caller::Caller, command::run_to_completion, path::InPath},
};

/// Marks everything in a conversation as read by the caller.
#[utoipa::path(
    patch, path = "/messaging/conversations/{id}/mark-read", tag = "conversations",
    operation_id = "markConversationRead",
    params(("id" = String, Path, max_length = 64, description = "Which conversation.")),
    responses((status = 204, description = "Done")),
)]
#[tracing::instrument(name = "http.conversation.mark_read", skip_all, fields(conversation.id = %id.0))]
pub(crate) async fn mark_read(
    Caller(caller): Caller,
    id: InPath<ConversationId>,
    context: Data<Context>,
) -> Result<HttpResponse, Failure> {
    let messaging = context.messaging.clone();
    run_to_completion(async move {
        let target = ReadTarget::Everything;
        let marked = messaging.mark_conversation_read(&id.0, &caller.user, target).await;
        marked.map_err(Failure::of_conversation)
    })
    .await?;
    Ok(HttpResponse::NoContent().finish())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::House;

    #[actix_web::test]
    async fn everything_of_the_other_side_is_read_and_nothing_of_one_s_own() {
        let house = House::new().await;
        let talk = house.talk().await;
        house.said(&talk, "c1", "Bonjour").await;
        house.said(&talk, "s1", "Bonjour Camille").await;
        for _ in 0..2 {
            let done = house.patch(&format!("{talk}/mark-read"), "s1", json!({})).await;
            assert!(done.status == 204 && done.is_empty());
        }
        assert_eq!((house.unread("s1").await, house.unread("c1").await), (0, 1));
        let page = house.get(&format!("{talk}/messages"), "c1").await.json();
        assert_eq!(
            (&page["data"][0]["isRead"], &page["data"][1]["isRead"]),
            (&json!(false), &json!(true))
        );
        assert!(page["data"][1]["readAt"].is_string());
    }
}
