use actix_web::web::{Data, Json};
use domain::id::AttachmentId;

use crate::{
    failure::Failure,
    http::{Context, caller::Caller, path::InPath},
    wire,
};

/// A file with links that are good for hours from now. For those who take part in its conversation;
/// before it is sent, for who uploaded it.
#[utoipa::path(
    get, path = "/messaging/attachments/{id}", tag = "attachments",
    operation_id = "getAttachment",
    params(("id" = String, Path, max_length = 64, description = "Which file.")),
    responses((status = 200, description = "The file", body = wire::Attachment)),
)]
#[tracing::instrument(name = "http.attachment.show", skip_all)]
pub(crate) async fn show(
    Caller(caller): Caller,
    id: InPath<AttachmentId>,
    context: Data<Context>,
) -> Result<Json<wire::Attachment>, Failure> {
    let attachment = context.uploads.attachment(&id.0, &caller.user).await?;
    let attachment = attachment.ok_or_else(Failure::attachment_not_found)?;
    Ok(Json(wire::Attachment::new(&attachment, &context.links)))
}

#[cfg(test)]
mod tests;
