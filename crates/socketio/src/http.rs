//! The door: which requests open a session, which belong to one, and what the others are told.

use std::{borrow::Cow, net::IpAddr, sync::Arc};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        Method, StatusCode,
        header::{self, HeaderMap},
    },
    rt,
    web::{self, Bytes, BytesMut, Payload},
};
use bytestring::ByteString;
use futures_util::StreamExt as _;
use serde::Serialize;

use crate::{
    config::Transports,
    engine::{Polling, PollingHandle, open_text, websocket},
    frame::Frame,
    mailbox::SessionHandle,
    namespace::Headers,
    server::{Permit, Registration, SessionEntry, Shared, TableError},
    session::{self, Client, Session},
    sid::EngineId,
};

/// Answers one request: with packets, with a WebSocket, or with what is wrong.
pub(crate) async fn serve(
    server: Arc<Shared>,
    request: HttpRequest,
    payload: Payload,
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
    payload: Payload,
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
                    poll(server, &door, request, payload).await
                }
                Transport::WebSocket => upgrade(server, seat.door, request, payload).await,
            }
        }
        None => open(server, &query, transport, request, payload).await,
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

// The body of a request, within its bound.

/// Reads it all, whatever its type is said to be.
async fn read(mut payload: Payload, max_bytes: usize) -> Result<Bytes, Rejection> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| Rejection::bad_request())?;
        if body.len().saturating_add(chunk.len()) > max_bytes {
            return Err(Rejection::new(StatusCode::PAYLOAD_TOO_LARGE, "Payload too large"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

// Requests of a session there is.

/// A polling request. Whatever its session does not answer was one too many, or too late.
async fn poll(
    server: &Shared,
    door: &Arc<PollingHandle>,
    request: &HttpRequest,
    payload: Payload,
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
    payload: Payload,
) -> Result<HttpResponse, Rejection> {
    let claim = door.claim_post().filter(|_| !is_raw(request.headers()));
    let Some(claim) = claim else {
        door.misuse().await;
        return Err(Rejection::bad_request());
    };
    let body = tokio::select! {
        body = read(payload, server.config.max_payload_bytes) => body?,
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
async fn upgrade(
    server: &Shared,
    door: Option<Arc<PollingHandle>>,
    request: &HttpRequest,
    payload: Payload,
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

// Requests that open a session.

async fn open(
    server: &Arc<Shared>,
    query: &Query,
    transport: Transport,
    request: &HttpRequest,
    payload: Payload,
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
    payload: Payload,
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

// The query of a request.

/// A transport by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Transport {
    Polling,
    WebSocket,
}

/// The parameters that mean something. Others are ignored.
#[derive(Debug, Default)]
struct Query {
    version: Option<String>,
    transport: Option<Transport>,
    sid: Option<String>,
}

impl Query {
    fn of(request: &HttpRequest) -> Self {
        let mut query = Self::default();
        let Ok(pairs) = web::Query::<Vec<(String, String)>>::from_query(request.query_string())
        else {
            return query;
        };
        for (name, value) in pairs.into_inner() {
            match name.as_str() {
                "EIO" => query.version = Some(value),
                "transport" => query.transport = transport(&value),
                "sid" => query.sid = Some(value),
                _ => {}
            }
        }
        query
    }
}

fn transport(name: &str) -> Option<Transport> {
    match name {
        "polling" => Some(Transport::Polling),
        "websocket" => Some(Transport::WebSocket),
        _ => None,
    }
}

// What a request that opens no session is told.

/// A request turned away: an HTTP status, and the protocol's own error body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    status: StatusCode,
    code: u8,
    message: Cow<'static, str>,
}

impl Rejection {
    /// Turned away by the application, in the protocol's words.
    pub fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN, "Forbidden")
    }

    /// Turned away by the application, in its own words. The protocol's code is 4, "forbidden",
    /// for status 403, and 3, "bad request", for any other.
    pub fn new(status: StatusCode, message: impl Into<Cow<'static, str>>) -> Self {
        let code = if status == StatusCode::FORBIDDEN { 4 } else { 3 };
        Self { status, code, message: message.into() }
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn unknown_transport() -> Self {
        Self::fault(0, "Transport unknown")
    }

    pub(crate) fn unknown_session() -> Self {
        Self::fault(1, "Session ID unknown")
    }

    pub(crate) fn bad_method() -> Self {
        Self::fault(2, "Bad handshake method")
    }

    pub(crate) fn bad_request() -> Self {
        Self::fault(3, "Bad request")
    }

    pub(crate) fn unsupported_version() -> Self {
        Self::fault(5, "Unsupported protocol version")
    }

    /// The server is full, stopping, or out of order.
    pub(crate) fn unavailable() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "Service unavailable")
    }

    /// The answer. The connection closes with it, for a client that wanted a WebSocket has no use
    /// for it.
    pub(crate) fn response(&self) -> HttpResponse {
        #[derive(Serialize)]
        struct Body<'a> {
            code: u8,
            message: &'a str,
        }
        HttpResponse::build(self.status)
            .force_close()
            .json(Body { code: self.code, message: &self.message })
    }

    fn fault(code: u8, message: &'static str) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code, message: message.into() }
    }
}
