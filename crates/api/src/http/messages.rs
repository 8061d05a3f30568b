//! Messages and the event log.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{ContentType, HeaderMap},
    web::{Data, Json},
};
use domain::ids::{ConversationId, MessageId};

use super::{
    context::Context,
    extract::{Body, Caller, InPath, hide_from_strangers, run_to_completion},
    middleware::IDEMPOTENCY_KEY,
    schema,
};
use crate::{dto, error::Failure, input, realtime::resume::missed, texts};

/// Deletes one of the caller's own messages, for both participants.
#[utoipa::path(
    delete, path = "/messaging/messages/{id}", tag = "messages",
    operation_id = "deleteMessage",
    params(("id" = String, Path, max_length = 64, description = "Message id.")),
    responses((status = 204, description = "Done")),
)]
#[tracing::instrument(name = "http.message.delete", skip_all, fields(message.id = %id.0))]
pub(crate) async fn delete(
    Caller(caller): Caller,
    id: InPath<MessageId>,
    context: Data<Context>,
) -> Result<HttpResponse, Failure> {
    let messaging = context.services.messaging.clone();
    run_to_completion(async move { Ok(messaging.delete_message(&id.0, &caller.user).await?) })
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Lists the events of a conversation after a position, oldest first; the same events that sockets
/// deliver live.
#[utoipa::path(
    get, path = "/messaging/conversations/{id}/events", tag = "messages",
    operation_id = "listEvents",
    params(
        ("id" = String, Path, max_length = 64, description = "Conversation id."),
        ("after" = Option<i64>, Query, minimum = 0,
            description = "Position after which to start, default 0: `lastSeq` of the conversation, \
                of its history, or of the previous page."),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200,
            description = "Events per page, default 200."),
    ),
    responses((status = 200, description = "The events", body = dto::LogPage)),
)]
#[tracing::instrument(name = "http.event.list", skip_all, fields(conversation.id = %id.0))]
pub(crate) async fn events(
    Caller(caller): Caller,
    id: InPath<ConversationId>,
    request: HttpRequest,
    context: Data<Context>,
) -> Result<Json<dto::LogPage>, Failure> {
    let (id, user) = (id.0, caller.user);
    let query = match input::event_query(request.query_string()) {
        Ok(query) => query,
        Err(failure) => return Err(hide_from_strangers(failure, &context, &id, &user).await),
    };
    let missed = missed(&context.services.messaging, &id, &user, query.after, query.limit).await;
    Ok(Json(missed.map_err(Failure::of_conversation)?.page(&id, query.after, &context.links)))
}

/// Lists the messages of a conversation, newest first. Marks nothing as read.
#[utoipa::path(
    get, path = "/messaging/conversations/{id}/messages", tag = "messages",
    operation_id = "listMessages",
    params(
        ("id" = String, Path, max_length = 64, description = "Conversation id."),
        ("page" = Option<u32>, Query, minimum = 1, maximum = 10_000,
            description = "Page number, default 1. Pages shift while messages arrive: prefer `cursor`."),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100,
            description = "Messages per page, default 50."),
        ("cursor" = Option<String>, Query, max_length = 128,
            description = "The `nextCursor` of the previous page. Takes precedence over `page`."),
    ),
    responses((status = 200, description = "The page", body = dto::MessagePage)),
)]
#[tracing::instrument(name = "http.message.list", skip_all, fields(conversation.id = %id.0))]
pub(crate) async fn list(
    Caller(caller): Caller,
    id: InPath<ConversationId>,
    request: HttpRequest,
    context: Data<Context>,
) -> Result<HttpResponse, Failure> {
    let (id, user) = (id.0, caller.user);
    let window = match input::message_query(request.query_string()) {
        Ok(window) => window,
        Err(failure) => return Err(hide_from_strangers(failure, &context, &id, &user).await),
    };
    let history = context.services.messaging.history(&id, &user, &window).await;
    let history = history.map_err(Failure::of_conversation)?;
    let json = dto::MessagePage::json(&history.page, &window, &context.links);
    let json = json.map_err(Failure::internal)?;
    Ok(HttpResponse::Ok().content_type(ContentType::json()).body(json))
}

/// Marks a message and all earlier ones of the other participant as read. Has no effect on the
/// caller's own messages and on messages already read.
#[utoipa::path(
    patch, path = "/messaging/messages/{id}/read", tag = "messages",
    operation_id = "markMessageRead",
    params(("id" = String, Path, max_length = 64, description = "Message id.")),
    responses((status = 200, description = "The updated message", body = dto::Message)),
)]
#[tracing::instrument(name = "http.message.mark_read", skip_all, fields(message.id = %id.0))]
pub(crate) async fn mark_read(
    Caller(caller): Caller,
    id: InPath<MessageId>,
    context: Data<Context>,
) -> Result<Json<dto::Message>, Failure> {
    let messaging = context.services.messaging.clone();
    let marked = run_to_completion(async move {
        let marked = messaging.mark_message_read(&id.0, &caller.user).await;
        marked.map_err(Failure::of_message)
    });
    Ok(Json(dto::Message::new(&marked.await?, &context.links)))
}

/// Sends a message. On success it is stored durably, exactly once. Reactivates an archived
/// conversation.
#[utoipa::path(
    post, path = "/messaging/conversations/{id}/messages", tag = "messages",
    operation_id = "sendMessage",
    params(
        ("id" = String, Path, max_length = 64, description = "Conversation id."),
        ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 64,
            pattern = "^[A-Za-z0-9_-]+$",
            description = "Same as `clientMessageId` in the body; if both are given they must be equal."),
    ),
    request_body = schema::NewMessage,
    responses((status = 201, description = "The message; for a repeated key, the first one",
        body = dto::Message)),
)]
#[tracing::instrument(name = "http.message.send", skip_all, fields(conversation.id = %id.0))]
pub(crate) async fn send(
    Caller(caller): Caller,
    id: InPath<ConversationId>,
    body: Body,
    request: HttpRequest,
    context: Data<Context>,
) -> Result<HttpResponse, Failure> {
    let (id, user) = (id.0, caller.user);
    context.limits.allow_send(&user)?;
    let fields = body.fields().await?;
    let draft = key(request.headers()).and_then(|key| input::draft(&fields, key));
    let draft = match draft {
        Ok(draft) => draft,
        Err(failure) => return Err(hide_from_strangers(failure, &context, &id, &user).await),
    };
    let messaging = context.services.messaging.clone();
    let sent =
        run_to_completion(async move { Ok(messaging.send_message(&id, &user, draft).await?) });
    Ok(HttpResponse::Created().json(dto::Message::new(&sent.await?.message, &context.links)))
}

/// The `Idempotency-Key`, at most one. A value that is not ASCII text becomes "", which no key can be.
fn key(headers: &HeaderMap) -> Result<Option<&str>, Failure> {
    let mut keys = headers.get_all(IDEMPOTENCY_KEY).map(|key| key.to_str().unwrap_or(""));
    let key = keys.next();
    if keys.next().is_some() {
        return Err(Failure::validation(vec![texts::given_twice("Idempotency-Key")]));
    }
    Ok(key)
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod delete_tests {
    use crate::testing::TestApp;

    #[actix_web::test]
    async fn only_its_author_deletes_a_message_and_then_it_is_gone_for_both() {
        let test_app = TestApp::new().await;
        let conversation = test_app.open_conversation().await;
        let sent = test_app.send_message(&conversation, "c1", "Bonjour").await;
        let path = format!("/messaging/messages/{}", sent["id"].as_str().expect("an id"));
        let refused = test_app.delete(&path, "s1").await;
        assert_eq!(refused.failure(), (403, "not_your_message".to_owned()));
        let text = "Vous ne pouvez supprimer que vos propres messages";
        assert_eq!(refused.json()["message"], text);
        let done = test_app.delete(&path, "c1").await;
        assert!(done.status == 204 && done.is_empty());
        assert_eq!((test_app.messages(&conversation).await, test_app.unread("s1").await), (0, 0));
        assert_eq!(
            test_app.delete(&path, "c1").await.failure(),
            (404, "message_not_found".to_owned())
        );
    }
}

#[cfg(test)]
mod mark_read_tests {
    use serde_json::json;

    use crate::testing::TestApp;

    #[actix_web::test]
    async fn a_message_is_read_by_the_other_side_with_what_came_before() {
        let test_app = TestApp::new().await;
        let conversation = test_app.open_conversation().await;
        let mut paths = Vec::new();
        for words in ["1", "2", "3"] {
            let sent = test_app.send_message(&conversation, "c1", words).await;
            paths.push(format!("/messaging/messages/{}/read", sent["id"].as_str().expect("an id")));
        }
        let own = test_app.patch(&paths[1], "c1", json!({})).await;
        assert_eq!((own.status.as_u16(), &own.json()["isRead"]), (200, &json!(false)));
        assert_eq!(test_app.unread("s1").await, 3);

        let read = test_app.patch(&paths[1], "s1", json!({})).await.json();
        assert_eq!((&read["isRead"], read["readAt"].is_string()), (&json!(true), true));
        assert_eq!(test_app.unread("s1").await, 1);
        let again = test_app.patch(&paths[0], "s1", json!({})).await.json();
        assert_eq!((&again["isRead"], test_app.unread("s1").await), (&json!(true), 1));
    }

    #[actix_web::test]
    async fn a_foreign_message_is_not_found() {
        let test_app = TestApp::new().await;
        let conversation = test_app.open_conversation().await;
        let sent = test_app.send_message(&conversation, "c1", "Bonjour").await;
        let path = format!("/messaging/messages/{}/read", sent["id"].as_str().expect("an id"));
        let refused = test_app.patch(&path, "s2", json!({})).await;
        assert_eq!(refused.failure(), (404, "message_not_found".to_owned()));
        assert_eq!(refused.json()["message"], "Message non trouvé");
    }
}
