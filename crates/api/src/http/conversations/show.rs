use actix_web::web::{Data, Json};
use domain::id::ConversationId;

use crate::{
    failure::Failure,
    http::{Context, caller::Caller, path::InPath},
    wire,
};

/// One conversation. Marks nothing as read.
#[utoipa::path(
    get, path = "/messaging/conversations/{id}", tag = "conversations",
    operation_id = "getConversation",
    params(("id" = String, Path, max_length = 64, description = "Which conversation.")),
    responses((status = 200, description = "The conversation", body = wire::Conversation)),
)]
#[tracing::instrument(name = "http.conversation.show", skip_all, fields(conversation.id = %id.0))]
pub(crate) async fn show(
    Caller(caller): Caller,
    id: InPath<ConversationId>,
    context: Data<Context>,
) -> Result<Json<wire::Conversation>, Failure> {
    let found = context.messaging.conversation(&id.0, &caller.user).await;
    let view = found.map_err(Failure::of_conversation)?;
    Ok(Json(wire::Conversation::from(&view)))
}

#[cfg(test)]
mod tests {
    use crate::testing::House;

    #[actix_web::test]
    async fn both_sides_see_it_and_looking_reads_nothing() {
        let house = House::new().await;
        let talk = house.talk().await;
        house.said(&talk, "c1", "Bonjour").await;
        for (who, unread) in [("s1", 1), ("c1", 0), ("s1", 1)] {
            let shown = house.get(&talk, who).await;
            assert_eq!(shown.status, 200);
            assert_eq!(shown.json()["unreadCount"], unread);
            assert_eq!(shown.json()["lastMessage"]["content"], "Bonjour");
        }
        assert_eq!(house.unread("s1").await, 1);
    }

    #[actix_web::test]
    async fn what_is_a_stranger_s_what_never_was_and_what_cannot_be_look_alike() {
        let house = House::new().await;
        let talk = house.talk().await;
        let stranger = house.get(&talk, "c2").await;
        assert_eq!(stranger.failure(), (404, "conversation_not_found".to_owned()));
        assert_eq!(stranger.json()["message"], "Conversation non trouvée");
        assert_eq!(stranger.json()["error"], "Not Found");
        for path in ["none", "a%20b", "%00", "%FF", "..%2Fx", &"x".repeat(65)] {
            let nothing = house.get(&format!("/messaging/conversations/{path}"), "c2").await;
            assert_eq!(nothing.text(), stranger.text(), "{path}");
        }
    }
}
