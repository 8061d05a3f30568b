//! Streaming reader of multipart forms (`multipart/form-data`, RFC 7578): at most a few chunks are in memory
//! at once, whatever the client sends.
//!
//! The payload is bound to the thread of its connection, while the reader may run on any thread:
//! [`Body::feed`] sends the chunks through a channel to [`Reader`], concurrently.
//!
//! Parts are parsed by `multer`, because `actix-multipart` (0.8.5) ends a part at `\r--boundary` and
//! after the length that the part declares, dropping the rest without an error; rejects a form with
//! a file name that is not UTF-8 or with a part of type `multipart/…`; and finds no parts if a space
//! follows the boundary.

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

/// Capacity of the channel between the connection and the reader, in chunks.
const CHUNKS_WAITING_MAX: usize = 2;
/// Maximum number of bytes between the contents of two parts, mostly the headers of a part.
pub(super) const BETWEEN_PARTS_MAX_BYTES: usize = 16_384;

/// Why a form cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BodyError {
    /// The connection was closed before the end.
    #[error("the body was cut off")]
    CutOff,
    /// It did not arrive before its deadline.
    #[error("the body is too slow")]
    TooSlow,
    /// It exceeds the maximum size of the form.
    #[error("the body is too large")]
    TooLarge,
    /// It is not a form, ends within a part, or has too many bytes between two parts.
    #[error("the form is malformed")]
    Malformed,
}

/// The boundary between the parts; `None` if `headers` do not announce an uncompressed form.
pub(super) fn boundary(headers: &HeaderMap) -> Option<String> {
    if headers.contains_key(header::CONTENT_ENCODING) {
        return None;
    }
    multer::parse_boundary(headers.get(header::CONTENT_TYPE)?.to_str().ok()?).ok()
}

/// How long a body may take, and how slow it may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// Within which the whole body must arrive.
    pub(super) deadline: Duration,
    /// The minimum number of bytes that arrive in each [`PACE_PERIOD`] in which the reader waits.
    bytes_per_period: u64,
}

impl Pace {
    pub(super) fn new(deadline_ms: u64, bytes_per_s_min: u32) -> Self {
        let deadline = Duration::from_millis(deadline_ms);
        Self { deadline, bytes_per_period: u64::from(bytes_per_s_min) * PACE_PERIOD.as_secs() }
    }
}

/// The period in which the rate of a body is measured: a mobile connection may pause for seconds.
const PACE_PERIOD: Duration = Duration::from_secs(10);

/// Splits a request into the body, to be fed, and the reader of its form. The body may have at most
/// `max_bytes` and must arrive at `pace`.
pub(super) fn open(
    payload: Payload,
    boundary: String,
    max_bytes: u64,
    pace: Pace,
) -> (Body, Reader) {
    let (chunks, receiver) = mpsc::channel(CHUNKS_WAITING_MAX);
    let ends_at = Instant::now() + pace.deadline;
    let bytes_per_period = pace.bytes_per_period;
    let body = Body { payload, chunks, max_bytes, ends_at, bytes_per_period };
    (body, Reader::new(receiver, boundary))
}

/// The sending half: the body of a request.
pub(super) struct Body {
    payload: Payload,
    chunks: Sender<Result<Bytes, BodyError>>,
    max_bytes: u64,
    ends_at: Instant,
    bytes_per_period: u64,
}

/// The bytes that arrived in the current [`PACE_PERIOD`].
struct Period {
    ends_at: Instant,
    bytes: u64,
}

impl Period {
    fn start() -> Self {
        Self { ends_at: Instant::now() + PACE_PERIOD, bytes: 0 }
    }
}

impl Body {
    /// Sends chunks to the reader until the body ends or fails, or the reader is dropped. An error is sent as
    /// the last item.
    pub(super) async fn feed(mut self) {
        let mut seen_bytes = 0;
        let mut period = Period::start();
        loop {
            let limit = self.ends_at.min(period.ends_at);
            let next = tokio::select! {
                () = self.chunks.closed() => return,
                next = timeout_at(limit, self.payload.next()) => next,
            };
            let chunk = match next {
                Ok(None) => return,
                Err(_) if limit < self.ends_at && period.bytes >= self.bytes_per_period => {
                    period = Period::start();
                    continue;
                }
                Ok(Some(Ok(chunk))) => {
                    seen_bytes += chunk.len() as u64;
                    period.bytes += chunk.len() as u64;
                    if seen_bytes > self.max_bytes { Err(BodyError::TooLarge) } else { Ok(chunk) }
                }
                Ok(Some(Err(_))) => Err(BodyError::CutOff),
                Err(_) => Err(BodyError::TooSlow),
            };
            let is_last = chunk.is_err();
            let arrived_at = Instant::now();
            if self.chunks.send(chunk).await.is_err() || is_last {
                return;
            }
            // While the reader does not take more, the client cannot send.
            period.ends_at += arrived_at.elapsed();
        }
    }
}

/// The receiving half: the parts of a form, one after the other.
pub(super) struct Reader {
    form: Multipart<'static>,
    unused_bytes: Arc<AtomicUsize>,
}

impl Reader {
    /// A reader of the form in `chunks`.
    pub(super) fn new(chunks: Receiver<Result<Bytes, BodyError>>, boundary: String) -> Self {
        let unused_bytes = Arc::new(AtomicUsize::new(0));
        let chunks = one_by_one(chunks, unused_bytes.clone());
        Self { form: Multipart::new(chunks, boundary), unused_bytes }
    }

    /// Reads the headers of the next part; `None` after the last. The previous part must have been dropped;
    /// its unread content is skipped.
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
    /// Name of the form field.
    pub(super) name: Option<String>,
    /// Whether the part is a file, with or without a name.
    pub(super) is_file: bool,
    /// Name of the file.
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
        // `filename*` takes precedence over `filename` (RFC 6266, section 4.3) unless it is empty.
        let extended = extended.and_then(|value| extended_text(&value));
        let has_extended = extended.as_ref().is_some_and(|name| !name.is_empty());
        let plain = plain.filter(|_| !has_extended).map(lenient_text);
        Self { field, unused_bytes, name, is_file, file_name: plain.or(extended) }
    }

    /// Media type without parameters.
    pub(super) fn media_type(&self) -> Option<&str> {
        Some(self.field.content_type()?.essence_str())
    }

    /// The next bytes of the content, never empty; `None` at its end.
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

/// Reads a form with the boundary `b` whose bytes come in these chunks. For fuzzing.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) async fn fuzz_form(chunks: Vec<Bytes>) {
    let sent_bytes: usize = chunks.iter().map(Bytes::len).sum();
    let (sender, receiver) = mpsc::channel(chunks.len().max(1));
    for chunk in chunks {
        sender.try_send(Ok(chunk)).expect("there is room for all");
    }
    drop(sender);
    let (mut reader, mut read_bytes) = (Reader::new(receiver, "b".to_owned()), 0);
    while let Ok(Some(mut part)) = reader.next_part().await {
        while let Ok(Some(chunk)) = part.chunk().await {
            assert!(!chunk.is_empty(), "a chunk has bytes");
            read_bytes += chunk.len();
        }
    }
    assert!(read_bytes <= sent_bytes, "no byte is read twice");
}

/// Yields after each chunk, because `multer` drains its input before parsing, so that limits apply per
/// chunk. `multer` buffers bytes it cannot parse yet, so more than [`BETWEEN_PARTS_MAX_BYTES`] unparsed bytes
/// are an error.
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

/// The first parameter of this name (ignoring case) in a `Content-Disposition`, unquoted. In a quoted string
/// a backslash escapes only a quote, as browsers and curl write it: backslashes of Windows paths are kept.
fn parameter(disposition: &[u8], name: &str) -> Option<Vec<u8>> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let mut parameters = disposition.split(|byte| {
        let is_separator = *byte == b';' && !is_quoted;
        is_quoted ^= *byte == b'"' && !is_escaped;
        is_escaped = *byte == b'\\';
        is_separator
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

/// Decodes UTF-8, as browsers write it, else ISO 8859-1.
fn lenient_text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| error.as_bytes().iter().copied().map(char::from).collect())
}

/// Decodes an extended parameter (RFC 8187); `None` if it is invalid. Forms should not use these (RFC 7578,
/// section 4.2), but some programs have no other way to send `é`.
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

    /// A body that arrives in these chunks, and then ends or stalls.
    fn arriving(
        pieces: Vec<Result<Bytes, PayloadError>>,
        ends: bool,
    ) -> (Body, Receiver<Result<Bytes, BodyError>>) {
        let rest = if ends { stream::empty().boxed() } else { stream::pending().boxed() };
        let pieces_in = stream::iter(pieces).chain(rest);
        let (chunks, waiting) = mpsc::channel(CHUNKS_WAITING_MAX);
        let payload: Payload = Payload::Stream { payload: Box::pin(pieces_in) };
        let ends_at = Instant::now() + Duration::from_millis(1);
        (Body { payload, chunks, max_bytes: 10, ends_at, bytes_per_period: 0 }, waiting)
    }

    /// What the reader receives.
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
    async fn a_body_is_forwarded_to_its_end() {
        assert_eq!(fed(vec![Ok(piece("one")), Ok(piece("two"))], true).await.len(), 2);
        assert_eq!(fed(vec![], true).await, []);
    }

    #[actix_web::test]
    async fn a_body_that_fails_ends_with_the_reason() {
        let cut = Err(PayloadError::Incomplete(None));
        assert_eq!(fed(vec![Ok(piece("one")), cut], true).await[1], Err(BodyError::CutOff));
        assert_eq!(fed(vec![Ok(piece("one"))], false).await[1], Err(BodyError::TooSlow));
        let long = vec![Ok(piece("0123456789")), Ok(piece("x")), Ok(piece("never"))];
        assert_eq!(fed(long, false).await, [Ok(piece("0123456789")), Err(BodyError::TooLarge)]);
    }

    /// What the reader receives of a body that sends four bytes every second, at a pace of so many bytes per second.
    async fn fed_at(bytes_per_s_min: u32) -> Vec<Result<Bytes, BodyError>> {
        let second = |_| async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok(Bytes::from_static(b"four"))
        };
        let arriving = stream::iter(0..30).then(second);
        let payload: Payload = Payload::Stream { payload: Box::pin(arriving) };
        let pace = Pace::new(3_600_000, bytes_per_s_min);
        let (chunks, mut waiting) = mpsc::channel(100);
        let body = Body {
            payload,
            chunks,
            max_bytes: 1_000,
            ends_at: Instant::now() + pace.deadline,
            bytes_per_period: pace.bytes_per_period,
        };
        body.feed().await;
        let mut fed = Vec::new();
        while let Some(piece) = waiting.recv().await {
            fed.push(piece);
        }
        fed
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_slower_than_its_pace_ends_and_any_other_is_read_to_its_end() {
        assert_eq!(fed_at(3).await.len(), 30);
        let slow = fed_at(5).await;
        assert_eq!(slow.last(), Some(&Err(BodyError::TooSlow)));
        assert!(slow.len() <= 11, "it ends with the first period: {}", slow.len());
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_in_which_nobody_reads_is_not_counted_as_slowness() {
        let arriving = stream::iter([Ok(piece("0123456789")), Ok(piece("abcdefghij"))]);
        let payload: Payload = Payload::Stream { payload: Box::pin(arriving) };
        let (chunks, mut waiting) = mpsc::channel(1);
        let ends_at = Instant::now() + Duration::from_hours(1);
        let body = Body { payload, chunks, max_bytes: 100, ends_at, bytes_per_period: 15 };
        let reads = async {
            tokio::time::sleep(Duration::from_mins(5)).await;
            let first = waiting.recv().await.map(|piece| piece.is_ok());
            (first, waiting.recv().await.map(|piece| piece.is_ok()))
        };
        let ((), read) = tokio::join!(body.feed(), reads);
        assert_eq!(read, (Some(true), Some(true)));
    }

    #[actix_web::test]
    async fn feeding_stops_when_the_reader_is_dropped() {
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
