//! A person's data: asking for them, and fetching them.

use actix_web::{
    HttpRequest, HttpResponse,
    body::SizedStream,
    http::{Method, header},
    web::{Data, Query},
};
use domain::conversation::attachment::ObjectKey;
use serde::Deserialize;

use super::{context::Context, extract::Caller, files::pieces};
use crate::{error::Failure, links::BadLink, texts, wire};

/// The caller's data. The first time, somebody begins to put them together; asked again, there is a
/// link to the archive, which holds `data.json`, `index.html` and the caller's pictures. It can be
/// fetched for a day, and until then no other one is made.
#[utoipa::path(
    get, path = "/messaging/me/export", tag = "export", operation_id = "exportMyData",
    responses(
        (status = 200, description = "The archive can be fetched", body = wire::Export),
        (status = 202, description = "It is being made: ask again in a minute", body = wire::Export),
    ),
)]
#[tracing::instrument(name = "http.export.request", skip_all)]
pub(crate) async fn request(
    Caller(caller): Caller,
    request: HttpRequest,
    context: Data<Context>,
) -> Result<HttpResponse, Failure> {
    // Whoever only asks for the headers begins nothing.
    let export = if request.method() == Method::HEAD {
        context.services.privacy.peek_export(&caller.user).await?
    } else {
        context.services.privacy.request_export(&caller.user).await?
    };
    let export = export.ok_or_else(|| Failure::erased(vec![texts::PARTICIPANT_ERASED]))?;
    let export = wire::Export::new(&export, &context.links);
    if export.url.is_some() {
        return Ok(HttpResponse::Ok().json(export));
    }
    (context.wake)();
    Ok(HttpResponse::Accepted().json(export))
}

/// What makes a link good.
#[derive(Deserialize)]
pub(crate) struct Signed {
    expires: u64,
    signature: String,
}

/// The bytes of an archive. The link is the right to them.
#[utoipa::path(
    get, path = "/messaging/exports/{id}/archive", tag = "export", operation_id = "fetchExport",
    params(
        ("id" = String, Path, max_length = 64, description = "Which archive."),
        ("expires" = u64, Query, description = "When the link ends, in seconds since 1970."),
        ("signature" = String, Query, description = "Shows that the link was made here."),
    ),
    responses((status = 200, description = "The bytes", content_type = "application/zip")),
    security(()),
)]
#[tracing::instrument(name = "http.export.fetch", skip_all)]
pub(crate) async fn fetch(
    request: HttpRequest,
    context: Data<Context>,
) -> Result<HttpResponse, Failure> {
    let none = Failure::attachment_not_found;
    let id = request.match_info().get("id").ok_or_else(none)?;
    let key = ObjectKey::parse(&format!("{id}/archive")).map_err(|_| none())?;
    let signed = Query::<Signed>::from_query(request.query_string()).map_err(|_| none())?;
    let checked = context.links.check_archive(&key, signed.expires, &signed.signature);
    checked.map_err(|bad| match bad {
        BadLink::Forged => none(),
        BadLink::Expired => Failure::link_expired(),
    })?;
    let bytes = context.files.read(&key).await.map_err(Failure::unavailable)?.ok_or_else(none)?;
    Ok(HttpResponse::Ok()
        .content_type("application/zip")
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .insert_header((header::CONTENT_DISPOSITION, "attachment; filename=\"messagerie.zip\""))
        .body(SizedStream::new(bytes.size_bytes, pieces(bytes.chunks))))
}

#[cfg(test)]
mod tests {
    use domain::{
        ports::{Clock, Files},
        privacy::{
            export::ReadyExport,
            store::{ErasureStore, ExportStore},
        },
        testing::fixture::{Pieces, user},
    };
    use serde_json::Value;

    use crate::testing::TestApp;

    const EXPORT: &str = "/messaging/me/export";

    /// Does what the job does.
    async fn make(test_app: &TestApp, who: &str) {
        let export = test_app.store.export(&user(who)).await.expect("the store works");
        let key = export.expect("it was asked for").key;
        let size =
            test_app.files.write(&key, &mut Pieces::of(b"PK zip")).await.expect("there is room");
        let ready = ReadyExport::new(size, test_app.clock.now());
        assert!(test_app.store.finish_export(&user(who), &key, &ready).await.expect("it works"));
    }

    fn link(shown: &Value) -> String {
        shown["url"].as_str().expect("a link").to_owned()
    }

    #[actix_web::test]
    async fn data_are_asked_for_once_and_fetched_by_a_link() {
        let test_app = TestApp::new().await;
        let rings = test_app.rings();
        for _ in 0..2 {
            let asked = test_app.get(EXPORT, "c1").await;
            assert_eq!((asked.status.as_u16(), &asked.json()["state"]), (202, &"preparing".into()));
        }
        assert!(test_app.rings() > rings, "somebody is told that there is work");
        make(&test_app, "c1").await;
        let ready = test_app.get(EXPORT, "c1").await;
        assert_eq!((ready.status.as_u16(), &ready.json()["state"]), (200, &"ready".into()));
        assert_eq!(ready.json()["sizeBytes"], 6);
        let fetched = test_app.get(&link(&ready.json()), "").await;
        assert_eq!(fetched.status, 200);
        assert_eq!(fetched.bytes(), b"PK zip");
        assert_eq!(fetched.header("content-type"), Some("application/zip"));
    }

    #[actix_web::test]
    async fn a_link_to_data_ends_and_cannot_be_changed() {
        let test_app = TestApp::new().await;
        test_app.get(EXPORT, "c1").await;
        make(&test_app, "c1").await;
        let link = link(&test_app.get(EXPORT, "c1").await.json());
        let not_there = (404, "attachment_not_found".to_owned());
        let later = link.replace("expires=", "expires=9");
        for forged in
            [later, link.replace("signature=", "signature=A"), link.replace("/archive", "/full")]
        {
            assert_eq!(test_app.get(&forged, "").await.status, 404, "{forged}");
        }
        let (path, _) = link.split_once('?').expect("it is signed");
        assert_eq!(test_app.get(path, "c1").await.failure(), not_there, "a token is no link");
        test_app.clock.advance_millis(86_400_000);
        assert_eq!(test_app.get(&link, "").await.failure(), (410, "link_expired".to_owned()));
    }

    #[actix_web::test]
    async fn nobody_gets_the_data_of_others() {
        let test_app = TestApp::new().await;
        test_app.get(EXPORT, "c1").await;
        make(&test_app, "c1").await;
        let other = test_app.get(EXPORT, "c2").await;
        assert_eq!(other.status, 202, "one's own, which are not there yet");
        assert_eq!(test_app.get(EXPORT, "").await.status, 401);
    }

    #[actix_web::test]
    async fn who_asks_for_the_headers_only_begins_nothing() {
        let test_app = TestApp::new().await;
        assert_eq!(test_app.head(EXPORT, "c1").await.status, 202);
        assert_eq!(test_app.store.export(&user("c1")).await.expect("the store works"), None);
        test_app.get(EXPORT, "c1").await;
        make(&test_app, "c1").await;
        assert_eq!(test_app.head(EXPORT, "c1").await.status, 200);
    }

    #[actix_web::test]
    async fn another_archive_is_made_when_the_time_of_the_last_one_is_over() {
        let test_app = TestApp::new().await;
        test_app.get(EXPORT, "c1").await;
        make(&test_app, "c1").await;
        let first = test_app.get(EXPORT, "c1").await.json();
        test_app.clock.advance_millis(86_400_000 - 1_000);
        let same = test_app.get(EXPORT, "c1").await.json();
        assert_eq!(
            (&same["requestedAt"], &same["expiresAt"]),
            (&first["requestedAt"], &first["expiresAt"])
        );
        test_app.clock.advance_millis(1_000);
        let another = test_app.get(EXPORT, "c1").await;
        assert_eq!((another.status.as_u16(), &another.json()["state"]), (202, &"preparing".into()));
        assert_ne!(another.json()["requestedAt"], first["requestedAt"]);
    }

    #[actix_web::test]
    async fn who_is_being_forgotten_gets_nothing_any_more() {
        let test_app = TestApp::new().await;
        test_app.get(EXPORT, "c1").await;
        make(&test_app, "c1").await;
        let link = link(&test_app.get(EXPORT, "c1").await.json());
        let key =
            test_app.store.export(&user("c1")).await.expect("it works").expect("it is there").key;
        let now = test_app.clock.now();
        test_app.store.request_erasure(&user("c1"), now).await.expect("the store works");
        let erased = (410, "participant_erased".to_owned());
        assert_eq!(test_app.get(EXPORT, "c1").await.failure(), erased);
        assert_eq!(test_app.head(EXPORT, "c1").await.status, 410);
        // Deleted by a job that came with the wish to be forgotten.
        test_app.files.delete(&key).await.expect("it works");
        assert_eq!(
            test_app.get(&link, "").await.failure(),
            (404, "attachment_not_found".to_owned())
        );
    }
}
