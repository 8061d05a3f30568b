use actix_web::web::{Data, Json};
use domain::id::MessageId;

use crate::{
    failure::Failure,
    http::{Context, caller::Caller, command::run_to_completion, path::InPath},
    wire,
};

/// Marks a message as read by the caller, and with it what the other side posted before it. The
/// caller's own message, or one that is read already, stays as it is.
#[utoipa::path(
    patch, path = "/messaging/messages/{id}/read", tag = "messages",
    operation_id = "markMessageRead",
    params(("id" = String, Path, max_length = 64, description = "Which message.")),
    responses((status = 200, description = "The message as it then is", body = wire::Message)),
)]
#[tracing::instrument(name = "http.message.mark_read", skip_all, fields(message.id = %id.0))]
pub(crate) async fn mark_read(
    Caller(caller): Caller,
    id: InPath<MessageId>,
    context: Data<Context>,
) -> Result<Json<wire::Message>, Failure> {
    let messaging = context.messaging.clone();
    let marked = run_to_completion(async move {
        let marked = messaging.mark_message_read(&id.0, &caller.user).await;
        marked.map_err(Failure::of_message)
    });
    Ok(Json(wire::Message::new(&marked.await?, &context.links)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::House;

    #[actix_web::test]
    async fn a_message_is_read_by_the_other_side_with_what_came_before() {
        let house = House::new().await;
        let talk = house.talk().await;
        let mut paths = Vec::new();
        for words in ["1", "2", "3"] {
            let said = house.said(&talk, "c1", words).await;
            paths.push(format!("/messaging/messages/{}/read", said["id"].as_str().expect("an id")));
        }
        let own = house.patch(&paths[1], "c1", json!({})).await;
        assert_eq!((own.status.as_u16(), &own.json()["isRead"]), (200, &json!(false)));
        assert_eq!(house.unread("s1").await, 3);

        let read = house.patch(&paths[1], "s1", json!({})).await.json();
        assert_eq!((&read["isRead"], read["readAt"].is_string()), (&json!(true), true));
        assert_eq!(house.unread("s1").await, 1);
        let again = house.patch(&paths[0], "s1", json!({})).await.json();
        assert_eq!((&again["isRead"], house.unread("s1").await), (&json!(true), 1));
    }

    #[actix_web::test]
    async fn a_stranger_s_message_is_no_message() {
        let house = House::new().await;
        let talk = house.talk().await;
        let said = house.said(&talk, "c1", "Bonjour").await;
        let path = format!("/messaging/messages/{}/read", said["id"].as_str().expect("an id"));
        let refused = house.patch(&path, "s2", json!({})).await;
        assert_eq!(refused.failure(), (404, "message_not_found".to_owned()));
        assert_eq!(refused.json()["message"], "Message non trouvé");
    }
}
