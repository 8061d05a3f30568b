//! Requests of a session there is.

use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        Method, StatusCode,
        header::{self, HeaderMap},
    },
    rt, web,
};
use bytestring::ByteString;

use super::{Rejection, body, packets, wants_websocket};
use crate::{
    engine::{PollingHandle, websocket},
    server::Shared,
    session,
};

/// A polling request. Whatever its session does not answer was one too many, or too late.
pub(super) async fn poll(
    server: &Shared,
    door: &Arc<PollingHandle>,
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Rejection> {
    match *request.method() {
        Method::GET => door.get().await.map(packets).ok_or_else(Rejection::bad_request),
        Method::POST => post(server, door, request, payload).await,
        _ => Ok(HttpResponse::new(StatusCode::BAD_REQUEST)),
    }
}

async fn post(
    server: &Shared,
    door: &Arc<PollingHandle>,
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Rejection> {
    let claim = door.claim_post().filter(|_| !is_raw(request.headers()));
    let Some(claim) = claim else {
        door.misuse().await;
        return Err(Rejection::bad_request());
    };
    let body = tokio::select! {
        body = body::read(payload, server.config.max_payload_bytes) => body?,
        () = door.closed() => return Err(Rejection::bad_request()),
    };
    let Ok(body) = ByteString::try_from(body) else {
        door.misuse().await;
        return Err(Rejection::bad_request());
    };
    let is_taken = door.post(body).await;
    drop(claim);
    if !is_taken {
        return Err(Rejection::bad_request());
    }
    Ok(HttpResponse::Ok().insert_header((header::CONTENT_TYPE, "text/html")).body("ok"))
}

/// A WebSocket that wants to take over from polling. There can be one. Another, or one for a session
/// that is on a WebSocket already (`door` is then `None`, or closed), is accepted and closed, as the
/// Node.js server does: clients in Node.js take a refused handshake for a fault of the program. It
/// disturbs nobody.
pub(super) async fn upgrade(
    server: &Shared,
    door: Option<Arc<PollingHandle>>,
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Rejection> {
    if request.method() != Method::GET || !wants_websocket(request) {
        return Err(Rejection::bad_request());
    }
    let claimed = door.and_then(|door| Some((door.claim_upgrade()?, door)));
    let (response, socket) = websocket::accept(request, payload, &server.config)
        .await
        .map_err(|_| Rejection::bad_request())?;
    let Some((claim, door)) = claimed else {
        socket.reject();
        return Ok(response);
    };
    let timeout_ms = server.config.upgrade_timeout_ms;
    rt::spawn(async move {
        session::upgrade(door, socket, timeout_ms).await;
        drop(claim);
    });
    Ok(response)
}

/// Protocol 4 posts text and nothing else.
fn is_raw(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.starts_with("application/octet-stream"))
}
