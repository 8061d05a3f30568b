//! Files before they are sent: uploading one, and looking at one.

mod form;
mod pieces;

use actix_web::{
    HttpResponse,
    web::{Data, Json},
};
use domain::ids::AttachmentId;
use form::Form;
use futures_util::future::join;

use super::{
    Context,
    extract::{Caller, InPath, run_to_completion},
    schema,
};
use crate::{error::Failure, wire};

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

/// Uploads a picture. What it is, is read from its bytes; where and by whom it was taken is removed.
/// Its `id` can then be sent as an `attachmentId`, once, within a day.
#[utoipa::path(
    post, path = "/messaging/attachments", tag = "attachments", operation_id = "uploadAttachment",
    request_body(content = inline(schema::Upload), content_type = "multipart/form-data"),
    responses((status = 201, description = "The picture as it is kept", body = wire::Attachment)),
)]
#[tracing::instrument(name = "http.attachment.upload", skip_all)]
pub(crate) async fn upload(
    Caller(caller): Caller,
    form: Form,
    context: Data<Context>,
) -> Result<HttpResponse, Failure> {
    context.limits.allow_upload(&caller.user)?;
    let (body, parts) = form.open()?;
    let uploads = context.uploads.clone();
    // Once it has begun it comes to its end, so that an upload that breaks off is cleared away.
    let keep = run_to_completion(async move {
        let (description, mut file) = parts.file().await?;
        let (name, declared) = (&description.name, description.media_type.as_deref());
        let kept = uploads.upload(&caller.user, name, declared, &mut file).await;
        // Why the bytes stopped is known better by who read them.
        kept.map_err(|error| file.fault().unwrap_or_else(|| error.into()))
    });
    let (kept, ()) = join(keep, body.feed()).await;
    Ok(HttpResponse::Created().json(wire::Attachment::new(&kept?, &context.links)))
}

#[cfg(test)]
mod tests;
