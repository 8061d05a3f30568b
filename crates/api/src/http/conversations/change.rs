use actix_web::web::{Data, Json};
use domain::id::ConversationId;

use crate::{
    failure::Failure,
    http::{
        Context,
        body::Body,
        caller::Caller,
        command::{hide_from_strangers, run_to_completion},
        path::InPath,
        schema,
    },
    input, wire,
};

/// Changes subject and status, both or neither. The status is the salon's to change.
#[utoipa::path(
    patch, path = "/messaging/conversations/{id}", tag = "conversations",
    operation_id = "changeConversation",
    params(("id" = String, Path, max_length = 64, description = "Which conversation.")),
    request_body = schema::ConversationChange,
    responses((status = 200, description = "The conversation as it then is", body = wire::Conversation)),
)]
#[tracing::instrument(name = "http.conversation.change", skip_all, fields(conversation.id = %id.0))]
pub(crate) async fn change(
    Caller(caller): Caller,
    id: InPath<ConversationId>,
    body: Body,
    context: Data<Context>,
) -> Result<Json<wire::Conversation>, Failure> {
    let (id, user) = (id.0, caller.user);
    let change = match input::change(&body.fields().await?) {
        Ok(change) => change,
        Err(failure) => return Err(hide_from_strangers(failure, &context, &id, &user).await),
    };
    let messaging = context.messaging.clone();
    let changed =
        run_to_completion(
            async move { Ok(messaging.change_conversation(&id, &user, change).await?) },
        );
    Ok(Json(wire::Conversation::from(&changed.await?)))
}

#[cfg(test)]
mod tests;
