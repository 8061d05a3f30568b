//! Files for whoever holds a link to them: pages show pictures by their address alone.

#[cfg(test)]
mod tests;
use std::io;

use actix_web::{
    HttpRequest, HttpResponse,
    body::SizedStream,
    http::header,
    web::{Bytes, Data},
};
use domain::{
    conversation::{attachment::PictureForm, uploads::OpenedFile},
    ids::AttachmentId,
    ports::{Chunks, ObjectBytes},
};
use futures_util::{Stream, stream};

use super::context::Context;
use crate::{error::Failure, links::BadLink};

/// Nothing in a file may do anything, should a browser ever open it as a page.
const NO_SCRIPTS: &str = "default-src 'none'; sandbox";

/// The bytes of a file. The link is the right to them: it is checked before anything else, and no
/// token is asked for.
#[utoipa::path(
    get, path = "/messaging/files/{id}/{form}", tag = "attachments", operation_id = "fetchFile",
    params(
        ("id" = String, Path, max_length = 64, description = "Which file."),
        ("form" = String, Path, description = "`full` or `thumbnail`."),
        ("expires" = u64, Query, description = "When the link ends, in seconds since 1970."),
        ("signature" = String, Query, description = "Shows that the link was made here."),
    ),
    responses((status = 200, description = "The bytes", content_type = "image/*")),
    security(()),
)]
#[tracing::instrument(name = "http.file.fetch", skip_all)]
pub(crate) async fn fetch(
    request: HttpRequest,
    context: Data<Context>,
) -> Result<HttpResponse, Failure> {
    let link = Link::of(&request).ok_or_else(Failure::attachment_not_found)?;
    let rest_s = context.links.check(&link.file, link.form, link.expires_s, link.signature);
    let rest_s = rest_s.map_err(|bad| match bad {
        BadLink::Forged => Failure::attachment_not_found(),
        BadLink::Expired => Failure::link_expired(),
    })?;
    let file = context.uploads.open(&link.file, link.form).await?;
    Ok(answer(file.ok_or_else(Failure::attachment_not_found)?, rest_s))
}

/// A link as it came.
struct Link<'a> {
    file: AttachmentId,
    form: PictureForm,
    expires_s: u64,
    signature: &'a str,
}

impl<'a> Link<'a> {
    fn of(request: &'a HttpRequest) -> Option<Self> {
        let in_query = |name: &str| {
            let pairs = request.query_string().split('&').filter_map(|pair| pair.split_once('='));
            pairs.filter(|(key, _)| *key == name).map(|(_, value)| value).next()
        };
        Some(Self {
            file: AttachmentId::parse(request.match_info().get("id")?).ok()?,
            form: PictureForm::parse(request.match_info().get("form")?)?,
            expires_s: in_query("expires")?.parse().ok()?,
            signature: in_query("signature")?,
        })
    }
}

fn answer(file: OpenedFile, rest_s: u64) -> HttpResponse {
    let OpenedFile { name, media_type, bytes: ObjectBytes { size_bytes, chunks } } = file;
    let disposition = format!("inline; filename*=UTF-8''{}", encoded(&name));
    HttpResponse::Ok()
        .content_type(media_type.as_str())
        .insert_header((header::CACHE_CONTROL, format!("private, max-age={rest_s}, immutable")))
        .insert_header((header::CONTENT_SECURITY_POLICY, NO_SCRIPTS))
        .insert_header((header::CONTENT_DISPOSITION, disposition))
        .body(SizedStream::new(size_bytes, pieces(chunks)))
}

pub(super) fn pieces(chunks: Box<dyn Chunks>) -> impl Stream<Item = io::Result<Bytes>> {
    stream::try_unfold(chunks, |mut chunks| async {
        let piece = chunks.next().await.map_err(io::Error::other)?;
        Ok(piece.map(|piece| (Bytes::from(piece), chunks)))
    })
}

/// `name` as a header may carry it (RFC 8187, section 3.2.1).
fn encoded(name: &str) -> String {
    let hex = |digit: u8| char::from(b"0123456789ABCDEF"[usize::from(digit)]);
    let mut text = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.extend(['%', hex(byte >> 4), hex(byte & 15)]);
        }
    }
    text
}
