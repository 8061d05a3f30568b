//! Conversations.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::ContentType,
    web::{Data, Json},
};
use domain::{conversation::ledger::ReadTarget, ids::ConversationId};

use super::{
    context::Context,
    extract::{Body, Caller, InPath, hide_from_strangers, run_to_completion},
    schema,
};
use crate::{dto, error::Failure, input};

/// Archives an active conversation, or reactivates an archived one. Salon only.
#[utoipa::path(
    patch, path = "/messaging/conversations/{id}/archive", tag = "conversations",
    operation_id = "toggleArchived",
    params(("id" = String, Path, max_length = 64, description = "Conversation id.")),
    responses((status = 204, description = "Done")),
)]
#[tracing::instrument(name = "http.conversation.archive", skip_all, fields(conversation.id = %id.0))]
pub(crate) async fn archive(
    Caller(caller): Caller,
    id: InPath<ConversationId>,
    context: Data<Context>,
) -> Result<HttpResponse, Failure> {
    let messaging = context.services.messaging.clone();
    run_to_completion(async move { Ok(messaging.toggle_archived(&id.0, &caller.user).await?) })
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Changes subject and status, both or neither. Only the salon may change the status.
#[utoipa::path(
    patch, path = "/messaging/conversations/{id}", tag = "conversations",
    operation_id = "changeConversation",
    params(("id" = String, Path, max_length = 64, description = "Conversation id.")),
    request_body = schema::ConversationChange,
    responses((status = 200, description = "The changed conversation", body = dto::Conversation)),
)]
#[tracing::instrument(name = "http.conversation.change", skip_all, fields(conversation.id = %id.0))]
pub(crate) async fn change(
    Caller(caller): Caller,
    id: InPath<ConversationId>,
    body: Body,
    context: Data<Context>,
) -> Result<Json<dto::Conversation>, Failure> {
    let (id, user) = (id.0, caller.user);
    let change = match input::change(&body.fields().await?) {
        Ok(change) => change,
        Err(failure) => return Err(hide_from_strangers(failure, &context, &id, &user).await),
    };
    let messaging = context.services.messaging.clone();
    let changed =
        run_to_completion(
            async move { Ok(messaging.change_conversation(&id, &user, change).await?) },
        );
    Ok(Json(dto::Conversation::from(&changed.await?)))
}

/// Deletes a conversation with all its messages, for both participants. Salon only.
#[utoipa::path(
    delete, path = "/messaging/conversations/{id}", tag = "conversations",
    operation_id = "deleteConversation",
    params(("id" = String, Path, max_length = 64, description = "Conversation id.")),
    responses((status = 204, description = "Done")),
)]
#[tracing::instrument(name = "http.conversation.delete", skip_all, fields(conversation.id = %id.0))]
pub(crate) async fn delete(
    Caller(caller): Caller,
    id: InPath<ConversationId>,
    context: Data<Context>,
) -> Result<HttpResponse, Failure> {
    let messaging = context.services.messaging.clone();
    run_to_completion(async move { Ok(messaging.delete_conversation(&id.0, &caller.user).await?) })
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Lists the caller's conversations, newest message first.
#[utoipa::path(
    get, path = "/messaging/conversations", tag = "conversations",
    operation_id = "listConversations",
    params(
        ("page" = Option<u32>, Query, minimum = 1, maximum = 10_000,
            description = "Page number, default 1. Pages shift while messages arrive: prefer `cursor`."),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100,
            description = "Conversations per page, default 20."),
        ("cursor" = Option<String>, Query, max_length = 128,
            description = "The `nextCursor` of the previous page. Takes precedence over `page`."),
        ("status" = Option<schema::Status>, Query, description = "Only conversations with this status."),
    ),
    responses((status = 200, description = "The page", body = dto::ConversationPage)),
)]
#[tracing::instrument(name = "http.conversation.list", skip_all)]
pub(crate) async fn list(
    Caller(caller): Caller,
    request: HttpRequest,
    context: Data<Context>,
) -> Result<HttpResponse, Failure> {
    let input::ConversationQuery { status, window } =
        input::conversation_query(request.query_string())?;
    let page = context.services.messaging.conversations(&caller.user, status, &window).await?;
    let json = dto::ConversationPage::json(&page, &window).map_err(Failure::internal)?;
    Ok(HttpResponse::Ok().content_type(ContentType::json()).body(json))
}

/// Marks all messages of a conversation as read by the caller.
#[utoipa::path(
    patch, path = "/messaging/conversations/{id}/mark-read", tag = "conversations",
    operation_id = "markConversationRead",
    params(("id" = String, Path, max_length = 64, description = "Conversation id.")),
    responses((status = 204, description = "Done")),
)]
#[tracing::instrument(name = "http.conversation.mark_read", skip_all, fields(conversation.id = %id.0))]
pub(crate) async fn mark_read(
    Caller(caller): Caller,
    id: InPath<ConversationId>,
    context: Data<Context>,
) -> Result<HttpResponse, Failure> {
    let messaging = context.services.messaging.clone();
    run_to_completion(async move {
        let target = ReadTarget::Everything;
        let marked = messaging.mark_conversation_read(&id.0, &caller.user, target).await;
        marked.map_err(Failure::of_conversation)
    })
    .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Creates a conversation with a client, or returns the existing one for that booking. Salon only.
#[utoipa::path(
    post, path = "/messaging/conversations", tag = "conversations",
    operation_id = "openConversation",
    request_body = schema::NewConversation,
    responses((status = 201, description = "The conversation", body = dto::Conversation)),
)]
#[tracing::instrument(name = "http.conversation.open", skip_all)]
pub(crate) async fn open(
    Caller(caller): Caller,
    body: Body,
    context: Data<Context>,
) -> Result<HttpResponse, Failure> {
    let new = input::new_conversation(&body.fields().await?)?;
    let messaging = context.services.messaging.clone();
    let opened =
        run_to_completion(async move { Ok(messaging.open_conversation(&caller, new).await?) });
    Ok(HttpResponse::Created().json(dto::Conversation::from(&opened.await?)))
}

/// Returns a conversation. Marks nothing as read.
#[utoipa::path(
    get, path = "/messaging/conversations/{id}", tag = "conversations",
    operation_id = "getConversation",
    params(("id" = String, Path, max_length = 64, description = "Conversation id.")),
    responses((status = 200, description = "The conversation", body = dto::Conversation)),
)]
#[tracing::instrument(name = "http.conversation.show", skip_all, fields(conversation.id = %id.0))]
pub(crate) async fn show(
    Caller(caller): Caller,
    id: InPath<ConversationId>,
    context: Data<Context>,
) -> Result<Json<dto::Conversation>, Failure> {
    let found = context.services.messaging.conversation(&id.0, &caller.user).await;
    let view = found.map_err(Failure::of_conversation)?;
    Ok(Json(dto::Conversation::from(&view)))
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod archive_tests {
    use serde_json::json;

    use crate::testing::TestApp;

    #[actix_web::test]
    async fn the_salon_archives_and_reactivates_a_conversation() {
        let test_app = TestApp::new().await;
        let conversation = test_app.open_conversation().await;
        let path = format!("{conversation}/archive");
        for status in ["ARCHIVED", "ACTIVE"] {
            let done = test_app.patch(&path, "s1", json!({})).await;
            assert!(done.status == 204 && done.is_empty());
            assert_eq!(test_app.get(&conversation, "c1").await.json()["status"], status);
        }
        let refused = test_app.patch(&path, "c1", json!({})).await;
        assert_eq!(refused.failure(), (403, "salon_side_only".to_owned()));
        assert_eq!(refused.json()["message"], "Seul le salon peut archiver une conversation");
    }
}

#[cfg(test)]
mod delete_tests {
    use crate::testing::TestApp;

    #[actix_web::test]
    async fn what_the_salon_deletes_is_gone_for_both() {
        let test_app = TestApp::new().await;
        let conversation = test_app.open_conversation().await;
        test_app.send_message(&conversation, "c1", "Bonjour").await;
        let refused = test_app.delete(&conversation, "c1").await;
        assert_eq!(refused.failure(), (403, "salon_side_only".to_owned()));
        assert_eq!(refused.json()["message"], "Seul le salon peut supprimer une conversation");
        let done = test_app.delete(&conversation, "s1").await;
        assert!(done.status == 204 && done.is_empty());
        for who in ["s1", "c1"] {
            assert_eq!(test_app.get(&conversation, who).await.status, 404);
            assert_eq!(test_app.unread(who).await, 0);
        }
        assert_eq!(test_app.delete(&conversation, "s1").await.status, 404);
    }
}

#[cfg(test)]
mod mark_read_tests {
    use serde_json::json;

    use crate::testing::TestApp;

    #[actix_web::test]
    async fn everything_of_the_other_side_is_read_and_nothing_of_one_s_own() {
        let test_app = TestApp::new().await;
        let conversation = test_app.open_conversation().await;
        test_app.send_message(&conversation, "c1", "Bonjour").await;
        test_app.send_message(&conversation, "s1", "Bonjour Camille").await;
        for _ in 0..2 {
            let done = test_app.patch(&format!("{conversation}/mark-read"), "s1", json!({})).await;
            assert!(done.status == 204 && done.is_empty());
        }
        assert_eq!((test_app.unread("s1").await, test_app.unread("c1").await), (0, 1));
        let page = test_app.get(&format!("{conversation}/messages"), "c1").await.json();
        assert_eq!(
            (&page["data"][0]["isRead"], &page["data"][1]["isRead"]),
            (&json!(false), &json!(true))
        );
        assert!(page["data"][1]["readAt"].is_string());
    }
}

#[cfg(test)]
mod show_tests {
    use crate::testing::TestApp;

    #[actix_web::test]
    async fn both_sides_see_it_and_fetching_it_marks_nothing_as_read() {
        let test_app = TestApp::new().await;
        let conversation = test_app.open_conversation().await;
        test_app.send_message(&conversation, "c1", "Bonjour").await;
        for (who, unread) in [("s1", 1), ("c1", 0), ("s1", 1)] {
            let shown = test_app.get(&conversation, who).await;
            assert_eq!(shown.status, 200);
            assert_eq!(shown.json()["unreadCount"], unread);
            assert_eq!(shown.json()["lastMessage"]["content"], "Bonjour");
        }
        assert_eq!(test_app.unread("s1").await, 1);
    }

    #[actix_web::test]
    async fn foreign_unknown_and_impossible_ids_get_the_same_response() {
        let test_app = TestApp::new().await;
        let conversation = test_app.open_conversation().await;
        let stranger = test_app.get(&conversation, "c2").await;
        assert_eq!(stranger.failure(), (404, "conversation_not_found".to_owned()));
        assert_eq!(stranger.json()["message"], "Conversation non trouvée");
        assert_eq!(stranger.json()["error"], "Not Found");
        for path in ["none", "a%20b", "%00", "%FF", "..%2Fx", &"x".repeat(65)] {
            let nothing = test_app.get(&format!("/messaging/conversations/{path}"), "c2").await;
            assert_eq!(nothing.text(), stranger.text(), "{path}");
        }
    }
}
