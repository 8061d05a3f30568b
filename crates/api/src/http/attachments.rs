//! Attachments: uploading a picture, and fetching the metadata of one.

use std::future::{Ready, ready};

use actix_web::{
    FromRequest, HttpRequest, HttpResponse,
    dev::Payload,
    web::{Data, Json},
};
use async_trait::async_trait;
use domain::{
    conversation::attachment::FILE_MAX_BYTES,
    ids::AttachmentId,
    ports::{Chunks, Interrupted},
};
use futures_util::future::join;

use super::{
    context::Context,
    extract::{Caller, InPath, content_length, run_to_completion},
    multipart::{self, BETWEEN_PARTS_MAX_BYTES, Body, BodyError, Pace, Part, Reader},
    schema,
};
use crate::{
    dto,
    error::{Code, Failure},
    texts,
};

/// Maximum size of the form, in bytes: the file and the parts around it.
const FORM_MAX_BYTES: u64 = FILE_MAX_BYTES as u64 + BETWEEN_PARTS_MAX_BYTES as u64;
/// Name of the form field with the file.
const FILE: &str = "file";

/// Returns an attachment with fresh links, valid for hours. Visible to the participants of its
/// conversation; before it is sent, to the uploader only.
#[utoipa::path(
    get, path = "/messaging/attachments/{id}", tag = "attachments",
    operation_id = "getAttachment",
    params(("id" = String, Path, max_length = 64, description = "Attachment id.")),
    responses((status = 200, description = "The attachment", body = dto::Attachment)),
)]
#[tracing::instrument(name = "http.attachment.show", skip_all)]
pub(crate) async fn show(
    Caller(caller): Caller,
    id: InPath<AttachmentId>,
    context: Data<Context>,
) -> Result<Json<dto::Attachment>, Failure> {
    let attachment = context.uploads.attachment(&id.0, &caller.user).await?;
    let attachment = attachment.ok_or_else(Failure::attachment_not_found)?;
    Ok(Json(dto::Attachment::new(&attachment, &context.links)))
}

/// Uploads a picture. Its type is detected from its content; metadata such as place and author is
/// removed. Its `id` can be sent as `attachmentId`, once, within a day.
#[utoipa::path(
    post, path = "/messaging/attachments", tag = "attachments", operation_id = "uploadAttachment",
    request_body(content = inline(schema::Upload), content_type = "multipart/form-data"),
    responses((status = 201, description = "The stored picture", body = dto::Attachment)),
)]
#[tracing::instrument(name = "http.attachment.upload", skip_all)]
pub(crate) async fn upload(
    Caller(caller): Caller,
    form: Form,
    context: Data<Context>,
) -> Result<HttpResponse, Failure> {
    context.limits.allow_upload(&caller.user)?;
    let (body, reader) = form.open()?;
    let uploads = context.uploads.clone();
    // Runs to completion even if the client disconnects, so that an aborted upload is cleaned up.
    let upload = run_to_completion(async move {
        let (description, mut file) = file(reader).await?;
        let (name, declared) = (&description.name, description.media_type.as_deref());
        let uploaded = uploads.upload(&caller.user, name, declared, &mut file).await;
        // The reader knows best why the bytes stopped.
        uploaded.map_err(|error| file.failure.take().unwrap_or_else(|| error.into()))
    });
    let (uploaded, ()) = join(upload, body.feed()).await;
    Ok(HttpResponse::Created().json(dto::Attachment::new(&uploaded?, &context.links)))
}

/// A multipart form in the body of a request, not read yet: the handler reads it after it has
/// authenticated the caller.
pub(crate) struct Form {
    payload: Payload,
    boundary: Option<String>,
    content_length: u64,
    pace: Pace,
}

impl FromRequest for Form {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        ready(Context::of(request).map(|context| Self {
            payload: payload.take(),
            boundary: multipart::boundary(request.headers()),
            content_length: content_length(request).try_into().unwrap_or(u64::MAX),
            pace: context.settings.upload_pace(),
        }))
    }
}

impl Form {
    /// The body, to be driven by [`Body::feed`], and its reader.
    ///
    /// # Errors
    /// `unsupported_media_type`; `file_too_large` if `Content-Length` exceeds the maximum.
    fn open(self) -> Result<(Body, Reader), Failure> {
        let not_a_form = || Failure::new(Code::UnsupportedMediaType, texts::NOT_A_FORM);
        let boundary = self.boundary.ok_or_else(not_a_form)?;
        if self.content_length > FORM_MAX_BYTES {
            return Err(failure_of(BodyError::TooLarge));
        }
        Ok(multipart::open(self.payload, boundary, FORM_MAX_BYTES, self.pace))
    }
}

/// Name and declared media type of the file in a form.
struct Description {
    name: String,
    media_type: Option<String>,
}

/// Reads a form up to the content of its file.
///
/// # Errors
/// `validation_failed` if the first part is not a file with a name; the errors of [`failure_of`].
async fn file(mut reader: Reader) -> Result<(Description, FilePart), Failure> {
    let part = reader.next_part().await.map_err(failure_of)?;
    let part = part.filter(|part| part.name.as_deref() == Some(FILE)).ok_or_else(one_file)?;
    let missing = || Failure::validation(vec![texts::FILE_NAME_REQUIRED]);
    let description = Description {
        name: part.file_name.clone().ok_or_else(missing)?,
        media_type: part.media_type().map(str::to_owned),
    };
    Ok((description, FilePart { reader, part: Some(part), failure: None }))
}

/// The file of a form, as a stream of chunks. The stream fails at the end if another part follows.
struct FilePart {
    reader: Reader,
    part: Option<Part>,
    /// Why the stream was interrupted, if it was.
    failure: Option<Failure>,
}

impl FilePart {
    async fn read(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        let Some(part) = &mut self.part else { return Ok(None) };
        if let Some(bytes) = part.chunk().await.map_err(failure_of)? {
            return Ok(Some(bytes.into()));
        }
        // The reader gives out the next part only after this one is dropped.
        self.part = None;
        match self.reader.next_part().await.map_err(failure_of)? {
            None => Ok(None),
            Some(_) => Err(one_file()),
        }
    }
}

#[async_trait]
impl Chunks for FilePart {
    async fn next(&mut self) -> Result<Option<Vec<u8>>, Interrupted> {
        self.read().await.map_err(|failure| {
            self.failure = Some(failure);
            Interrupted
        })
    }
}

fn one_file() -> Failure {
    Failure::validation(vec![texts::ONE_FILE])
}

/// The failure for a form that cannot be read.
fn failure_of(error: BodyError) -> Failure {
    match error {
        BodyError::TooLarge => Failure::new(Code::FileTooLarge, texts::FILE_TOO_LARGE),
        BodyError::TooSlow => Failure::new(Code::RequestTimeout, texts::REQUEST_TIMEOUT),
        BodyError::CutOff | BodyError::Malformed => {
            Failure::new(Code::MalformedRequest, texts::MALFORMED_FORM)
        }
    }
}

#[cfg(test)]
mod tests;
