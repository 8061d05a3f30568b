//! Reading the one file of a form, however the form is split into chunks.

use std::time::Duration;

use actix_web::web::Bytes;
use domain::ports::{Chunks as _, Interrupted};
use futures_util::future::join;
use proptest::prelude::*;
use tokio::sync::mpsc::{self, Sender};

use crate::{
    error::Code,
    http::{
        attachments::file,
        multipart::{BodyError, Reader},
    },
};

/// The reader of a form with the boundary `b`, and the sender of its chunks.
fn reader() -> (Sender<Result<Bytes, BodyError>>, Reader) {
    let (pieces, waiting) = mpsc::channel(1);
    (pieces, Reader::new(waiting, "b".to_owned()))
}

/// The result for a form that arrives in these chunks, and then ends or stalls.
async fn read(form: Vec<Result<&str, BodyError>>, ends: bool) -> Result<String, Code> {
    let (pieces, reader) = reader();
    let send = async move {
        for piece in form {
            if pieces
                .send(piece.map(|piece| Bytes::copy_from_slice(piece.as_bytes())))
                .await
                .is_err()
            {
                return;
            }
        }
        if !ends {
            pieces.closed().await;
        }
    };
    let receive = async move {
        let (description, mut file) = file(reader).await.map_err(|failure| failure.code())?;
        let mut text = format!("{} {:?}:", description.name, description.media_type);
        loop {
            match file.next().await {
                Ok(Some(piece)) => text.push_str(std::str::from_utf8(&piece).expect("a text")),
                Ok(None) => return Ok(text),
                Err(Interrupted) => return Err(file.failure.expect("there is a reason").code()),
            }
        }
    };
    let (read, ()) = join(receive, send).await;
    read
}

const HEAD: &str = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\n";

#[tokio::test]
async fn a_file_is_read_piece_by_piece_wherever_the_form_is_cut() {
    let form = [HEAD, "Content-Type: image/png\r\n\r\none\r\n--two\r", "\n--", "b--\r\n"];
    let expected = Ok("a.png Some(\"image/png\"):one\r\n--two".to_owned());
    assert_eq!(read(form.map(Ok).to_vec(), true).await, expected);
    let untyped = [HEAD, "\r\none\r\n--b--\r\n"];
    assert_eq!(read(untyped.map(Ok).to_vec(), true).await, Ok("a.png None:one".to_owned()));
}

#[tokio::test]
async fn a_form_without_its_one_file_is_refused() {
    let table = [
        ("--b--\r\n", Code::ValidationFailed),
        (
            "--b\r\nContent-Disposition: form-data; name=\"other\"; filename=\"a\"\r\n\r\nx\r\n--b--\r\n",
            Code::ValidationFailed,
        ),
        (
            "--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nx\r\n--b--\r\n",
            Code::ValidationFailed,
        ),
        ("--b\r\n\r\nx\r\n--b--\r\n", Code::MalformedRequest),
        ("nothing like a form", Code::MalformedRequest),
        ("", Code::MalformedRequest),
        ("--b\r\nContent-Disposition: form-data; name=\"file\"", Code::MalformedRequest),
        ("--b\r\n: \r\n\r\nx\r\n--b--\r\n", Code::MalformedRequest),
    ];
    for (form, code) in table {
        assert_eq!(read(vec![Ok(form)], true).await, Err(code), "{form:?}");
    }
}

#[tokio::test]
async fn a_second_part_spoils_the_first() {
    let another = "\r\none\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"b\"\r\n\r\ntwo\r\n--b--\r\n";
    assert_eq!(read(vec![Ok(HEAD), Ok(another)], true).await, Err(Code::ValidationFailed));
}

#[tokio::test]
async fn a_file_that_stops_before_its_end_is_interrupted_for_a_reason() {
    let begun = || vec![Ok(HEAD), Ok("\r\none")];
    assert_eq!(read(begun(), true).await, Err(Code::MalformedRequest));
    for (broken, code) in [
        (BodyError::CutOff, Code::MalformedRequest),
        (BodyError::TooSlow, Code::RequestTimeout),
        (BodyError::TooLarge, Code::FileTooLarge),
    ] {
        let mut form = begun();
        form.push(Err(broken));
        assert_eq!(read(form, false).await, Err(code), "{broken}");
        assert_eq!(read(vec![Err(broken)], false).await, Err(code), "{broken}");
    }
}

#[tokio::test(start_paused = true)]
async fn endless_part_headers_are_refused_early() {
    let mut form = vec![Ok(HEAD)];
    form.extend(vec![Ok("X-Padding: padding padding padding\r\n"); 1_000]);
    let read = tokio::time::timeout(Duration::from_mins(1), read(form, false)).await;
    assert_eq!(read, Ok(Err(Code::MalformedRequest)));
}

#[tokio::test]
async fn a_file_may_be_longer_than_a_head() {
    let (pieces, reader) = reader();
    let send = async move {
        pieces.send(Ok(Bytes::from(format!("{HEAD}\r\n")))).await.expect("wanted");
        for _ in 0..100 {
            pieces.send(Ok(Bytes::from(vec![b'x'; 100]))).await.expect("wanted");
        }
        pieces.send(Ok(Bytes::from_static(b"\r\n--b--\r\n"))).await.expect("wanted");
    };
    let receive = async move {
        let (_, mut file) = file(reader).await.expect("a file");
        let mut length = 0;
        while let Some(piece) = file.next().await.expect("not interrupted") {
            assert!(!piece.is_empty());
            length += piece.len();
        }
        length
    };
    assert_eq!(join(receive, send).await.0, 10_000);
}

proptest! {
    #[test]
    fn a_file_is_the_same_however_the_form_is_cut(
        file in "[-b\\r\\n x]{1,60}",
        cuts in prop::collection::vec(1..20_usize, 1..40),
    ) {
        prop_assume!(!format!("\r\n{file}").contains("\r\n--b"));
        let form = format!("{HEAD}\r\n{file}\r\n--b--\r\n");
        let (mut pieces, mut rest) = (Vec::new(), form.as_str());
        for cut in cuts.iter().cycle() {
            let (piece, after) = rest.split_at((*cut).min(rest.len()));
            pieces.push(Ok(piece));
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(now(read(pieces, true)), Ok(format!("a.png None:{file}")));
    }

    #[test]
    fn whatever_is_sent_is_a_file_or_refused(junk in "(--b|\r\n|:|;|=|\"|file|form-data|[a-z -]){0,30}") {
        for form in [vec![Ok(junk.as_str())], vec![Ok(HEAD), Ok(junk.as_str())]] {
            let read = now(read(form, true));
            let refused = matches!(read, Err(Code::ValidationFailed | Code::MalformedRequest));
            prop_assert!(read.is_ok() || refused, "{:?}", read);
        }
    }
}

/// Runs `work` to completion.
fn now<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime").block_on(work)
}
