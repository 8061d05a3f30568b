//! Requests that open a session.

use std::{net::IpAddr, sync::Arc};

use actix_web::{HttpRequest, HttpResponse, http::Method, rt, web};

use super::{
    Rejection, packets,
    query::{Query, Transport},
    wants_websocket,
};
use crate::{
    engine::{Polling, PollingHandle, open_text, websocket},
    frame::Frame,
    link::SessionHandle,
    namespace::Headers,
    server::{Permit, Registration, SessionEntry, Shared, TableError},
    session::{Client, Session},
    sid::EngineId,
};

pub(super) async fn open(
    server: &Arc<Shared>,
    query: &Query,
    transport: Transport,
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Rejection> {
    if request.method() != Method::GET {
        return Err(Rejection::bad_method());
    }
    if transport == Transport::WebSocket && !wants_websocket(request) {
        return Err(Rejection::bad_request());
    }
    let permit = server.admit(request)?;
    if query.version.as_deref() != Some("4") {
        return Err(Rejection::unsupported_version());
    }
    match transport {
        Transport::Polling => open_polling(server, request, permit),
        Transport::WebSocket => open_websocket(server, request, payload, permit).await,
    }
}

fn open_polling(
    server: &Arc<Shared>,
    request: &HttpRequest,
    permit: Permit,
) -> Result<HttpResponse, Rejection> {
    let (door, requests) = PollingHandle::new();
    let (id, link, registration) = register(server, Some(door), permit)?;
    let opening = opening(&id, &["websocket"], server)?;
    let session = Session::new(Arc::clone(server), link, registration, client(request));
    rt::spawn(session.run(Polling::new(requests, &server.config)));
    Ok(packets(opening))
}

async fn open_websocket(
    server: &Arc<Shared>,
    request: &HttpRequest,
    payload: web::Payload,
    permit: Permit,
) -> Result<HttpResponse, Rejection> {
    let (id, link, registration) = register(server, None, permit)?;
    let opening = opening(&id, &[], server)?;
    if link.answer(Frame::of_text("/".into(), opening, Vec::new())).is_err() {
        return Err(Rejection::unavailable());
    }
    let (response, socket) = websocket::accept(request, payload, &server.config)
        .await
        .map_err(|_| Rejection::bad_request())?;
    let session = Session::new(Arc::clone(server), link, registration, client(request));
    rt::spawn(session.run(socket));
    Ok(response)
}

/// Registers a session before anything is answered, so that no request can come too early for it.
fn register(
    server: &Arc<Shared>,
    door: Option<Arc<PollingHandle>>,
    permit: Permit,
) -> Result<(EngineId, Arc<SessionHandle>, Registration), Rejection> {
    let id = EngineId::random().map_err(|error| {
        tracing::error!(%error, "the system gives no random bytes; a handshake was refused");
        Rejection::unavailable()
    })?;
    let link = Arc::new(SessionHandle::new(&server.config));
    match server.table.register(id.clone(), SessionEntry { link: Arc::clone(&link), door }, permit)
    {
        Ok(registration) => Ok((id, link, registration)),
        Err(reason) => {
            if reason == TableError::Full {
                tracing::warn!(
                    sessions.max = server.config.sessions_max,
                    "there is no room for another session; a handshake was refused"
                );
            }
            Err(Rejection::unavailable())
        }
    }
}

fn opening(id: &EngineId, upgrades: &[&str], server: &Shared) -> Result<String, Rejection> {
    open_text(id, upgrades, &server.config).map_err(|_| Rejection::unavailable())
}

fn client(request: &HttpRequest) -> Client {
    Client {
        remote: request.peer_addr().map(|address| canonical(address.ip())),
        headers: Headers::pack(request.headers()),
    }
}

/// An IPv4 address that arrived on an IPv6 socket is still that address.
fn canonical(address: IpAddr) -> IpAddr {
    address.to_canonical()
}
