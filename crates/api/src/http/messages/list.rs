use actix_web::{
    HttpRequest,
    web::{Data, Json},
};
use domain::id::ConversationId;

use crate::{
    failure::Failure,
    http::{Context, caller::Caller, command::hide_from_strangers, path::InPath},
    input, wire,
};

/// A page of a conversation's messages, newest first. Marks nothing as read.
#[utoipa::path(
    get, path = "/messaging/conversations/{id}/messages", tag = "messages",
    operation_id = "listMessages",
    params(
        ("id" = String, Path, max_length = 64, description = "Which conversation."),
        ("page" = Option<u32>, Query, minimum = 1, maximum = 10_000,
            description = "Number of the page, 1 unless said otherwise. Drifts while messages arrive: prefer `cursor`."),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100,
            description = "Messages on a page, 50 unless said otherwise."),
        ("cursor" = Option<String>, Query, max_length = 128,
            description = "The `nextCursor` of the page before. Wins over `page`."),
    ),
    responses((status = 200, description = "The page", body = wire::MessagePage)),
)]
#[tracing::instrument(name = "http.message.list", skip_all, fields(conversation.id = %id.0))]
pub(crate) async fn list(
    Caller(caller): Caller,
    id: InPath<ConversationId>,
    request: HttpRequest,
    context: Data<Context>,
) -> Result<Json<wire::MessagePage>, Failure> {
    let (id, user) = (id.0, caller.user);
    let window = match input::message_query(request.query_string()) {
        Ok(window) => window,
        Err(failure) => return Err(hide_from_strangers(failure, &context, &id, &user).await),
    };
    let history = context.messaging.history(&id, &user, &window).await;
    let history = history.map_err(Failure::of_conversation)?;
    Ok(Json(wire::MessagePage::new(&history.page, &window, &context.links)))
}

#[cfg(test)]
mod tests;
