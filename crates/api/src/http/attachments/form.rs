//! A form with one file, read piece by piece: no more than a few pieces are ever in memory.

#[cfg(test)]
mod tests;
use std::{
    future::{Ready, ready},
    time::Duration,
};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header, web::Bytes};
use domain::conversation::attachment::FILE_MAX_BYTES;
use futures_util::StreamExt as _;
use tokio::{
    sync::mpsc,
    time::{Instant, timeout_at},
};

use super::pieces::{BodyError, Parts};
use crate::{
    error::{Code, Failure},
    http::{Context, extract::announced_bytes},
    texts,
};

/// What a form may have around its file, in bytes.
const AROUND_MAX_BYTES: u64 = 16_384;
/// Pieces that wait between the connection and whoever reads them.
const PIECES_WAITING_MAX: usize = 2;

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
            boundary: boundary(request),
            announced_bytes: announced_bytes(request).try_into().unwrap_or(u64::MAX),
            deadline: Duration::from_millis(context.settings.upload_deadline_ms),
        }))
    }
}

impl Form {
    /// The body, which is to be fed, and the parts that it is read as meanwhile.
    ///
    /// # Errors
    /// `unsupported_media_type`; `file_too_large` when that is announced.
    pub(super) fn open(self) -> Result<(Body, Parts), Failure> {
        let not_a_form = || Failure::new(Code::UnsupportedMediaType, texts::NOT_A_FORM);
        let boundary = self.boundary.ok_or_else(not_a_form)?;
        let max_bytes = u64::from(FILE_MAX_BYTES) + AROUND_MAX_BYTES;
        if self.announced_bytes > max_bytes {
            return Err(Failure::new(Code::FileTooLarge, texts::FILE_TOO_LARGE));
        }
        let (pieces, waiting) = mpsc::channel(PIECES_WAITING_MAX);
        let body = Body {
            payload: self.payload,
            pieces,
            max_bytes,
            ends_at: Instant::now() + self.deadline,
        };
        Ok((body, Parts::new(waiting, boundary, AROUND_MAX_BYTES)))
    }
}

/// A form's body on its way: connections stay on their thread, and the file is kept on another.
pub(super) struct Body {
    payload: Payload,
    pieces: mpsc::Sender<Result<Bytes, BodyError>>,
    max_bytes: u64,
    ends_at: Instant,
}

impl Body {
    /// Hands the body on until it ends, breaks off, is too large or too slow, or until nobody wants
    /// the rest.
    pub(super) async fn feed(mut self) {
        let mut seen_bytes = 0;
        loop {
            let next = tokio::select! {
                () = self.pieces.closed() => return,
                next = timeout_at(self.ends_at, self.payload.next()) => next,
            };
            let piece = match next {
                Ok(None) => return,
                Ok(Some(Ok(piece))) => {
                    seen_bytes += piece.len() as u64;
                    if seen_bytes > self.max_bytes { Err(BodyError::TooLarge) } else { Ok(piece) }
                }
                Ok(Some(Err(_))) => Err(BodyError::CutOff),
                Err(_) => Err(BodyError::TooSlow),
            };
            let is_last = piece.is_err();
            if self.pieces.send(piece).await.is_err() || is_last {
                return;
            }
        }
    }
}

fn boundary(request: &HttpRequest) -> Option<String> {
    if request.headers().contains_key(header::CONTENT_ENCODING) {
        return None;
    }
    let content_type = request.headers().get(header::CONTENT_TYPE)?.to_str().ok()?;
    multer::parse_boundary(content_type).ok()
}
