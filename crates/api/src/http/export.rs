//! Export of a person's data: requesting it and downloading it.

use actix_web::{
    HttpRequest, HttpResponse,
    body::SizedStream,
    http::{Method, header},
    web::{Data, Query},
};
use domain::conversation::attachment::ObjectKey;
use serde::Deserialize;

use super::{context::Context, extract::Caller, files::byte_stream};
use crate::{dto, error::Failure, links::BadLink, texts};

/// Requests an export of the caller's data. The first request starts the export; a repeated one returns
/// a link to the archive with `data.json`, `index.html` and the caller's pictures. The archive is
/// available for a day; no new export is made until then.
#[utoipa::path(
    get, path = "/messaging/me/export", tag = "export", operation_id = "exportMyData",
    responses(
        (status = 200, description = "The archive is ready", body = dto::Export),
        (status = 202, description = "The export is in progress: ask again in a minute", body = dto::Export),
    ),
)]
#[tracing::instrument(name = "http.export.request", skip_all)]
pub(crate) async fn request(
    Caller(caller): Caller,
    request: HttpRequest,
    context: Data<Context>,
) -> Result<HttpResponse, Failure> {
    // `HEAD` must not start an export.
    let export = if request.method() == Method::HEAD {
        context.services.privacy.peek_export(&caller.user).await?
    } else {
        context.services.privacy.request_export(&caller.user).await?
    };
    let export = export.ok_or_else(|| Failure::erased(vec![texts::PARTICIPANT_ERASED]))?;
    let export = dto::Export::new(&export, &context.links);
    if export.url.is_some() {
        return Ok(HttpResponse::Ok().json(export));
    }
    (context.job_notifier)();
    Ok(HttpResponse::Accepted().json(export))
}

/// Expiry and signature of a link.
#[derive(Deserialize)]
pub(crate) struct Signed {
    expires: u64,
    signature: String,
}

/// Downloads an export. The signed link is the authorisation.
#[utoipa::path(
    get, path = "/messaging/exports/{id}/archive", tag = "export", operation_id = "fetchExport",
    params(
        ("id" = String, Path, max_length = 64, description = "Archive id."),
        ("expires" = u64, Query, description = "When the link expires, in seconds since 1970."),
        ("signature" = String, Query, description = "Signature of the link."),
    ),
    responses((status = 200, description = "The archive", content_type = "application/zip")),
    security(()),
)]
#[tracing::instrument(name = "http.export.fetch", skip_all)]
pub(crate) async fn fetch(
    request: HttpRequest,
    context: Data<Context>,
) -> Result<HttpResponse, Failure> {
    let not_found = Failure::attachment_not_found;
    let id = request.match_info().get("id").ok_or_else(not_found)?;
    let key = ObjectKey::parse(&format!("{id}/archive")).map_err(|_| not_found())?;
    let signed = Query::<Signed>::from_query(request.query_string()).map_err(|_| not_found())?;
    let checked = context.links.check_archive(&key, signed.expires, &signed.signature);
    checked.map_err(|bad| match bad {
        BadLink::Forged => not_found(),
        BadLink::Expired => Failure::link_expired(),
    })?;
    if !context.services.privacy.has_archive(&key).await? {
        return Err(not_found());
    }
    let bytes = context.files.read(&key).await.map_err(Failure::unavailable)?;
    let bytes = bytes.ok_or_else(not_found)?;
    Ok(HttpResponse::Ok()
        .content_type("application/zip")
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .insert_header((header::CONTENT_DISPOSITION, "attachment; filename=\"messagerie.zip\""))
        .body(SizedStream::new(bytes.size_bytes, byte_stream(bytes.chunks))))
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

    /// Does what the export job does.
    async fn finish_export(test_app: &TestApp, who: &str) {
        let export = test_app.store.export(&user(who)).await.expect("the store works");
        let key = export.expect("it was asked for").key;
        let size =
            test_app.files.write(&key, &mut Pieces::of(b"PK zip")).await.expect("there is room");
        let ready = ReadyExport::new(size, test_app.clock.now());
        assert!(test_app.store.finish_export(&user(who), &key, &ready).await.expect("it works"));
    }

    fn link(export: &Value) -> String {
        export["url"].as_str().expect("a link").to_owned()
    }

    #[actix_web::test]
    async fn an_export_is_requested_once_and_downloaded_by_a_link() {
        let test_app = TestApp::new().await;
        let notified = test_app.job_notifications();
        for _ in 0..2 {
            let asked = test_app.get(EXPORT, "c1").await;
            assert_eq!((asked.status.as_u16(), &asked.json()["state"]), (202, &"preparing".into()));
        }
        assert!(test_app.job_notifications() > notified, "the job workers were notified");
        finish_export(&test_app, "c1").await;
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
        finish_export(&test_app, "c1").await;
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
        finish_export(&test_app, "c1").await;
        let other = test_app.get(EXPORT, "c2").await;
        assert_eq!(other.status, 202, "one's own, which are not there yet");
        assert_eq!(test_app.get(EXPORT, "").await.status, 401);
    }

    #[actix_web::test]
    async fn a_head_request_starts_no_export() {
        let test_app = TestApp::new().await;
        assert_eq!(test_app.head(EXPORT, "c1").await.status, 202);
        assert_eq!(test_app.store.export(&user("c1")).await.expect("the store works"), None);
        test_app.get(EXPORT, "c1").await;
        finish_export(&test_app, "c1").await;
        assert_eq!(test_app.head(EXPORT, "c1").await.status, 200);
    }

    #[actix_web::test]
    async fn another_archive_is_made_when_the_time_of_the_last_one_is_over() {
        let test_app = TestApp::new().await;
        test_app.get(EXPORT, "c1").await;
        finish_export(&test_app, "c1").await;
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
    async fn an_erased_person_gets_no_export() {
        let test_app = TestApp::new().await;
        test_app.get(EXPORT, "c1").await;
        finish_export(&test_app, "c1").await;
        let link = link(&test_app.get(EXPORT, "c1").await.json());
        let key =
            test_app.store.export(&user("c1")).await.expect("it works").expect("it is there").key;
        let now = test_app.clock.now();
        test_app.store.request_erasure(&user("c1"), now).await.expect("the store works");
        let erased = (410, "participant_erased".to_owned());
        assert_eq!(test_app.get(EXPORT, "c1").await.failure(), erased);
        assert_eq!(test_app.head(EXPORT, "c1").await.status, 410);
        // The erasure job deletes it.
        test_app.files.delete(&key).await.expect("it works");
        assert_eq!(
            test_app.get(&link, "").await.failure(),
            (404, "attachment_not_found".to_owned())
        );
    }
}
