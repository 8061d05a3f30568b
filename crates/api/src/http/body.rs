use std::{
    future::{Ready, ready},
    io::{self, Read},
    time::Duration,
};

use actix_web::{FromRequest, HttpMessage as _, HttpRequest, dev::Payload, http::header};
use flate2::read::{MultiGzDecoder, ZlibDecoder};
use futures_util::StreamExt as _;

use super::Context;
use crate::{
    code::Code,
    failure::Failure,
    input::{Fields, Object},
    texts,
};

/// What some programs write in front of UTF-8 (RFC 8259, section 8.1, lets readers ignore it).
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// The body of a request, not read yet: that is the handler's to do, after it knows who asks.
pub(crate) struct Body {
    payload: Payload,
    is_json: bool,
    /// How it is compressed; `None` when it is in a way that is not read here.
    coding: Option<Coding>,
    announced_bytes: usize,
    max_bytes: usize,
    deadline: Duration,
}

impl FromRequest for Body {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        ready(Context::of(request).map(|context| Self {
            payload: payload.take(),
            is_json: is_json(request),
            coding: Coding::of(request),
            announced_bytes: announced_bytes(request),
            max_bytes: context.settings.json_body_max_bytes,
            deadline: Duration::from_millis(context.settings.body_deadline_ms),
        }))
    }
}

impl Body {
    /// The same body, where it may have `max_bytes`.
    pub(crate) fn of_at_most(self, max_bytes: usize) -> Self {
        Self { max_bytes, ..self }
    }

    /// Reads a JSON object; no body at all is an empty one. The bound holds for the bytes that come
    /// and for what they become when they are decompressed.
    ///
    /// # Errors
    /// `payload_too_large`, `request_timeout`, `unsupported_media_type`, `malformed_body`,
    /// `malformed_request`; `validation_failed` for a text that was cut inside a character.
    pub(crate) async fn fields(self) -> Result<Fields, Failure> {
        let (is_json, coding, max_bytes) = (self.is_json, self.coding, self.max_bytes);
        let late = |_| Failure::new(Code::RequestTimeout, texts::REQUEST_TIMEOUT);
        let bytes = tokio::time::timeout(self.deadline, self.bytes()).await.map_err(late)??;
        if bytes.is_empty() {
            return Ok(Fields::new());
        }
        let Some(coding) = coding.filter(|_| is_json) else {
            return Err(Failure::new(Code::UnsupportedMediaType, texts::NOT_JSON));
        };
        let bytes = coding.decoded(bytes, max_bytes).map_err(|_| malformed())?;
        if bytes.len() > max_bytes {
            return Err(too_large());
        }
        let json = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&bytes);
        if json.is_empty() {
            return Ok(Fields::new());
        }
        // The parser itself bounds the depth, and refuses what is no UTF-8.
        serde_json::from_slice(json).map_err(|_| unreadable(json))
    }

    async fn bytes(mut self) -> Result<Vec<u8>, Failure> {
        if self.announced_bytes > self.max_bytes {
            return Err(too_large());
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = self.payload.next().await {
            let broken = |_| Failure::new(Code::MalformedRequest, texts::MALFORMED_REQUEST);
            let chunk = chunk.map_err(broken)?;
            if bytes.len() + chunk.len() > self.max_bytes {
                return Err(too_large());
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }
}

fn malformed() -> Failure {
    Failure::new(Code::MalformedBody, texts::MALFORMED_BODY)
}

fn too_large() -> Failure {
    Failure::new(Code::PayloadTooLarge, texts::TOO_LARGE)
}

/// What is wrong with a body that was not read.
fn unreadable(body: &[u8]) -> Failure {
    let object = std::str::from_utf8(body).ok().and_then(Object::parse);
    let halves =
        object.filter(Object::holds_half_characters).and_then(|object| object.check().err());
    halves.unwrap_or_else(malformed)
}

fn is_json(request: &HttpRequest) -> bool {
    request.mime_type().ok().flatten().is_some_and(|mime| {
        let charset = mime.get_param("charset");
        mime.essence_str() == "application/json" && charset.is_none_or(|name| name == "utf-8")
    })
}

/// How a body is compressed (RFC 9110, section 8.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coding {
    Identity,
    Gzip,
    /// The zlib format, in spite of the name.
    Deflate,
}

impl Coding {
    /// What the header says; `None` when that is another coding, or several.
    fn of(request: &HttpRequest) -> Option<Self> {
        let mut lines = request.headers().get_all(header::CONTENT_ENCODING);
        let (line, None) = (lines.next(), lines.next()) else {
            return None;
        };
        let Some(line) = line else { return Some(Self::Identity) };
        match line.to_str().ok()?.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Some(Self::Identity),
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "deflate" => Some(Self::Deflate),
            _ => None,
        }
    }

    /// What `bytes` say, but never more than one byte beyond `max_bytes`: a few kilobytes can stand
    /// for gigabytes. The bound is so small that others on this thread do not notice.
    fn decoded(self, bytes: Vec<u8>, max_bytes: usize) -> io::Result<Vec<u8>> {
        let mut decoded = Vec::new();
        let bound = max_bytes as u64 + 1;
        match self {
            Self::Identity => return Ok(bytes),
            Self::Gzip => MultiGzDecoder::new(&*bytes).take(bound).read_to_end(&mut decoded)?,
            Self::Deflate => ZlibDecoder::new(&*bytes).take(bound).read_to_end(&mut decoded)?,
        };
        Ok(decoded)
    }
}

/// What `Content-Length` says; 0 when it says nothing. Only a hint: the bytes are counted.
pub(super) fn announced_bytes(request: &HttpRequest) -> usize {
    let length = request.headers().get(header::CONTENT_LENGTH);
    length.and_then(|length| length.to_str().ok()?.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use actix_web::error::PayloadError;
    use futures_util::stream;

    use super::*;

    fn arriving(chunks: Vec<Result<&'static [u8], PayloadError>>, ends: bool) -> Body {
        let chunks = stream::iter(chunks).map(|chunk| chunk.map(Into::into));
        let rest = if ends { stream::empty().boxed() } else { stream::pending().boxed() };
        Body {
            payload: Payload::Stream { payload: Box::pin(chunks.chain(rest)) },
            is_json: true,
            coding: Some(Coding::Identity),
            announced_bytes: 0,
            max_bytes: 10,
            deadline: Duration::from_millis(1),
        }
    }

    async fn code(body: Body) -> Code {
        body.fields().await.expect_err("not acceptable").code()
    }

    #[actix_web::test]
    async fn a_body_may_come_in_pieces_but_must_come() {
        let fields = arriving(vec![Ok(b"{\"a\""), Ok(b":1}")], true).fields().await;
        assert_eq!(fields.expect("acceptable")["a"], 1);
        assert_eq!(code(arriving(vec![Ok(b"{\"a\"")], false)).await, Code::RequestTimeout);
        let cut = Err(PayloadError::Incomplete(None));
        assert_eq!(code(arriving(vec![Ok(b"{"), cut], true)).await, Code::MalformedRequest);
    }

    #[actix_web::test]
    async fn a_body_is_counted_whatever_was_announced() {
        let pieces = || arriving(vec![Ok(b"{\"a\":"), Ok(b"12345}")], false);
        assert_eq!(code(pieces()).await, Code::PayloadTooLarge);
        let announced = Body { announced_bytes: 11, ..arriving(vec![], false) };
        assert_eq!(code(announced).await, Code::PayloadTooLarge);
    }
}
