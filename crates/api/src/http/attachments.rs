//! Files before they are sent: uploading one, and looking at one.

use std::{
    future::{Ready, ready},
    time::Duration,
};

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
    extract::{Caller, InPath, announced_bytes, run_to_completion},
    multipart::{self, BETWEEN_PARTS_MAX_BYTES, Body, BodyError, Part, Reader},
    schema,
};
use crate::{
    dto,
    error::{Code, Failure},
    texts,
};

/// The largest form, in bytes: the file and what stands around it.
const FORM_MAX_BYTES: u64 = FILE_MAX_BYTES as u64 + BETWEEN_PARTS_MAX_BYTES as u64;
/// The name of the part that is the file.
const FILE: &str = "file";

/// A file with links that are good for hours from now. For those who take part in its conversation;
/// before it is sent, for who uploaded it.
#[utoipa::path(
    get, path = "/messaging/attachments/{id}", tag = "attachments",
    operation_id = "getAttachment",
    params(("id" = String, Path, max_length = 64, description = "Which file.")),
    responses((status = 200, description = "The file", body = dto::Attachment)),
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

/// Uploads a picture. What it is, is read from its bytes; where and by whom it was taken is removed.
/// Its `id` can then be sent as an `attachmentId`, once, within a day.
#[utoipa::path(
    post, path = "/messaging/attachments", tag = "attachments", operation_id = "uploadAttachment",
    request_body(content = inline(schema::Upload), content_type = "multipart/form-data"),
    responses((status = 201, description = "The picture as it is kept", body = dto::Attachment)),
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
    // Once it has begun it comes to its end, so that an upload that breaks off is cleared away.
    let upload = run_to_completion(async move {
        let (description, mut file) = file(reader).await?;
        let (name, declared) = (&description.name, description.media_type.as_deref());
        let uploaded = uploads.upload(&caller.user, name, declared, &mut file).await;
        // Why the bytes stopped is known better by who read them.
        uploaded.map_err(|error| file.failure.take().unwrap_or_else(|| error.into()))
    });
    let (uploaded, ()) = join(upload, body.feed()).await;
    Ok(HttpResponse::Created().json(dto::Attachment::new(&uploaded?, &context.links)))
}

/// A form in the body of a request, not read yet: that is the handler's to do, after it knows who
/// asks.
pub(crate) struct Form {
    payload: Payload,
    boundary: Option<String>,
    announced_bytes: u64,
    deadline: Duration,
}

impl FromRequest for Form {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        ready(Context::of(request).map(|context| Self {
            payload: payload.take(),
            boundary: multipart::boundary(request.headers()),
            announced_bytes: announced_bytes(request).try_into().unwrap_or(u64::MAX),
            deadline: Duration::from_millis(context.settings.upload_deadline_ms),
        }))
    }
}

impl Form {
    /// The body, which is to be fed, and its reader.
    ///
    /// # Errors
    /// `unsupported_media_type`; `file_too_large` when that is announced.
    fn open(self) -> Result<(Body, Reader), Failure> {
        let not_a_form = || Failure::new(Code::UnsupportedMediaType, texts::NOT_A_FORM);
        let boundary = self.boundary.ok_or_else(not_a_form)?;
        if self.announced_bytes > FORM_MAX_BYTES {
            return Err(failure_of(BodyError::TooLarge));
        }
        Ok(multipart::open(self.payload, boundary, FORM_MAX_BYTES, self.deadline))
    }
}

/// What a form says of its file.
struct Description {
    name: String,
    media_type: Option<String>,
}

/// Reads a form up to where its file begins.
///
/// # Errors
/// What is wrong with the form.
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

/// The file of a form. It ends well only if it was the only part.
struct FilePart {
    reader: Reader,
    part: Option<Part>,
    /// Why it was interrupted, if it was.
    failure: Option<Failure>,
}

impl FilePart {
    async fn read(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        let Some(part) = &mut self.part else { return Ok(None) };
        if let Some(bytes) = part.chunk().await.map_err(failure_of)? {
            return Ok(Some(bytes.into()));
        }
        // The next part can be looked for only when this one is dropped.
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

/// What is said of a form that cannot be read.
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
