//! An inbound mail as a form, read chunk by chunk; its files are dropped.

use std::{
    collections::HashMap,
    future::{Ready, ready},
};

#[cfg(any(test, feature = "fuzzing"))]
use actix_web::web::Bytes;
use actix_web::{
    FromRequest, HttpMessage as _, HttpRequest, dev::Payload, http::header, web::Query,
};
use futures_util::{StreamExt as _, future::join};
use tokio::time::timeout;

use crate::{
    error::{Code, Failure},
    http::{
        Context,
        multipart::{self, BodyError, Pace, Part, Reader},
    },
    texts,
};

/// Maximum size of a mail with its files, in bytes. Mailgun accepts at most 25 MiB.
const MAIL_MAX_BYTES: u64 = 33_554_432;
/// Fields of a multipart form are truncated to this many bytes; a text of that length exceeds the limit
/// of a message anyway.
const FIELD_MAX_BYTES: usize = 262_144;
/// Maximum size of a mail in a URL-encoded form, in bytes.
const PLAIN_MAIL_MAX_BYTES: usize = 4_194_304;
/// The fields that are read; all others are skipped.
const WANTED: [&str; 11] = [
    "timestamp",
    "token",
    "signature",
    "recipient",
    "sender",
    "from",
    "stripped-text",
    "body-plain",
    "message-headers",
    "Message-Id",
    "attachment-count",
];

/// Media type of a form without files.
const URL_ENCODED: &str = "application/x-www-form-urlencoded";

/// A mail in the body of a request, not read yet.
pub(crate) struct Form {
    payload: Payload,
    kind: Option<Kind>,
    pace: Pace,
}

/// Encoding of a form.
enum Kind {
    /// With this boundary; may have files.
    Multipart(String),
    UrlEncoded,
}

/// The fields of a mail; of a repeated field the first one.
#[derive(Default)]
pub(super) struct Fields(HashMap<&'static str, String>);

impl FromRequest for Form {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        ready(Context::of(request).map(|context| Self {
            payload: payload.take(),
            kind: kind(request),
            pace: context.settings.upload_pace(),
        }))
    }
}

impl Form {
    /// Reads the wanted fields of the mail.
    ///
    /// # Errors
    /// `unsupported_media_type`; `request_timeout`; `malformed_request` if the connection was closed;
    /// `reply_refused` for errors that a retry would repeat.
    pub(super) async fn read(self) -> Result<Fields, Failure> {
        let not_a_form = || Failure::new(Code::UnsupportedMediaType, texts::NOT_A_FORM);
        let (payload, pace) = (self.payload, self.pace);
        let fields = match self.kind.ok_or_else(not_a_form)? {
            Kind::Multipart(boundary) => {
                let (body, reader) = multipart::open(payload, boundary, MAIL_MAX_BYTES, pace);
                let (fields, ()) = join(from_parts(reader), body.feed()).await;
                fields
            }
            Kind::UrlEncoded => {
                timeout(pace.deadline, from_pairs(payload)).await.unwrap_or(Err(BodyError::TooSlow))
            }
        };
        fields.map_err(|error| match error {
            BodyError::TooSlow => Failure::new(Code::RequestTimeout, texts::REQUEST_TIMEOUT),
            BodyError::CutOff => Failure::new(Code::MalformedRequest, texts::MALFORMED_REQUEST),
            BodyError::TooLarge | BodyError::Malformed => {
                log_refusal("unreadable");
                Failure::reply_refused(texts::REPLY_UNREADABLE)
            }
        })
    }
}

/// Logs that a reply was refused, without addresses or text.
pub(super) fn log_refusal(reason: &'static str) {
    tracing::warn!(by_client = true, reason, "a reply by mail was refused");
}

impl Fields {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    fn add(&mut self, name: &'static str, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes).into_owned();
        self.0.entry(name).or_insert(text);
    }

    #[cfg(test)]
    pub(super) fn made_of<'a>(parts: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let mut fields = Self::default();
        for (name, value) in parts {
            fields.add(wanted(name).expect("a field that is read"), value.as_bytes());
        }
        fields
    }
}

fn kind(request: &HttpRequest) -> Option<Kind> {
    let headers = request.headers();
    let is_compressed = headers.contains_key(header::CONTENT_ENCODING);
    let is_url_encoded = request.content_type().eq_ignore_ascii_case(URL_ENCODED);
    if is_url_encoded && !is_compressed {
        return Some(Kind::UrlEncoded);
    }
    multipart::boundary(headers).map(Kind::Multipart)
}

fn wanted(name: &str) -> Option<&'static str> {
    WANTED.into_iter().find(|known| known.eq_ignore_ascii_case(name))
}

/// Reads the wanted parts and skips the others.
async fn from_parts(mut reader: Reader) -> Result<Fields, BodyError> {
    let mut fields = Fields::default();
    while let Some(mut part) = reader.next_part().await? {
        // A file is never a field, whatever its name.
        let name = part.name.as_deref().filter(|_| !part.is_file).and_then(wanted);
        let max_bytes = if name.is_some() { FIELD_MAX_BYTES } else { 0 };
        let bytes = truncated(&mut part, max_bytes).await?;
        if let Some(name) = name {
            fields.add(name, &bytes);
        }
    }
    Ok(fields)
}

/// Reads a part to its end and returns its first `max_bytes`.
async fn truncated(part: &mut Part, max_bytes: usize) -> Result<Vec<u8>, BodyError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = part.chunk().await? {
        let room = max_bytes - bytes.len();
        bytes.extend_from_slice(&chunk[..chunk.len().min(room)]);
    }
    Ok(bytes)
}

/// The fields of a mail whose bytes are these, URL-encoded or with the boundary `b`. For fuzzing.
#[cfg(any(test, feature = "fuzzing"))]
pub(super) async fn fuzz_fields(bytes: Bytes, is_url_encoded: bool) -> Option<Fields> {
    if is_url_encoded {
        let payload = Box::pin(futures_util::stream::iter([Ok(bytes)]));
        return from_pairs(Payload::Stream { payload }).await.ok();
    }
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    sender.try_send(Ok(bytes)).expect("there is room for one");
    drop(sender);
    from_parts(Reader::new(receiver, "b".to_owned())).await.ok()
}

async fn from_pairs(mut payload: Payload) -> Result<Fields, BodyError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| BodyError::CutOff)?;
        if bytes.len() + chunk.len() > PLAIN_MAIL_MAX_BYTES {
            return Err(BodyError::TooLarge);
        }
        bytes.extend_from_slice(&chunk);
    }
    let text = String::from_utf8(bytes).map_err(|_| BodyError::Malformed)?;
    let pairs =
        Query::<Vec<(String, String)>>::from_query(&text).map_err(|_| BodyError::Malformed)?;
    let mut fields = Fields::default();
    for (name, value) in pairs.into_inner() {
        if let Some(name) = wanted(&name) {
            fields.add(name, value.as_bytes());
        }
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    };

    use actix_web::{error::PayloadError, web::Bytes};
    use futures_util::stream;

    use super::*;

    /// The fields of a form with the boundary `x`, and the number of its chunks not consumed.
    async fn read(chunks: Vec<Bytes>) -> (Result<Fields, BodyError>, usize) {
        let left = Arc::new(AtomicUsize::new(chunks.len()));
        let count = left.clone();
        let counted = stream::iter(chunks).map(move |chunk| {
            count.fetch_sub(1, Relaxed);
            Ok::<_, PayloadError>(chunk)
        });
        let payload: Payload = Payload::Stream { payload: Box::pin(counted) };
        let hour = Pace::new(3_600_000, 0);
        let (body, reader) = multipart::open(payload, "x".to_owned(), MAIL_MAX_BYTES, hour);
        let (fields, ()) = join(from_parts(reader), body.feed()).await;
        (fields, left.load(Relaxed))
    }

    #[actix_web::test]
    async fn endless_part_headers_are_refused_early() {
        let start = Bytes::from("--x\r\nContent-Disposition: form-data; name=\"");
        let endless = Bytes::from(vec![b'a'; 8_192]);
        let mut chunks = vec![start];
        chunks.extend(vec![endless; 1_000]);
        let (fields, left) = read(chunks).await;
        assert!(matches!(fields, Err(BodyError::Malformed)));
        assert!(left > 990, "it was read on: {left}");
    }

    #[actix_web::test]
    async fn a_large_file_in_small_chunks_is_skipped() {
        let file = "--x\r\nContent-Disposition: form-data; name=\"from\"; filename=\"a\"\r\n\r\n";
        let field =
            "\r\n--x\r\nContent-Disposition: form-data; name=\"from\"\r\n\r\nc1\r\n--x--\r\n";
        let mut chunks = vec![Bytes::from(file)];
        chunks.extend(vec![Bytes::from(vec![7; 8_192]); 500]);
        chunks.push(Bytes::from(field));
        let fields = read(chunks).await.0.expect("a good form");
        assert_eq!(fields.get("from"), Some("c1"));
    }

    #[actix_web::test]
    async fn a_long_field_is_truncated() {
        let field = "--x\r\nContent-Disposition: form-data; name=\"body-plain\"\r\n\r\n";
        let mut chunks = vec![Bytes::from(field)];
        chunks.extend(vec![Bytes::from(vec![b'a'; 8_192]); 100]);
        chunks.push(Bytes::from("\r\n--x--\r\n"));
        let fields = read(chunks).await.0.expect("a good form");
        assert_eq!(fields.get("body-plain").map(str::len), Some(FIELD_MAX_BYTES));
    }
}
