use actix_web::{HttpResponse, web::Data};
use domain::id::MessageId;

use crate::{
    failure::Failure,
    http::{Context, caller::Caller, command::run_to_completion, path::InPath},
};

/// Deletes a message of the caller's own, for both sides.
#[utoipa::path(
    delete, path = "/messaging/messages/{id}", tag = "messages",
    operation_id = "deleteMessage",
    params(("id" = String, Path, max_length = 64, description = "Which message.")),
    responses((status = 204, description = "Done")),
)]
#[tracing::instrument(name = "http.message.delete", skip_all, fields(message.id = %id.0))]
pub(crate) async fn delete(
    Caller(caller): Caller,
    id: InPath<MessageId>,
    context: Data<Context>,
) -> Result<HttpResponse, Failure> {
    let messaging = context.messaging.clone();
    run_to_completion(async move { Ok(messaging.delete_message(&id.0, &caller.user).await?) })
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

#[cfg(test)]
mod tests {
    use crate::testing::House;

    #[actix_web::test]
    async fn only_its_author_deletes_a_message_and_then_it_is_gone_for_both() {
        let house = House::new().await;
        let talk = house.talk().await;
        let said = house.said(&talk, "c1", "Bonjour").await;
        let path = format!("/messaging/messages/{}", said["id"].as_str().expect("an id"));
        let refused = house.delete(&path, "s1").await;
        assert_eq!(refused.failure(), (403, "not_your_message".to_owned()));
        let text = "Vous ne pouvez supprimer que vos propres messages";
        assert_eq!(refused.json()["message"], text);
        let done = house.delete(&path, "c1").await;
        assert!(done.status == 204 && done.is_empty());
        assert_eq!((house.messages(&talk).await, house.unread("s1").await), (0, 0));
        assert_eq!(
            house.delete(&path, "c1").await.failure(),
            (404, "message_not_found".to_owned())
        );
    }
}
