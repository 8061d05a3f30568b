//! File downloads by signed link: pages show pictures by their URL alone, without a token.

use std::io;

use actix_web::{
    HttpRequest, HttpResponse,
    body::SizedStream,
    http::header,
    web::{Bytes, Data},
};
use domain::{
    conversation::{attachment::PictureForm, uploads::OpenedFile},
    ids::AttachmentId,
    ports::{Chunks, ObjectBytes},
};
use futures_util::{Stream, stream};

use super::context::Context;
use crate::{error::Failure, links::BadLink};

/// Keeps a file from running anything if a browser opens it as a page.
const NO_SCRIPTS: &str = "default-src 'none'; sandbox";

/// Downloads a file. The signed link is the authorisation: it is checked before anything else, and no
/// token is needed.
#[utoipa::path(
    get, path = "/messaging/files/{id}/{form}", tag = "attachments", operation_id = "fetchFile",
    params(
        ("id" = String, Path, max_length = 64, description = "Attachment id."),
        ("form" = String, Path, description = "`full` or `thumbnail`."),
        ("expires" = u64, Query, description = "When the link expires, in seconds since 1970."),
        ("signature" = String, Query, description = "Signature of the link."),
    ),
    responses((status = 200, description = "The file", content_type = "image/*")),
    security(()),
)]
#[tracing::instrument(name = "http.file.fetch", skip_all)]
pub(crate) async fn fetch(
    request: HttpRequest,
    context: Data<Context>,
) -> Result<HttpResponse, Failure> {
    let link = Link::of(&request).ok_or_else(Failure::attachment_not_found)?;
    let rest_s = context.links.check(&link.file, link.form, link.expires_s, link.signature);
    let rest_s = rest_s.map_err(|bad| match bad {
        BadLink::Forged => Failure::attachment_not_found(),
        BadLink::Expired => Failure::link_expired(),
    })?;
    let file = context.uploads.open(&link.file, link.form).await?;
    Ok(file_response(file.ok_or_else(Failure::attachment_not_found)?, rest_s))
}

/// The parts of a link in a request, not verified yet.
struct Link<'a> {
    file: AttachmentId,
    form: PictureForm,
    expires_s: u64,
    signature: &'a str,
}

impl<'a> Link<'a> {
    fn of(request: &'a HttpRequest) -> Option<Self> {
        let in_query = |name: &str| {
            let pairs = request.query_string().split('&').filter_map(|pair| pair.split_once('='));
            pairs.filter(|(key, _)| *key == name).map(|(_, value)| value).next()
        };
        Some(Self {
            file: AttachmentId::parse(request.match_info().get("id")?).ok()?,
            form: PictureForm::parse(request.match_info().get("form")?)?,
            expires_s: in_query("expires")?.parse().ok()?,
            signature: in_query("signature")?,
        })
    }
}

fn file_response(file: OpenedFile, max_age_s: u64) -> HttpResponse {
    let OpenedFile { name, media_type, bytes: ObjectBytes { size_bytes, chunks } } = file;
    let disposition = format!("inline; filename*=UTF-8''{}", encoded(&name));
    HttpResponse::Ok()
        .content_type(media_type.as_str())
        .insert_header((header::CACHE_CONTROL, format!("private, max-age={max_age_s}, immutable")))
        .insert_header((header::CONTENT_SECURITY_POLICY, NO_SCRIPTS))
        .insert_header((header::CONTENT_DISPOSITION, disposition))
        .body(SizedStream::new(size_bytes, byte_stream(chunks)))
}

pub(super) fn byte_stream(chunks: Box<dyn Chunks>) -> impl Stream<Item = io::Result<Bytes>> {
    stream::try_unfold(chunks, |mut chunks| async {
        let chunk = chunks.next().await.map_err(io::Error::other)?;
        Ok(chunk.map(|chunk| (Bytes::from(chunk), chunks)))
    })
}

/// Percent-encodes `name` for a header (RFC 8187, section 3.2.1).
fn encoded(name: &str) -> String {
    let hex = |digit: u8| char::from(b"0123456789ABCDEF"[usize::from(digit)]);
    let mut text = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.extend(['%', hex(byte >> 4), hex(byte & 15)]);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use actix_web::http::Method;
    use domain::ports::StoreError;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpStream,
    };

    use super::encoded;
    use crate::testing::{Answer, TestApp, request};

    /// An application with an uploaded picture, and the link to it.
    async fn picture() -> (TestApp, String) {
        let test_app = TestApp::new().await;
        let link =
            test_app.upload_picture("c1").await["fileUrl"].as_str().expect("a link").to_owned();
        (test_app, link)
    }

    async fn fetched(link: &str, test_app: &TestApp, method: Method) -> Answer {
        test_app.ask(request(method, link, "")).await
    }

    #[actix_web::test]
    async fn a_file_comes_with_what_keeps_browsers_from_misusing_it() {
        let (test_app, link) = picture().await;
        let answer = fetched(&link, &test_app, Method::GET).await;
        assert_eq!(
            (answer.status.as_u16(), answer.bytes()),
            (200, b"picture of an arm".as_slice())
        );
        for (name, value) in [
            ("content-type", "image/webp"),
            ("x-content-type-options", "nosniff"),
            ("content-security-policy", "default-src 'none'; sandbox"),
            ("content-disposition", "inline; filename*=UTF-8''bras.webp"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{name}");
        }
        let caching = answer.header("cache-control").expect("it may be kept");
        let max_age = caching.strip_prefix("private, max-age=").expect("for a while");
        let seconds: u64 =
            max_age.strip_suffix(", immutable").expect("it stays").parse().expect("s");
        assert!((3_600..3_660).contains(&seconds), "{seconds}");
        assert_eq!(answer.header("set-cookie"), None);
    }

    #[actix_web::test]
    async fn head_returns_the_headers_without_the_content() {
        let (test_app, link) = picture().await;
        let answer = fetched(&link, &test_app, Method::HEAD).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), Some("image/webp"));
        assert_eq!(fetched(&link, &test_app, Method::DELETE).await.status, 404);
    }

    /// The raw response of a real server.
    async fn raw_response(test_app: &TestApp, method: &str, link: &str) -> String {
        let mut stream = TcpStream::connect(test_app.listen()).await.expect("it listens");
        let asked = format!("{method} {link} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        stream.write_all(asked.as_bytes()).await.expect("it reads");
        let mut response = String::new();
        stream.read_to_string(&mut response).await.expect("it answers");
        response
    }

    #[actix_web::test]
    async fn the_content_length_is_the_same_for_get_and_head() {
        let (test_app, link) = picture().await;
        for (method, body) in [("GET", "picture of an arm"), ("HEAD", "")] {
            let response = raw_response(&test_app, method, &link).await;
            let (head, rest) = response.split_once("\r\n\r\n").expect("a head");
            assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
            assert!(head.to_ascii_lowercase().contains("\r\ncontent-length: 17\r\n"), "{head}");
            assert_eq!(rest, body, "{method}");
        }
    }

    #[actix_web::test]
    async fn a_forged_link_is_refused_before_the_file_is_looked_up() {
        let (test_app, link) = picture().await;
        let thumbnail = link.replace("/full?", "/thumbnail?");
        let other =
            test_app.upload_picture("c1").await["fileUrl"].as_str().expect("a link").to_owned();
        let (start, _) = link.split_once('?').expect("a query");
        let (_, query) = other.split_once('?').expect("a query");
        for forged in [
            thumbnail,
            format!("{start}?{query}"),
            format!("{link}x"),
            link.replace("expires=1", "expires=2"),
            link.replace("expires=", "expires=-"),
            link.replace("expires=", "expires=99999999999999999999"),
            link.replace("&signature=", "&signatur="),
            link.replace("/full?", "/huge?"),
            start.to_owned(),
            format!("{start}?expires=&signature="),
        ] {
            // Had the store been asked, the answer would be another.
            test_app.store.set_unavailable(true);
            let refused = fetched(&forged, &test_app, Method::GET).await;
            assert_eq!(refused.failure(), (404, "attachment_not_found".to_owned()), "{forged}");
            assert_eq!(refused.header("cache-control"), Some("no-store"));
        }
    }

    #[actix_web::test]
    async fn a_link_has_an_end() {
        let (test_app, link) = picture().await;
        test_app.clock.advance_millis(32_400_000);
        test_app.store.set_unavailable(true);
        let refused = fetched(&link, &test_app, Method::GET).await;
        assert_eq!(refused.failure(), (410, "link_expired".to_owned()));
    }

    #[actix_web::test]
    async fn while_files_or_the_store_are_away_one_is_told_to_come_again() {
        let (test_app, link) = picture().await;
        test_app.files.set_broken(true);
        let refused = fetched(&link, &test_app, Method::GET).await;
        assert_eq!(refused.failure(), (503, "unavailable".to_owned()));
        test_app.files.set_broken(false);
        test_app.store.fail_next(StoreError::Busy("no room".into()));
        assert_eq!(fetched(&link, &test_app, Method::GET).await.status, 503);
        assert_eq!(fetched(&link, &test_app, Method::GET).await.status, 200);
    }

    #[test]
    fn a_name_cannot_break_out_of_its_header() {
        assert_eq!(encoded("bras-1_a.~webp"), "bras-1_a.~webp");
        assert_eq!(
            encoded("Léa \"x\";\r\nSet-Cookie: a"),
            "L%C3%A9a%20%22x%22%3B%0D%0ASet-Cookie%3A%20a"
        );
    }
}
