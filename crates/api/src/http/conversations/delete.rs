use actix_web::{HttpResponse, web::Data};
use domain::id::ConversationId;

use crate::{
    failure::Failure,
    http::{Context, caller::Caller, command::run_to_completion, path::InPath},
};

/// Takes a conversation away, for both sides, with everything in it. Only the salon may.
#[utoipa::path(
    delete, path = "/messaging/conversations/{id}", tag = "conversations",
    operation_id = "deleteConversation",
    params(("id" = String, Path, max_length = 64, description = "Which conversation.")),
    responses((status = 204, description = "Done")),
)]
#[tracing::instrument(name = "http.conversation.delete", skip_all, fields(conversation.id = %id.0))]
pub(crate) async fn delete(
    Caller(caller): Caller,
    id: InPath<ConversationId>,
    context: Data<Context>,
) -> Result<HttpResponse, Failure> {
    let messaging = context.messaging.clone();
    run_to_completion(async move { Ok(messaging.delete_conversation(&id.0, &caller.user).await?) })
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

#[cfg(test)]
mod tests {
    use crate::testing::House;

    #[actix_web::test]
    async fn what_the_salon_takes_away_is_gone_for_both() {
        let house = House::new().await;
        let talk = house.talk().await;
        house.said(&talk, "c1", "Bonjour").await;
        let refused = house.delete(&talk, "c1").await;
        assert_eq!(refused.failure(), (403, "salon_side_only".to_owned()));
        assert_eq!(refused.json()["message"], "Seul le salon peut supprimer une conversation");
        let done = house.delete(&talk, "s1").await;
        assert!(done.status == 204 && done.is_empty());
        for who in ["s1", "c1"] {
            assert_eq!(house.get(&talk, who).await.status, 404);
            assert_eq!(house.unread(who).await, 0);
        }
        assert_eq!(house.delete(&talk, "s1").await.status, 404);
    }
}
