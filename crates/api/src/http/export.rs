//! A person's data: asking for them, and fetching them.

#[cfg(test)]
mod tests;
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
        context.services.privacy.my_export(&caller.user).await?
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
