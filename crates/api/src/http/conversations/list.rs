use actix_web::{
    HttpRequest,
    web::{Data, Json},
};

use crate::{
    failure::Failure,
    http::{Context, caller::Caller, schema},
    input, wire,
};

/// A page of the caller's conversations, newest message first.
#[utoipa::path(
    get, path = "/messaging/conversations", tag = "conversations",
    operation_id = "listConversations",
    params(
        ("page" = Option<u32>, Query, minimum = 1, maximum = 10_000,
            description = "Number of the page, 1 unless said otherwise. Drifts while messages arrive: prefer `cursor`."),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100,
            description = "Conversations on a page, 20 unless said otherwise."),
        ("cursor" = Option<String>, Query, max_length = 128,
            description = "The `nextCursor` of the page before. Wins over `page`."),
        ("status" = Option<schema::Status>, Query, description = "Only those of this status."),
    ),
    responses((status = 200, description = "The page", body = wire::ConversationPage)),
)]
#[tracing::instrument(name = "http.conversation.list", skip_all)]
pub(crate) async fn list(
    Caller(caller): Caller,
    request: HttpRequest,
    context: Data<Context>,
) -> Result<Json<wire::ConversationPage>, Failure> {
    let input::ConversationQuery { status, window } =
        input::conversation_query(request.query_string())?;
    let page = context.messaging.conversations(&caller.user, status, &window).await?;
    Ok(Json(wire::ConversationPage::new(&page, &window)))
}

#[cfg(test)]
mod tests;
