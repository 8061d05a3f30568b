//! Multipart forms as browsers write them.

use actix_web::{http::header, test::TestRequest};

const BOUNDARY: &str = "a-line-that-no-picture-holds";

/// A part with the picture `bytes` and the file name `name`.
pub(crate) fn file_part(name: &str, bytes: &[u8]) -> Vec<u8> {
    let disposition = format!("form-data; name=\"file\"; filename=\"{name}\"");
    part(&format!("Content-Disposition: {disposition}\r\nContent-Type: image/webp"), bytes)
}

/// A part with the headers `head`.
pub(crate) fn part(head: &str, bytes: &[u8]) -> Vec<u8> {
    [format!("--{BOUNDARY}\r\n{head}\r\n\r\n").as_bytes(), bytes, b"\r\n"].concat()
}

/// `request` with a form of these parts.
pub(crate) fn with_form(request: TestRequest, parts: &[u8]) -> TestRequest {
    let body = [parts, format!("--{BOUNDARY}--\r\n").as_bytes()].concat();
    with_form_body(request, body)
}

/// `request` with a body of type `multipart/form-data`, valid or not.
pub(crate) fn with_form_body(request: TestRequest, body: Vec<u8>) -> TestRequest {
    let form = format!("multipart/form-data; boundary={BOUNDARY}");
    request.insert_header((header::CONTENT_TYPE, form)).set_payload(body)
}
