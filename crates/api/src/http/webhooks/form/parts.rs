//! The parts of a form that comes with files. Whatever is sent, only a few pieces are in memory at once.

use std::{
    mem::take,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::{Poll, ready},
};

use actix_web::{dev::Payload, web::Bytes};
use futures_util::{Stream, StreamExt as _, future::join, stream::poll_fn};
use multer::{Field, Multipart};
use tokio::sync::mpsc::{self, Receiver, Sender};

use super::{BodyError, Fields, wanted};

/// The largest mail with its files, in bytes: Mailgun takes none above 25 MiB.
const MAIL_MAX_BYTES: usize = 33_554_432;
/// The most that is kept of a field, in bytes. A text of that length is too long for a message anyway.
const FIELD_MAX_BYTES: usize = 262_144;
/// The most that may stand between the contents of two parts, in bytes.
const BETWEEN_MAX_BYTES: usize = 16_384;
/// Pieces that wait between the connection and whoever reads them.
const PIECES_WAITING_MAX: usize = 2;

/// Reads the parts that are wanted; of the others nothing is kept.
pub(super) async fn read(payload: Payload, boundary: String) -> Result<Fields, BodyError> {
    let (pieces, waiting) = mpsc::channel(PIECES_WAITING_MAX);
    let unused_bytes = Arc::new(AtomicUsize::new(0));
    let form = Multipart::new(bounded(waiting, unused_bytes.clone()), boundary);
    let (fields, ()) = join(fields(form, unused_bytes), feed(payload, pieces)).await;
    fields
}

async fn fields(
    mut form: Multipart<'static>,
    unused_bytes: Arc<AtomicUsize>,
) -> Result<Fields, BodyError> {
    let mut fields = Fields::default();
    while let Some(mut part) = form.next_field().await.map_err(|error| broken(&error))? {
        unused_bytes.store(0, Relaxed);
        // A file is no field, whatever it is called.
        let name = part.name().filter(|_| part.file_name().is_none()).and_then(wanted);
        let kept_max_bytes = if name.is_some() { FIELD_MAX_BYTES } else { 0 };
        let (bytes, is_cut) = beginning(&mut part, kept_max_bytes, &unused_bytes).await?;
        if let Some(name) = name {
            fields.add(name, &bytes, is_cut);
        }
    }
    Ok(fields)
}

/// The first bytes of a part, which is read to its end.
async fn beginning(
    part: &mut Field<'static>,
    max_bytes: usize,
    unused_bytes: &AtomicUsize,
) -> Result<(Vec<u8>, bool), BodyError> {
    let (mut bytes, mut is_cut) = (Vec::new(), false);
    while let Some(piece) = part.chunk().await.map_err(|error| broken(&error))? {
        unused_bytes.store(0, Relaxed);
        let room = max_bytes - bytes.len();
        is_cut |= piece.len() > room;
        bytes.extend_from_slice(&piece[..piece.len().min(room)]);
    }
    Ok((bytes, is_cut))
}

/// The pieces one by one: the reader of forms takes all that is there before it looks at any, so that
/// it is made to look at each by having to come again. It keeps what it can make nothing of, so that it
/// gets only so much of that.
fn bounded(
    mut pieces: Receiver<Result<Bytes, BodyError>>,
    unused_bytes: Arc<AtomicUsize>,
) -> impl Stream<Item = Result<Bytes, BodyError>> + Send + 'static {
    let mut come_again = false;
    poll_fn(move |cx| {
        if take(&mut come_again) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if unused_bytes.load(Relaxed) > BETWEEN_MAX_BYTES {
            return Poll::Ready(Some(Err(BodyError::Malformed)));
        }
        let piece = ready!(pieces.poll_recv(cx));
        if let Some(Ok(bytes)) = &piece {
            unused_bytes.fetch_add(bytes.len(), Relaxed);
            come_again = true;
        }
        Poll::Ready(piece)
    })
}

/// Hands the body on until it ends, breaks off, is too large, or until nobody wants the rest:
/// connections stay on their thread, and the reader of forms wants pieces that need not.
async fn feed(mut payload: Payload, pieces: Sender<Result<Bytes, BodyError>>) {
    let mut seen_bytes = 0;
    while let Some(piece) = payload.next().await {
        let piece = piece.map_err(|_| BodyError::CutOff).and_then(|piece| {
            seen_bytes += piece.len();
            if seen_bytes > MAIL_MAX_BYTES { Err(BodyError::TooLarge) } else { Ok(piece) }
        });
        let is_last = piece.is_err();
        if pieces.send(piece).await.is_err() || is_last {
            return;
        }
    }
}

fn broken(error: &multer::Error) -> BodyError {
    match error {
        multer::Error::StreamReadFailed(cause) => {
            cause.downcast_ref::<BodyError>().copied().unwrap_or(BodyError::CutOff)
        }
        _ => BodyError::Malformed,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::error::PayloadError;
    use futures_util::stream;

    use super::*;

    fn arriving(pieces: Vec<Bytes>) -> Payload {
        let pieces = stream::iter(pieces).map(Ok);
        Payload::Stream { payload: Box::pin(pieces) }
    }

    #[actix_web::test]
    async fn a_head_without_an_end_is_not_kept_for_long() {
        let start = Bytes::from("--x\r\nContent-Disposition: form-data; name=\"");
        let endless = Bytes::from(vec![b'a'; 8_192]);
        let mut pieces = vec![start];
        pieces.extend(vec![endless; 1_000]);
        let left = Arc::new(AtomicUsize::new(pieces.len()));
        let count = left.clone();
        let counted = stream::iter(pieces).map(move |piece| {
            count.fetch_sub(1, Relaxed);
            Ok::<_, PayloadError>(piece)
        });
        let payload: Payload = Payload::Stream { payload: Box::pin(counted) };
        assert!(matches!(read(payload, "x".to_owned()).await, Err(BodyError::Malformed)));
        assert!(left.load(Relaxed) > 990, "it was read on: {left:?}");
    }

    #[actix_web::test]
    async fn a_large_file_in_small_pieces_is_passed_over() {
        let file = "--x\r\nContent-Disposition: form-data; name=\"from\"; filename=\"a\"\r\n\r\n";
        let field =
            "\r\n--x\r\nContent-Disposition: form-data; name=\"from\"\r\n\r\nc1\r\n--x--\r\n";
        let mut pieces = vec![Bytes::from(file)];
        pieces.extend(vec![Bytes::from(vec![7; 8_192]); 500]);
        pieces.push(Bytes::from(field));
        let fields = read(arriving(pieces), "x".to_owned()).await.expect("a good form");
        assert_eq!(fields.get("from"), Some("c1"));
    }

    #[actix_web::test]
    async fn of_a_long_field_the_beginning_is_kept() {
        let field = "--x\r\nContent-Disposition: form-data; name=\"body-plain\"\r\n\r\n";
        let mut pieces = vec![Bytes::from(field)];
        pieces.extend(vec![Bytes::from(vec![b'a'; 8_192]); 100]);
        pieces.push(Bytes::from("\r\n--x--\r\n"));
        let fields = read(arriving(pieces), "x".to_owned()).await.expect("a good form");
        assert_eq!(fields.get("body-plain").map(str::len), Some(FIELD_MAX_BYTES));
    }
}
