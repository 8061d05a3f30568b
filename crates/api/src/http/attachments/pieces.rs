//! The parts of a form, and the one file among them.

#[cfg(test)]
mod tests;
use std::{
    mem::take,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Poll, ready},
};

use actix_web::{http::header, web::Bytes};
use async_trait::async_trait;
use domain::ports::{Chunks, Interrupted};
use futures_util::{Stream, stream::poll_fn};
use multer::{Field, Multipart};
use tokio::sync::mpsc::Receiver;

use crate::{
    error::{Code, Failure},
    texts,
};

/// The name of the part that is the file.
const FILE: &str = "file";

/// Why the rest of a body does not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BodyError {
    #[error("the body was cut off")]
    CutOff,
    #[error("the body is too slow")]
    TooSlow,
    #[error("the body is too large")]
    TooLarge,
    #[error("the head of a part is too large")]
    HeadTooLarge,
}

/// What a form says of its file.
pub(super) struct Description {
    pub(super) name: String,
    pub(super) media_type: Option<String>,
}

/// A form, of which nothing was read yet.
pub(super) struct Parts {
    form: Multipart<'static>,
    file_begun: Arc<AtomicBool>,
}

impl Parts {
    /// The parts in `pieces`. The reader of forms keeps a head until it is complete, so before the
    /// file begins no more than about `head_max_bytes` are read.
    pub(super) fn new(
        pieces: Receiver<Result<Bytes, BodyError>>,
        boundary: String,
        head_max_bytes: u64,
    ) -> Self {
        let file_begun = Arc::new(AtomicBool::new(false));
        let pieces = with_bounded_head(pieces, file_begun.clone(), head_max_bytes);
        Self { form: Multipart::new(pieces, boundary), file_begun }
    }

    /// Reads up to where the file begins.
    ///
    /// # Errors
    /// What is wrong with the form.
    pub(super) async fn file(mut self) -> Result<(Description, FilePart), Failure> {
        let part = self.form.next_field().await.map_err(|error| fault_of(&error))?;
        let part = part.filter(|part| part.name() == Some(FILE)).ok_or_else(one_file)?;
        let missing = || Failure::validation(vec![texts::FILE_NAME_REQUIRED]);
        let extended = part.headers().get(header::CONTENT_DISPOSITION.as_str());
        let extended =
            extended.and_then(|value| extended_name(&String::from_utf8_lossy(value.as_bytes())));
        let plain = || part.file_name().map(str::to_owned);
        let description = Description {
            name: extended.or_else(plain).ok_or_else(missing)?,
            media_type: part.content_type().map(|kind| kind.essence_str().to_owned()),
        };
        self.file_begun.store(true, Ordering::Relaxed);
        let file = FilePart { form: self.form, part: Some(part), fault: None };
        Ok((description, file))
    }
}

/// The `filename*` of a `Content-Disposition` (RFC 8187), which wins over `filename` (RFC 6266, section
/// 4.3). `None` when there is none that can be read. Forms should not have it (RFC 7578, section 4.2);
/// some programs know no other way to say `é`.
fn extended_name(disposition: &str) -> Option<String> {
    let mut quoted = false;
    let mut escaped = false;
    let ends = |c: char| {
        let is_end = c == ';' && !quoted;
        quoted ^= c == '"' && !escaped;
        escaped = c == '\\' && quoted && !escaped;
        is_end
    };
    let value = disposition.split(ends).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("filename*").then_some(value.trim())
    })?;
    let mut parts = value.trim_matches('"').splitn(3, '\'');
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

/// The file of a form. It ends well only if it was the only part.
pub(super) struct FilePart {
    form: Multipart<'static>,
    part: Option<Field<'static>>,
    fault: Option<Failure>,
}

impl FilePart {
    /// Why it was interrupted, if it was.
    pub(super) fn fault(&mut self) -> Option<Failure> {
        self.fault.take()
    }

    async fn read(&mut self) -> Result<Option<Bytes>, Failure> {
        let Some(part) = &mut self.part else { return Ok(None) };
        loop {
            match part.chunk().await.map_err(|error| fault_of(&error))? {
                Some(bytes) if bytes.is_empty() => {}
                Some(bytes) => return Ok(Some(bytes)),
                None => break,
            }
        }
        // The next part can be looked for only when this one is given back.
        self.part = None;
        match self.form.next_field().await.map_err(|error| fault_of(&error))? {
            None => Ok(None),
            Some(_) => Err(one_file()),
        }
    }
}

#[async_trait]
impl Chunks for FilePart {
    async fn next(&mut self) -> Result<Option<Vec<u8>>, Interrupted> {
        match self.read().await {
            Ok(bytes) => Ok(bytes.map(Vec::from)),
            Err(fault) => {
                self.fault = Some(fault);
                Err(Interrupted)
            }
        }
    }
}

/// The pieces one by one: the reader of forms takes all that is there before it looks at any, so
/// that it is made to look at each by having to come again.
fn with_bounded_head(
    mut pieces: Receiver<Result<Bytes, BodyError>>,
    file_begun: Arc<AtomicBool>,
    head_max_bytes: u64,
) -> impl Stream<Item = Result<Bytes, BodyError>> + Send + 'static {
    let (mut seen_bytes, mut come_again) = (0, false);
    poll_fn(move |cx| {
        if take(&mut come_again) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if seen_bytes > head_max_bytes && !file_begun.load(Ordering::Relaxed) {
            return Poll::Ready(Some(Err(BodyError::HeadTooLarge)));
        }
        let piece = ready!(pieces.poll_recv(cx));
        if let Some(Ok(bytes)) = &piece {
            seen_bytes += bytes.len() as u64;
            come_again = true;
        }
        Poll::Ready(piece)
    })
}

fn one_file() -> Failure {
    Failure::validation(vec![texts::ONE_FILE])
}

/// What is said of a form that cannot be read.
fn fault_of(error: &multer::Error) -> Failure {
    let broken = match error {
        multer::Error::StreamReadFailed(cause) => cause.downcast_ref::<BodyError>(),
        _ => None,
    };
    match broken {
        Some(BodyError::TooLarge) => Failure::new(Code::FileTooLarge, texts::FILE_TOO_LARGE),
        Some(BodyError::TooSlow) => Failure::new(Code::RequestTimeout, texts::REQUEST_TIMEOUT),
        Some(BodyError::CutOff | BodyError::HeadTooLarge) | None => {
            Failure::new(Code::MalformedRequest, texts::MALFORMED_FORM)
        }
    }
}
