//! A mail as a form, read piece by piece: of the files in it nothing is kept.

mod parts;
use std::{
    collections::HashMap,
    future::{Ready, ready},
    time::Duration,
};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header, web::Query};
use futures_util::StreamExt as _;
use tokio::time::timeout;

use super::inbound::log_refusal;
use crate::{
    error::{Code, Failure},
    http::Context,
    texts,
};

/// The largest mail that comes without files, in bytes.
const PLAIN_MAIL_MAX_BYTES: usize = 4_194_304;
/// What is read of a mail; the rest is passed over.
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

/// A mail in the body of a request, not read yet.
pub(crate) struct Form {
    payload: Payload,
    kind: Option<Kind>,
    deadline: Duration,
}

/// How a form is written down.
enum Kind {
    /// With files, behind this boundary.
    Multipart(String),
    UrlEncoded,
}

/// What a mail says. Of a field that comes twice the first counts.
#[derive(Default)]
pub(super) struct Fields(HashMap<&'static str, Value>);

/// What a field says.
struct Value {
    text: String,
    /// Only the beginning was kept.
    is_cut: bool,
}

/// Why a form cannot be read.
#[derive(Clone, Copy, Debug, thiserror::Error)]
enum BodyError {
    #[error("the body was cut off")]
    CutOff,
    #[error("the body is too large")]
    TooLarge,
    #[error("the form is malformed")]
    Malformed,
}

impl FromRequest for Form {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        ready(Context::of(request).map(|context| Self {
            payload: payload.take(),
            kind: kind(request),
            deadline: Duration::from_millis(context.settings.upload_deadline_ms),
        }))
    }
}

impl Form {
    /// Reads what is wanted of the mail.
    ///
    /// # Errors
    /// `unsupported_media_type`; `request_timeout`; `malformed_request` when it was cut off;
    /// `reply_refused` for what would be no better the next time.
    pub(super) async fn read(self) -> Result<Fields, Failure> {
        let not_a_form = || Failure::new(Code::UnsupportedMediaType, texts::NOT_A_FORM);
        let (payload, deadline) = (self.payload, self.deadline);
        let fields = match self.kind.ok_or_else(not_a_form)? {
            Kind::Multipart(boundary) => timeout(deadline, parts::read(payload, boundary)).await,
            Kind::UrlEncoded => timeout(deadline, in_pairs(payload)).await,
        };
        let late = |_| Failure::new(Code::RequestTimeout, texts::REQUEST_TIMEOUT);
        fields.map_err(late)?.map_err(|broken| match broken {
            BodyError::CutOff => Failure::new(Code::MalformedRequest, texts::MALFORMED_REQUEST),
            BodyError::TooLarge | BodyError::Malformed => {
                log_refusal("unreadable");
                Failure::reply_refused(texts::REPLY_UNREADABLE)
            }
        })
    }
}

impl Fields {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.text.as_str())
    }

    /// Whether the field was too long to be kept whole.
    pub(super) fn is_cut(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| value.is_cut)
    }

    fn add(&mut self, name: &'static str, bytes: &[u8], is_cut: bool) {
        let text = String::from_utf8_lossy(bytes).into_owned();
        self.0.entry(name).or_insert(Value { text, is_cut });
    }

    #[cfg(test)]
    pub(super) fn made_of<'a>(parts: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let mut fields = Self::default();
        for (name, value) in parts {
            fields.add(wanted(name).expect("a field that is read"), value.as_bytes(), false);
        }
        fields
    }
}

fn kind(request: &HttpRequest) -> Option<Kind> {
    if request.headers().contains_key(header::CONTENT_ENCODING) {
        return None;
    }
    let content_type = request.headers().get(header::CONTENT_TYPE)?.to_str().ok()?;
    let essence = content_type.split(';').next()?.trim();
    if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Some(Kind::UrlEncoded);
    }
    multer::parse_boundary(content_type).ok().map(Kind::Multipart)
}

fn wanted(name: &str) -> Option<&'static str> {
    WANTED.into_iter().find(|known| known.eq_ignore_ascii_case(name))
}

async fn in_pairs(mut payload: Payload) -> Result<Fields, BodyError> {
    let mut bytes = Vec::new();
    while let Some(piece) = payload.next().await {
        let piece = piece.map_err(|_| BodyError::CutOff)?;
        if bytes.len() + piece.len() > PLAIN_MAIL_MAX_BYTES {
            return Err(BodyError::TooLarge);
        }
        bytes.extend_from_slice(&piece);
    }
    let text = String::from_utf8(bytes).map_err(|_| BodyError::Malformed)?;
    let pairs =
        Query::<Vec<(String, String)>>::from_query(&text).map_err(|_| BodyError::Malformed)?;
    let mut fields = Fields::default();
    for (name, value) in pairs.into_inner() {
        if let Some(name) = wanted(&name) {
            fields.add(name, value.as_bytes(), false);
        }
    }
    Ok(fields)
}
