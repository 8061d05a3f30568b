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
    let found = |disposition: &str, name| parameter(disposition.as_bytes(), name).map(lenient_text);
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
