//! The door: which requests open a session, which belong to one, and what the others are told.

mod body;
mod known;
mod opening;
mod query;
mod rejection;

use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, header},
    web,
};

use crate::{config::Transports, server::Shared};

use query::{Query, Transport};
pub use rejection::Rejection;

/// Answers one request: with packets, with a WebSocket, or with what is wrong.
pub(crate) async fn serve(
    server: Arc<Shared>,
    request: HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    // Which pages may ask is for the application to say, in headers of its own.
    if request.method() == Method::OPTIONS {
        return HttpResponse::NoContent()
            .insert_header((header::ALLOW, "GET, POST, OPTIONS"))
            .finish();
    }
    match try_serve(&server, &request, payload).await {
        Ok(response) => response,
        Err(rejection) => rejection.response(),
    }
}

/// The checks come in the order clients know.
async fn try_serve(
    server: &Arc<Shared>,
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Rejection> {
    let query = Query::of(request);
    let transport = query
        .transport
        .filter(|transport| is_offered(*transport, server.config.transports))
        .ok_or_else(Rejection::unknown_transport)?;
    match &query.sid {
        Some(id) => {
            let seat = server.table.find(id).ok_or_else(Rejection::unknown_session)?;
            match transport {
                Transport::Polling => {
                    // A session that began on a WebSocket cannot be polled.
                    let door = seat.door.ok_or_else(Rejection::bad_request)?;
                    known::poll(server, &door, request, payload).await
                }
                Transport::WebSocket => known::upgrade(server, seat.door, request, payload).await,
            }
        }
        None => opening::open(server, &query, transport, request, payload).await,
    }
}

fn is_offered(transport: Transport, offer: Transports) -> bool {
    match offer {
        Transports::PollingAndWebSocket => true,
        Transports::WebSocketOnly => transport == Transport::WebSocket,
    }
}

fn wants_websocket(request: &HttpRequest) -> bool {
    request
        .headers()
        .get(header::UPGRADE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.eq_ignore_ascii_case("websocket"))
}

/// An answer made of packets.
fn packets(body: String) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/plain; charset=UTF-8"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(body)
}
