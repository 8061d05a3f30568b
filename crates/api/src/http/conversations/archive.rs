use actix_web::{HttpResponse, web::Data};
use domain::id::ConversationId;

use crate::{
    failure::Failure,
    http::{Context, caller::Caller, command::run_to_completion, path::InPath},
};

/// Puts an active conversation away, and takes an archived one out again. Only the salon may.
#[utoipa::path(
    patch, path = "/messaging/conversations/{id}/archive", tag = "conversations",
    operation_id = "toggleArchived",
    params(("id" = String, Path, max_length = 64, description = "Which conversation.")),
    responses((status = 204, description = "Done")),
)]
#[tracing::instrument(name = "http.conversation.archive", skip_all, fields(conversation.id = %id.0))]
pub(crate) async fn archive(
    Caller(caller): Caller,
    id: InPath<ConversationId>,
    context: Data<Context>,
) -> Result<HttpResponse, Failure> {
    let messaging = context.messaging.clone();
    run_to_completion(async move { Ok(messaging.toggle_archived(&id.0, &caller.user).await?) })
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::House;

    #[actix_web::test]
    async fn the_salon_puts_away_and_takes_out_again() {
        let house = House::new().await;
        let talk = house.talk().await;
        let path = format!("{talk}/archive");
        for status in ["ARCHIVED", "ACTIVE"] {
            let done = house.patch(&path, "s1", json!({})).await;
            assert!(done.status == 204 && done.is_empty());
            assert_eq!(house.get(&talk, "c1").await.json()["status"], status);
        }
        let refused = house.patch(&path, "c1", json!({})).await;
        assert_eq!(refused.failure(), (403, "salon_side_only".to_owned()));
        assert_eq!(refused.json()["message"], "Seul le salon peut archiver une conversation");
    }
}
