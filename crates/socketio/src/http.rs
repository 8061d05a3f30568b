//! The door: which requests open a session, and what the others are told.

mod rejection;

use std::{net::IpAddr, sync::Arc};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, header},
    rt, web,
};

use crate::{
    engine::{open_text, websocket},
    frame::Frame,
    link::Link,
    namespace::Headers,
    server::{Registration, Shared, TableError},
    session::{Client, Session},
    sid::EngineId,
};

pub use rejection::Rejection;

/// Answers one request: with a WebSocket, or with what is wrong.
pub(crate) async fn open(
    server: Arc<Shared>,
    request: HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    match try_open(&server, &request, payload).await {
        Ok(response) => response,
        Err(rejection) => rejection.response(),
    }
}

async fn try_open(
    server: &Arc<Shared>,
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Rejection> {
    check(server, request)?;
    let (id, link, registration) = register(server)?;
    let opening = open_text(&id, &server.config).map_err(|_| Rejection::unavailable())?;
    if link.answer(Frame::of_text("/".into(), opening, Vec::new())).is_err() {
        return Err(Rejection::unavailable());
    }
    let (response, inlet, outlet) =
        websocket::accept(request, payload, server.config.max_payload_bytes)
            .await
            .map_err(|_| Rejection::bad_request())?;
    let client = Client {
        remote: request.peer_addr().map(|address| address.ip()).map(canonical),
        headers: Headers::pack(request.headers()),
    };
    let session = Session::new(Arc::clone(server), link, client);
    rt::spawn(async move {
        session.run(inlet, outlet).await;
        drop(registration);
    });
    Ok(response)
}

/// The checks every request must pass, in the order clients know.
fn check(server: &Shared, request: &HttpRequest) -> Result<(), Rejection> {
    let query = Query::of(request);
    if query.transport.as_deref() != Some("websocket") {
        return Err(Rejection::unknown_transport());
    }
    if let Some(id) = query.sid {
        // A session that exists is on a WebSocket already, and wants no second one.
        return Err(if server.table.contains(&id) {
            Rejection::bad_request()
        } else {
            Rejection::unknown_session()
        });
    }
    if request.method() != Method::GET {
        return Err(Rejection::bad_method());
    }
    if !wants_websocket(request) {
        return Err(Rejection::bad_request());
    }
    server.admit(request)?;
    if query.version.as_deref() != Some("4") {
        return Err(Rejection::unsupported_version());
    }
    Ok(())
}

/// Registers a session before anything is answered, so that no request can come too early for it.
fn register(server: &Arc<Shared>) -> Result<(EngineId, Arc<Link>, Registration), Rejection> {
    let id = EngineId::random().map_err(|error| {
        tracing::error!(%error, "the system gives no random bytes; a handshake was refused");
        Rejection::unavailable()
    })?;
    let link = Arc::new(Link::new(&server.config));
    match server.table.register(id.clone(), Arc::clone(&link)) {
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

fn wants_websocket(request: &HttpRequest) -> bool {
    request
        .headers()
        .get(header::UPGRADE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.eq_ignore_ascii_case("websocket"))
}

/// An IPv4 address that arrived on an IPv6 socket is still that address.
fn canonical(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

/// The parameters that mean something. Others are ignored.
#[derive(Debug, Default)]
struct Query {
    version: Option<String>,
    transport: Option<String>,
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
                "transport" => query.transport = Some(value),
                "sid" => query.sid = Some(value),
                _ => {}
            }
        }
        query
    }
}
