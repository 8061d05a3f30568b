//! The HTTP endpoint: opens sessions, routes requests to their sessions, rejects the others.

use std::{
    borrow::Cow,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    net::IpAddr,
    sync::Arc,
};

use actix_web::{
    HttpMessage as _, HttpRequest, HttpResponse,
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
    engine::{Polling, PollingHandle, open_text},
    frame::Frame,
    mailbox::SessionHandle,
    namespace::Permit,
    server::{RegisterError, Registration, SessionEntry, Shared},
    session::{self, Client, Session},
    sid::EngineId,
};

/// Extension of a polling request whose session is connected to a namespace, for the server that holds its connection.
#[derive(Clone, Copy, Debug)]
pub struct Connected;

/// Answers one request: with packets, with a WebSocket, or with an error.
pub(crate) async fn serve(
    server: Arc<Shared>,
    request: HttpRequest,
    payload: Payload,
) -> HttpResponse {
    // CORS headers are left to a middleware of the application.
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

/// The order of the checks is that of the Node.js server.
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
            let entry = server.table.find(id).ok_or_else(Rejection::unknown_session)?;
            if entry.origin.as_ref().is_some_and(|origin| *origin != origin_of(request)) {
                return Err(Rejection::bad_request());
            }
            match transport {
                Transport::Polling => {
                    // A session opened by WebSocket cannot be polled.
                    let polling = entry.polling.ok_or_else(Rejection::bad_request)?;
                    if polling.max_body_bytes() > server.first_message_bytes() {
                        request.extensions_mut().insert(Connected);
                    }
                    serve_poll(&polling, request, payload).await
                }
                Transport::WebSocket => upgrade(server, entry.polling, request, payload).await,
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

/// What an entry of the session table keeps of the `Origin` of the request that opened a session: a digest, as long for any
/// origin. `None` if there was none: a browser leaves it out for `GET` requests of a page on the same host, and sends it with
/// the others, so then the application has to judge them.
fn opening_origin(request: &HttpRequest) -> Option<u64> {
    request.headers().contains_key(header::ORIGIN).then(|| origin_of(request))
}

/// A digest of all lines of `Origin`.
fn origin_of(request: &HttpRequest) -> u64 {
    let mut digest = DefaultHasher::new();
    for line in request.headers().get_all(header::ORIGIN) {
        line.as_bytes().hash(&mut digest);
    }
    digest.finish()
}

fn wants_websocket(request: &HttpRequest) -> bool {
    request
        .headers()
        .get(header::UPGRADE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.eq_ignore_ascii_case("websocket"))
}

/// A response that carries packets.
fn packets(body: String) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/plain; charset=UTF-8"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(body)
}

// Request bodies.

/// Reads a body of at most `max_bytes`, whatever its content type.
async fn read_body(mut payload: Payload, max_bytes: usize) -> Result<Bytes, Rejection> {
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

// Requests of an existing session.

/// Serves a polling request. It is rejected if its session refuses it or has ended.
async fn serve_poll(
    polling: &Arc<PollingHandle>,
    request: &HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Rejection> {
    match *request.method() {
        Method::GET => polling.get().await.map(packets).ok_or_else(Rejection::bad_request),
        Method::POST => serve_post(polling, request, payload).await,
        _ => Ok(HttpResponse::new(StatusCode::BAD_REQUEST)),
    }
}

async fn serve_post(
    polling: &Arc<PollingHandle>,
    request: &HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Rejection> {
    let guard = polling.try_acquire_post().filter(|_| !is_octet_stream(request.headers()));
    let Some(guard) = guard else {
        polling.protocol_violation().await;
        return Err(Rejection::bad_request());
    };
    let body = tokio::select! {
        body = read_body(payload, polling.max_body_bytes()) => body?,
        () = polling.closed() => return Err(Rejection::bad_request()),
    };
    let Ok(body) = ByteString::try_from(body) else {
        polling.protocol_violation().await;
        return Err(Rejection::bad_request());
    };
    let is_accepted = polling.post(body).await;
    drop(guard);
    if !is_accepted {
        return Err(Rejection::bad_request());
    }
    Ok(HttpResponse::Ok().insert_header((header::CONTENT_TYPE, "text/html")).body("ok"))
}

/// Serves an upgrade from polling to WebSocket, one at a time per session. A concurrent one, or one
/// for a session that already uses a WebSocket (`polling` is then `None`, or closed), is accepted and
/// then closed, as by the Node.js server: Node.js clients treat a refused handshake as a program
/// error. It does not affect the session.
async fn upgrade(
    server: &Shared,
    polling: Option<Arc<PollingHandle>>,
    request: &HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Rejection> {
    if request.method() != Method::GET || !wants_websocket(request) {
        return Err(Rejection::bad_request());
    }
    let max_bytes = polling.as_ref().map(|polling| polling.max_body_bytes()).unwrap_or_default();
    let acquired = polling.and_then(|polling| Some((polling.try_acquire_upgrade()?, polling)));
    let (response, socket) =
        server.accept(request, payload, max_bytes).await.map_err(|_| Rejection::bad_request())?;
    let Some((guard, polling)) = acquired else {
        socket.reject();
        return Ok(response);
    };
    let timeout_ms = server.config.upgrade_timeout_ms;
    rt::spawn(async move {
        session::upgrade(polling, socket, timeout_ms).await;
        drop(guard);
    });
    Ok(response)
}

/// Whether the body is declared as binary; protocol 4 allows only text.
fn is_octet_stream(headers: &HeaderMap) -> bool {
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
    let permit = server.check_admission(request)?;
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
    let (polling_handle, requests) = PollingHandle::new(server.first_message_bytes());
    let polling = Polling::new(requests, &polling_handle, &server.config);
    let client = client(request, &permit);
    let (id, handle, registration) =
        register(server, Some(polling_handle), opening_origin(request), permit)?;
    let open_packet = open_packet(&id, &["websocket"], server)?;
    let session = Session::new(Arc::clone(server), handle, registration, client);
    rt::spawn(session.run(polling));
    Ok(packets(open_packet))
}

async fn open_websocket(
    server: &Arc<Shared>,
    request: &HttpRequest,
    payload: Payload,
    permit: Permit,
) -> Result<HttpResponse, Rejection> {
    let client = client(request, &permit);
    let (id, handle, registration) = register(server, None, opening_origin(request), permit)?;
    let open_packet = open_packet(&id, &[], server)?;
    if handle.post_control(Frame::of_text("/".into(), open_packet, Vec::new())).is_err() {
        return Err(Rejection::unavailable());
    }
    let max_bytes = server.first_message_bytes();
    let (response, socket) =
        server.accept(request, payload, max_bytes).await.map_err(|_| Rejection::bad_request())?;
    let session = Session::new(Arc::clone(server), handle, registration, client);
    rt::spawn(session.run(socket));
    Ok(response)
}

/// Registers a session before its OPEN packet is sent, so that no request can come too early.
fn register(
    server: &Arc<Shared>,
    polling: Option<Arc<PollingHandle>>,
    origin: Option<u64>,
    permit: Permit,
) -> Result<(EngineId, Arc<SessionHandle>, Registration), Rejection> {
    let id = EngineId::random().map_err(|error| {
        tracing::error!(%error, "cannot get random bytes from the system; a handshake was refused");
        Rejection::unavailable()
    })?;
    let handle = Arc::new(SessionHandle::new(&server.config));
    match server.table.register(
        id.clone(),
        SessionEntry { handle: Arc::clone(&handle), polling, origin },
        permit,
    ) {
        Ok(registration) => Ok((id, handle, registration)),
        Err(reason) => {
            if reason == RegisterError::Full {
                tracing::warn!(
                    by_client = true,
                    sessions.max = server.config.sessions_max,
                    "the maximum number of sessions is reached; a handshake was refused"
                );
            }
            Err(Rejection::unavailable())
        }
    }
}

fn open_packet(id: &EngineId, upgrades: &[&str], server: &Shared) -> Result<String, Rejection> {
    open_text(id, upgrades, &server.config).map_err(|_| Rejection::unavailable())
}

fn client(request: &HttpRequest, permit: &Permit) -> Client {
    let remote = request.peer_addr().map(|address| canonical(address.ip()));
    Client { remote, permit: Arc::clone(permit) }
}

/// Converts an IPv4-mapped IPv6 address to IPv4.
fn canonical(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

// The query string.

/// The requested transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Transport {
    Polling,
    WebSocket,
}

/// The known query parameters. Others are ignored.
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

// Rejected requests.

/// A rejected request: an HTTP status, and the error body defined by the protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    status: StatusCode,
    code: u8,
    message: Cow<'static, str>,
}

impl Rejection {
    /// Rejected by the application with the protocol's standard message.
    pub fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN, "Forbidden")
    }

    /// Rejected by the application with its own message. The protocol's error code is 4
    /// ("forbidden") for status 403, and 3 ("bad request") for any other.
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

    /// The server is full, stopping, or failing.
    pub(crate) fn unavailable() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "Service unavailable")
    }

    /// The HTTP response. Closes the connection, since a client that wanted a WebSocket has no
    /// further use for it.
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
