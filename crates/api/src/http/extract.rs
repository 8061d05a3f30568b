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

/// Extension of a request whose caller was authenticated, for the server that holds its connection.
#[derive(Clone, Copy, Debug)]
pub struct Authenticated;

/// The authenticated caller, by the token in `Authorization: Bearer …`.
#[derive(Debug)]
pub(crate) struct Caller(pub(crate) domain::participant::Caller);

impl FromRequest for Caller {
    type Error = Failure;
    type Future = LocalBoxFuture<'static, Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let context = Context::of(request);
        let token = bearer(request.headers()).map(str::to_owned);
        let request = request.clone();
        Box::pin(async move {
            let context = context?;
            let token = token.ok_or(TokenError::Invalid)?;
            let caller = context.authenticator.identify(&token).await?;
            request.extensions_mut().insert(Authenticated);
            context.limits.allow_request_of(&caller.user)?;
            Ok(Self(caller))
        })
    }
}

/// An authenticated program of the platform, by the token in `Authorization: Bearer …`. Tokens of people
/// are refused.
#[derive(Debug)]
pub(crate) struct Program;

impl FromRequest for Program {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request))
    }
}

impl Program {
    fn of(request: &HttpRequest) -> Result<Self, Failure> {
        let context = Context::of(request)?;
        let token = bearer(request.headers()).ok_or(TokenError::Invalid)?;
        let program = context.authenticator.program(token)?;
        request.extensions_mut().insert(Authenticated);
        tracing::debug!(program.id = %program.user, "internal API called");
        Ok(Self)
    }
}

/// The bearer token, if there is exactly one `Authorization` header. The scheme is case-insensitive
/// (RFC 9110, section 11.1).
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION);
    let (value, None) = (values.next()?, values.next()) else {
        return None;
    };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim()).filter(|token| !token.is_empty())
}

/// Routes whose path ends with a slash.
const WITH_TRAILING_SLASH: [&str; 2] = ["/", "/docs/"];

/// Ignores a single trailing slash when matching routes; error messages still show the path as sent.
/// Nothing else is normalised, so that a proxy rule for `/internal` matches the same paths as the
/// router.
pub(super) fn ignore_trailing_slash(request: &mut ServiceRequest) {
    let path = request.path();
    let Some(shorter) = path.strip_suffix('/').filter(|shorter| !shorter.ends_with('/')) else {
        return;
    };
    if WITH_TRAILING_SLASH.contains(&path) {
        return;
    }
    if let Ok(uri) = Uri::try_from(shorter) {
        request.match_info_mut().get_mut().update(&uri);
    }
}

/// The id in the path. A text that cannot be an id is treated as an unknown one.
#[derive(Debug)]
pub(crate) struct InPath<T>(pub(crate) T);

/// An id used as a path parameter.
pub(crate) trait PathId: Sized {
    /// Parses the id.
    fn read(text: &str) -> Option<Self>;

    /// The failure for an id that cannot exist.
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

/// User ids belong to the platform and need not be known here, so an invalid one is a validation error.
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

/// Some programs write it before UTF-8; RFC 8259, section 8.1, allows ignoring it.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// The body of a request, not read yet: the handler reads it after it has authenticated the caller.
pub(crate) struct Body {
    payload: Payload,
    is_json: bool,
    /// The content coding; `None` if unsupported.
    coding: Option<Coding>,
    content_length: usize,
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
            content_length: content_length(request),
            max_bytes: context.settings.json_body_max_bytes,
            deadline: Duration::from_millis(context.settings.body_deadline_ms),
        }))
    }
}

impl Body {
    /// Changes the maximum size to `max_bytes`.
    pub(crate) fn of_at_most(self, max_bytes: usize) -> Self {
        Self { max_bytes, ..self }
    }

    /// Reads a JSON object; an empty body is an empty object. The maximum size applies before and after
    /// decompression.
    ///
    /// # Errors
    /// `payload_too_large`, `request_timeout`, `unsupported_media_type`, `malformed_body`,
    /// `malformed_request`; `validation_failed` for a text with a lone surrogate.
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
        // `serde_json` limits the nesting depth.
        let object =
            std::str::from_utf8(json).ok().and_then(Object::parse).ok_or_else(malformed)?;
        match object.check() {
            Ok(()) => Ok(object.fields),
            Err(failure) if object.has_lone_surrogates() => Err(failure),
            Err(_) => Err(malformed()),
        }
    }

    async fn bytes(mut self) -> Result<Vec<u8>, Failure> {
        if self.content_length > self.max_bytes {
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

/// Content codings (RFC 9110, section 8.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coding {
    Identity,
    Gzip,
    /// The zlib format, despite the name.
    Deflate,
}

impl Coding {
    /// The coding of the header; `None` if it is unsupported or there are several.
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

    /// Decompresses at most `max_bytes` + 1 bytes: a few kilobytes can expand to gigabytes. The bound is small
    /// enough not to block the thread for long.
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

/// The `Content-Length`, 0 if absent. Only for refusing early: the bytes are counted anyway.
pub(super) fn content_length(request: &HttpRequest) -> usize {
    let length = request.headers().get(header::CONTENT_LENGTH);
    length.and_then(|length| length.to_str().ok()?.parse().ok()).unwrap_or(0)
}

/// Runs `work` to completion even if the client disconnects, so that whatever is committed is always
/// published too.
///
/// # Errors
/// The failure of `work`; `internal` if it panicked.
pub(super) async fn run_to_completion<T: Send + 'static>(
    work: impl Future<Output = Result<T, Failure>> + Send + 'static,
) -> Result<T, Failure> {
    tokio::spawn(work.in_current_span()).await.map_err(Failure::internal)?
}

/// The failure for an invalid request about a conversation: `failure` for its participants,
/// `conversation_not_found` for anyone else, so that strangers do not learn that it exists.
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
            content_length: 0,
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
        let announced = Body { content_length: 11, ..arriving(vec![], false) };
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
    async fn work_continues_after_its_future_is_dropped() {
        let (release, released) = oneshot::channel::<()>();
        let (finish, finished) = oneshot::channel();
        let done = Arc::new(AtomicBool::new(false));
        let mark = done.clone();
        let mut command = Box::pin(run_to_completion(async move {
            released.await.map_err(Failure::internal)?;
            mark.store(true, Ordering::SeqCst);
            finish.send(()).map_err(|()| Failure::message_not_found())
        }));
        assert!(futures_util::poll!(&mut command).is_pending());
        drop(command);
        assert!(!done.load(Ordering::SeqCst));
        release.send(()).expect("the work is still running");
        finished.await.expect("the work completes");
        assert!(done.load(Ordering::SeqCst));
    }

    #[tokio::test]
    async fn a_panic_is_an_internal_error() {
        let failed = run_to_completion::<()>(async { panic!("on purpose") }).await;
        assert_eq!(failed.expect_err("it panicked").code(), Code::Internal);
    }
}
