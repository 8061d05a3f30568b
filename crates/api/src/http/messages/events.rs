use actix_web::{
    HttpRequest,
    web::{Data, Json},
};
use domain::id::ConversationId;

use crate::{
    failure::Failure,
    http::{Context, caller::Caller, command::hide_from_strangers, path::InPath},
    input,
    realtime::missed::missed,
    wire,
};

/// What happened in a conversation after a position, oldest first: what sockets tell as it happens.
#[utoipa::path(
    get, path = "/messaging/conversations/{id}/events", tag = "messages",
    operation_id = "listEvents",
    params(
        ("id" = String, Path, max_length = 64, description = "Which conversation."),
        ("after" = Option<i64>, Query, minimum = 0,
            description = "The position that is known already, 0 unless said otherwise: `lastSeq` of the conversation, \
                of its history, or of the page before."),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200,
            description = "Events on a page, 200 unless said otherwise."),
    ),
    responses((status = 200, description = "What happened", body = wire::LogPage)),
)]
#[tracing::instrument(name = "http.event.list", skip_all, fields(conversation.id = %id.0))]
pub(crate) async fn events(
    Caller(caller): Caller,
    id: InPath<ConversationId>,
    request: HttpRequest,
    context: Data<Context>,
) -> Result<Json<wire::LogPage>, Failure> {
    let (id, user) = (id.0, caller.user);
    let query = match input::event_query(request.query_string()) {
        Ok(query) => query,
        Err(failure) => return Err(hide_from_strangers(failure, &context, &id, &user).await),
    };
    let missed = missed(&context.messaging, &id, &user, query.after, query.limit).await;
    Ok(Json(missed.map_err(Failure::of_conversation)?.page(&id, query.after, &context.links)))
}

#[cfg(test)]
mod tests;
