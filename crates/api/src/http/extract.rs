use std::{
    future::{Ready, ready},
    io::{self, Read},
    time::Duration,
};

use actix_web::{
    FromRequest, HttpMessage as _, HttpRequest,
    dev::{Payload, ServiceRequest},
    http::{
        Uri,
        header::{self, HeaderMap},
    },
};
use domain::{
    ids::{AttachmentId, ConversationId, MessageId, UserId},
    ports::TokenError,
};
use flate2::read::{MultiGzDecoder, ZlibDecoder};
use futures_util::{StreamExt as _, future::LocalBoxFuture};
use tracing::Instrument as _;

use super::context::Context;
use crate::{
    error::{Code, Failure},
    input::{Fields, Object},
    texts,
};

/// Who is asking, by the token in `Authorization: Bearer …`.
#[derive(Debug)]
pub(crate) struct Caller(pub(crate) domain::participant::Caller);

impl FromRequest for Caller {
    type Error = Failure;
    type Future = LocalBoxFuture<'static, Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let context = Context::of(request);
        let token = bearer(request.headers()).map(str::to_owned);
        Box::pin(async move {
            let context = context?;
            let token = token.ok_or(TokenError::Invalid)?;
            let caller = context.authenticator.identify(&token).await?;
            context.limits.allow_request_of(&caller.user)?;
            Ok(Self(caller))
        })
    }
}

/// The token, if there is exactly one. The name of the scheme may be in any case (RFC 9110,
/// section 11.1).
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION);
    let (value, None) = (values.next()?, values.next()) else {
        return None;
    };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim()).filter(|token| !token.is_empty())
}

/// Paths that end with a slash by their own right.
const WITH_SLASH: [&str; 2] = ["/", "/docs/"];

/// Has routes found as if a single slash at the end of the path were not there. Only they see it so:
/// what is said of a path that leads nowhere names it as it came. All else counts to the letter, so
/// that a rule of a proxy for `/internal` means here what it means there.
pub(super) fn ignore_last_slash(request: &mut ServiceRequest) {
    let path = request.path();
    let Some(shorter) = path.strip_suffix('/').filter(|shorter| !shorter.ends_with('/')) else {
        return;
    };
    if WITH_SLASH.contains(&path) {
        return;
    }
    if let Ok(uri) = Uri::try_from(shorter) {
        request.match_info_mut().get_mut().update(&uri);
    }
}

/// The id in the path. A text that no id can be is an id of nothing.
#[derive(Debug)]
pub(crate) struct InPath<T>(pub(crate) T);

/// An id that can stand in a path.
pub(crate) trait PathId: Sized {
    /// Reads it.
    fn read(text: &str) -> Option<Self>;

    /// What is said when there is no such thing.
    fn not_found() -> Failure;
}

impl PathId for ConversationId {
    fn read(text: &str) -> Option<Self> {
        Self::parse(text).ok()
    }

    fn not_found() -> Failure {
        Failure::conversation_not_found()
    }
}

impl PathId for MessageId {
    fn read(text: &str) -> Option<Self> {
        Self::parse(text).ok()
    }

    fn not_found() -> Failure {
        Failure::message_not_found()
    }
}

impl PathId for AttachmentId {
    fn read(text: &str) -> Option<Self> {
        Self::parse(text).ok()
    }

    fn not_found() -> Failure {
        Failure::attachment_not_found()
    }
}

/// The platform's ids are only carried: what cannot be one is refused.
impl PathId for UserId {
    fn read(text: &str) -> Option<Self> {
        Self::parse(text).ok()
    }

    fn not_found() -> Failure {
        Failure::validation(vec![texts::PARTICIPANT_ID])
    }
}

impl<T: PathId> FromRequest for InPath<T> {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let id = request.match_info().get("id").and_then(T::read);
        ready(id.map(Self).ok_or_else(T::not_found))
    }
}

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
        // The parser itself bounds the depth.
        let object =
            std::str::from_utf8(json).ok().and_then(Object::parse).ok_or_else(malformed)?;
        match object.check() {
            Ok(()) => Ok(object.fields),
            Err(halves) if object.holds_half_characters() => Err(halves),
            Err(_) => Err(malformed()),
        }
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

/// Carries `work` to its end even if the caller hangs up meanwhile: what is committed is always
/// told to those it concerns.
///
/// # Errors
/// The failure of `work`; `internal` when it panicked.
pub(super) async fn run_to_completion<T: Send + 'static>(
    work: impl Future<Output = Result<T, Failure>> + Send + 'static,
) -> Result<T, Failure> {
    tokio::spawn(work.in_current_span()).await.map_err(Failure::internal)?
}

/// What is said of a body that is not acceptable: `failure` to those who take part; to a stranger
/// that there is no such conversation, whatever the body was.
pub(super) async fn hide_from_strangers(
    failure: Failure,
    context: &Context,
    conversation: &ConversationId,
    user: &UserId,
) -> Failure {
    match context.services.messaging.conversation(conversation, user).await {
        Ok(_) => failure,
        Err(error) => Failure::of_conversation(error),
    }
}

#[cfg(test)]
mod caller_tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_token_comes_once_under_its_scheme() {
        let read = |values: &[&str]| {
            let mut request = TestRequest::default();
            for value in values {
                request = request.append_header((header::AUTHORIZATION, *value));
            }
            bearer(request.to_http_request().headers()).map(str::to_owned)
        };
        assert_eq!(read(&["Bearer a.b.c"]).as_deref(), Some("a.b.c"));
        assert_eq!(read(&["bEARER  a.b.c "]).as_deref(), Some("a.b.c"));
        for bad in [vec![], vec!["a.b.c"], vec!["Bearer"], vec!["Bearer "], vec!["Basic a"]] {
            assert_eq!(read(&bad), None, "{bad:?}");
        }
        assert_eq!(read(&["Bearer a", "Bearer b"]), None);
    }
}

#[cfg(test)]
mod body_tests {
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

#[cfg(test)]
mod command_tests {
    use std::sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    };

    use tokio::sync::oneshot;

    use super::*;
    use crate::error::Code;

    #[tokio::test]
    async fn work_goes_on_when_nobody_waits_for_it_any_more() {
        let (let_go, may_go) = oneshot::channel::<()>();
        let (tell, told) = oneshot::channel();
        let done = Arc::new(AtomicBool::new(false));
        let mark = done.clone();
        let mut command = Box::pin(run_to_completion(async move {
            may_go.await.map_err(Failure::internal)?;
            mark.store(true, Ordering::SeqCst);
            tell.send(()).map_err(|()| Failure::message_not_found())
        }));
        assert!(futures_util::poll!(&mut command).is_pending());
        drop(command);
        assert!(!done.load(Ordering::SeqCst));
        let_go.send(()).expect("the work is still there");
        told.await.expect("the work comes to its end");
        assert!(done.load(Ordering::SeqCst));
    }

    #[tokio::test]
    async fn a_panic_is_a_fault_of_ours() {
        let failed = run_to_completion::<()>(async { panic!("on purpose") }).await;
        assert_eq!(failed.expect_err("it panicked").code(), Code::Internal);
    }
}
