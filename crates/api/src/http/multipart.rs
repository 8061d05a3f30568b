//! Forms in the body of a request (`multipart/form-data`, RFC 7578), read chunk by chunk: whatever is sent,
//! only a few chunks of it are in memory at once.
//!
//! The body stays on the thread of its connection, and is read on any: so [`Body::feed`] hands it on, and
//! [`Reader`] takes it, both at the same time.
//!
//! `multer` finds the parts, as `actix-multipart` (0.8.5) does not: that ends a part at `\r--boundary` and
//! after the length that the part itself announces, and drops the rest without an error; refuses a form for
//! a file name that is no UTF-8, or for a part of type `multipart/…`; and finds no parts at all where a
//! blank stands behind the boundary.

use std::{
    mem::take,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::{Poll, ready},
    time::Duration,
};

use actix_web::{
    dev::Payload,
    http::header::{self, HeaderMap},
    web::Bytes,
};
use futures_util::{Stream, StreamExt as _, stream::poll_fn};
use multer::{Field, Multipart};
use tokio::{
    sync::mpsc::{self, Receiver, Sender},
    time::{Instant, timeout_at},
};

/// Chunks that wait between the connection and the reader.
const CHUNKS_WAITING_MAX: usize = 2;
/// The most that may stand between the contents of two parts, in bytes: the head of a part, mostly.
pub(super) const BETWEEN_PARTS_MAX_BYTES: usize = 16_384;

/// Why a form cannot be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BodyError {
    /// The connection broke off.
    #[error("the body was cut off")]
    CutOff,
    /// It did not arrive before its deadline.
    #[error("the body is too slow")]
    TooSlow,
    /// It has more bytes than a form of this kind may have.
    #[error("the body is too large")]
    TooLarge,
    /// It is no form, ends within a part, or has too much between two parts.
    #[error("the form is malformed")]
    Malformed,
}

/// The boundary between the parts; `None` when `headers` announce no form, or one that is compressed.
pub(super) fn boundary(headers: &HeaderMap) -> Option<String> {
    if headers.contains_key(header::CONTENT_ENCODING) {
        return None;
    }
    multer::parse_boundary(headers.get(header::CONTENT_TYPE)?.to_str().ok()?).ok()
}

/// The body of a request and the reader of its form, whose parts `boundary` parts. It may have `max_bytes`,
/// and has to be there within `deadline`.
pub(super) fn open(
    payload: Payload,
    boundary: String,
    max_bytes: u64,
    deadline: Duration,
) -> (Body, Reader) {
    let (chunks, waiting) = mpsc::channel(CHUNKS_WAITING_MAX);
    let body = Body { payload, chunks, max_bytes, ends_at: Instant::now() + deadline };
    (body, Reader::new(waiting, boundary))
}

/// A body on its way to a [`Reader`].
pub(super) struct Body {
    payload: Payload,
    chunks: Sender<Result<Bytes, BodyError>>,
    max_bytes: u64,
    ends_at: Instant,
}

impl Body {
    /// Hands the body on until it ends, breaks off, is too large or too slow, or until the reader is gone.
    pub(super) async fn feed(mut self) {
        let mut seen_bytes = 0;
        loop {
            let next = tokio::select! {
                () = self.chunks.closed() => return,
                next = timeout_at(self.ends_at, self.payload.next()) => next,
            };
            let chunk = match next {
                Ok(None) => return,
                Ok(Some(Ok(chunk))) => {
                    seen_bytes += chunk.len() as u64;
                    if seen_bytes > self.max_bytes { Err(BodyError::TooLarge) } else { Ok(chunk) }
                }
                Ok(Some(Err(_))) => Err(BodyError::CutOff),
                Err(_) => Err(BodyError::TooSlow),
            };
            let is_last = chunk.is_err();
            if self.chunks.send(chunk).await.is_err() || is_last {
                return;
            }
        }
    }
}

/// The parts of a form, one after the other.
pub(super) struct Reader {
    form: Multipart<'static>,
    unused_bytes: Arc<AtomicUsize>,
}

impl Reader {
    /// Reads the form that `chunks` are.
    pub(super) fn new(chunks: Receiver<Result<Bytes, BodyError>>, boundary: String) -> Self {
        let unused_bytes = Arc::new(AtomicUsize::new(0));
        let chunks = one_by_one(chunks, unused_bytes.clone());
        Self { form: Multipart::new(chunks, boundary), unused_bytes }
    }

    /// The next part, up to where its content begins; `None` behind the last. The part before must have been
    /// dropped; what was not read of it is passed over.
    ///
    /// # Errors
    /// [`BodyError`].
    pub(super) async fn next_part(&mut self) -> Result<Option<Part>, BodyError> {
        let field = self.form.next_field().await.map_err(|error| body_error(&error))?;
        self.unused_bytes.store(0, Relaxed);
        Ok(field.map(|field| Part::new(field, self.unused_bytes.clone())))
    }
}

/// A part of a form.
pub(super) struct Part {
    field: Field<'static>,
    unused_bytes: Arc<AtomicUsize>,
    /// The name of its field.
    pub(super) name: Option<String>,
    /// Whether it is a file, with or without a name.
    pub(super) is_file: bool,
    /// The name of the file that it is.
    pub(super) file_name: Option<String>,
}

impl Part {
    fn new(field: Field<'static>, unused_bytes: Arc<AtomicUsize>) -> Self {
        let disposition = field.headers().get(header::CONTENT_DISPOSITION.as_str());
        let disposition = match disposition {
            Some(value) => value.as_bytes(),
            None => b"",
        };
        let parameter = |name| parameter(disposition, name);
        let (plain, extended) = (parameter("filename"), parameter("filename*"));
        let name = parameter("name").map(lenient_text);
        let is_file = plain.is_some() || extended.is_some();
        // `filename*` wins over `filename` (RFC 6266, section 4.3), if it says something.
        let extended = extended.and_then(|value| extended_text(&value));
        let has_extended = extended.as_ref().is_some_and(|name| !name.is_empty());
        let plain = plain.filter(|_| !has_extended).map(lenient_text);
        Self { field, unused_bytes, name, is_file, file_name: plain.or(extended) }
    }

    /// Its type, without parameters.
    pub(super) fn media_type(&self) -> Option<&str> {
        Some(self.field.content_type()?.essence_str())
    }

    /// The next bytes of its content, never none of them; `None` at its end.
    ///
    /// # Errors
    /// [`BodyError`].
    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, BodyError> {
        loop {
            let chunk = self.field.chunk().await.map_err(|error| body_error(&error))?;
            self.unused_bytes.store(0, Relaxed);
            if chunk.as_ref().is_none_or(|bytes| !bytes.is_empty()) {
                return Ok(chunk);
            }
        }
    }
}

/// The chunks, so that `multer` looks at each: it drains its input before it looks at any of it, so it has to
/// ask again behind each. It keeps what it can make nothing of, so it gets only so much of that.
fn one_by_one(
    mut chunks: Receiver<Result<Bytes, BodyError>>,
    unused_bytes: Arc<AtomicUsize>,
) -> impl Stream<Item = Result<Bytes, BodyError>> + Send + 'static {
    let mut ask_again = false;
    poll_fn(move |cx| {
        if take(&mut ask_again) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if unused_bytes.load(Relaxed) > BETWEEN_PARTS_MAX_BYTES {
            return Poll::Ready(Some(Err(BodyError::Malformed)));
        }
        let chunk = ready!(chunks.poll_recv(cx));
        if let Some(Ok(bytes)) = &chunk {
            unused_bytes.fetch_add(bytes.len(), Relaxed);
            ask_again = true;
        }
        Poll::Ready(chunk)
    })
}

fn body_error(error: &multer::Error) -> BodyError {
    match error {
        multer::Error::StreamReadFailed(cause) => {
            cause.downcast_ref::<BodyError>().copied().unwrap_or(BodyError::CutOff)
        }
        _ => BodyError::Malformed,
    }
}

/// The first parameter of this name in a `Content-Disposition`, without the quotes around it. Names are in
/// any case. In quotes only a quote is escaped by a backslash, as browsers and curl do it: the one in a path
/// of Windows stands for itself.
fn parameter(disposition: &[u8], name: &str) -> Option<Vec<u8>> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let mut parameters = disposition.split(|byte| {
        let is_end = *byte == b';' && !is_quoted;
        is_quoted ^= *byte == b'"' && !is_escaped;
        is_escaped = *byte == b'\\';
        is_end
    });
    parameters.find_map(|parameter| {
        let equals = parameter.iter().position(|byte| *byte == b'=')?;
        let (known, value) =
            (parameter[..equals].trim_ascii(), parameter[equals + 1..].trim_ascii());
        known.eq_ignore_ascii_case(name.as_bytes()).then(|| unquoted(value))
    })
}

fn unquoted(value: &[u8]) -> Vec<u8> {
    let Some(quoted) = value.strip_prefix(b"\"") else { return value.to_vec() };
    let mut text = Vec::with_capacity(quoted.len());
    for byte in quoted {
        match (byte, text.last()) {
            (b'"', Some(b'\\')) => {
                text.pop();
                text.push(b'"');
            }
            (b'"', _) => break,
            _ => text.push(*byte),
        }
    }
    text
}

/// UTF-8, as browsers write it, or else ISO 8859-1.
fn lenient_text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| error.as_bytes().iter().copied().map(char::from).collect())
}

/// The text of an extended parameter (RFC 8187); `None` when it cannot be read. Forms should not have such
/// (RFC 7578, section 4.2); some programs know no other way to say `é`.
fn extended_text(value: &[u8]) -> Option<String> {
    let mut parts = std::str::from_utf8(value).ok()?.splitn(3, '\'');
    let (charset, _language, encoded) = (parts.next()?, parts.next()?, parts.next()?);
    let bytes = percent_decoded(encoded)?;
    match charset.to_ascii_lowercase().as_str() {
        "utf-8" => String::from_utf8(bytes).ok(),
        "iso-8859-1" => Some(bytes.into_iter().map(char::from).collect()),
        _ => None,
    }
}

fn percent_decoded(text: &str) -> Option<Vec<u8>> {
    let mut pieces = text.split('%');
    let mut bytes = pieces.next()?.as_bytes().to_vec();
    for piece in pieces {
        let (digits, rest) = piece.split_at_checked(2)?;
        let are_digits = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        bytes.push(u8::from_str_radix(digits, 16).ok().filter(|_| are_digits)?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use actix_web::error::PayloadError;
    use futures_util::stream;

    use super::*;

    /// A body that arrives in these pieces, and then ends, or does not.
    fn arriving(
        pieces: Vec<Result<Bytes, PayloadError>>,
        ends: bool,
    ) -> (Body, Receiver<Result<Bytes, BodyError>>) {
        let rest = if ends { stream::empty().boxed() } else { stream::pending().boxed() };
        let pieces_in = stream::iter(pieces).chain(rest);
        let (chunks, waiting) = mpsc::channel(CHUNKS_WAITING_MAX);
        let payload: Payload = Payload::Stream { payload: Box::pin(pieces_in) };
        let ends_at = Instant::now() + Duration::from_millis(1);
        (Body { payload, chunks, max_bytes: 10, ends_at }, waiting)
    }

    /// What is handed on.
    async fn fed(
        pieces: Vec<Result<Bytes, PayloadError>>,
        ends: bool,
    ) -> Vec<Result<Bytes, BodyError>> {
        let (body, mut waiting) = arriving(pieces, ends);
        body.feed().await;
        let mut fed = Vec::new();
        while let Some(piece) = waiting.recv().await {
            fed.push(piece);
        }
        fed
    }

    fn piece(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }

    #[actix_web::test]
    async fn a_body_is_handed_on_to_its_end_and_its_end_is_told() {
        assert_eq!(fed(vec![Ok(piece("one")), Ok(piece("two"))], true).await.len(), 2);
        assert_eq!(fed(vec![], true).await, []);
    }

    #[actix_web::test]
    async fn a_body_that_does_not_end_well_ends_with_the_reason() {
        let cut = Err(PayloadError::Incomplete(None));
        assert_eq!(fed(vec![Ok(piece("one")), cut], true).await[1], Err(BodyError::CutOff));
        assert_eq!(fed(vec![Ok(piece("one"))], false).await[1], Err(BodyError::TooSlow));
        let long = vec![Ok(piece("0123456789")), Ok(piece("x")), Ok(piece("never"))];
        assert_eq!(fed(long, false).await, [Ok(piece("0123456789")), Err(BodyError::TooLarge)]);
    }

    #[actix_web::test]
    async fn once_nobody_wants_the_rest_it_is_not_waited_for() {
        let (body, waiting) = arriving(vec![], false);
        let body = Body { ends_at: Instant::now() + Duration::from_hours(1), ..body };
        drop(waiting);
        let fed = tokio::time::timeout(Duration::from_mins(1), body.feed()).await;
        assert!(fed.is_ok(), "the file was refused, and its sender is slow");
    }

    #[test]
    fn a_parameter_is_found_however_it_is_written() {
        let found =
            |disposition: &str, name| parameter(disposition.as_bytes(), name).map(lenient_text);
        let table = [
            ("form-data; name=\"a\"; filename=\"b\"", "name", Some("a")),
            ("form-data; filename=\"name=x; name=y\"; name=a", "name", Some("a")),
            ("form-data;name = a ;filename=b", "name", Some("a")),
            ("form-data; NAME=a", "name", Some("a")),
            ("form-data; name=a; name=b", "name", Some("a")),
            ("form-data; filename=a b.png", "filename", Some("a b.png")),
            ("form-data; filename=\"C:\\a.png\"", "filename", Some("C:\\a.png")),
            ("form-data; filename=\"a\\\"; b.png\"", "filename", Some("a\"; b.png")),
            ("form-data; filename=\"a", "filename", Some("a")),
            ("form-data; filename=", "filename", Some("")),
            ("form-data; filename*=x", "filename", None),
            ("name", "name", None),
            ("", "name", None),
        ];
        for (disposition, name, value) in table {
            assert_eq!(found(disposition, name).as_deref(), value, "{disposition}");
        }
    }
}
