//! Who may open a socket at all, before anybody says who they are.

use actix_web::{HttpRequest, http::StatusCode};
use socketio::Rejection;

use super::connection_limiter::{ConnectionLimiter, ConnectionPermit, LimitReached};
use crate::{limits::Limits, origins::Origins};

/// Lets a request through, or says why not. The socket it opens counts until it is gone.
///
/// # Errors
/// 400 for a page of a foreign origin, as front ends know it: browsers do not ask before they open
/// a WebSocket, so it has to be turned away here. 429 for an address that opens too many, or has too
/// many that do not say whose they are. 503 when there is no room for anybody.
pub(super) fn admit(
    request: &HttpRequest,
    origins: &Origins,
    limits: &Limits,
    connection_limiter: &ConnectionLimiter,
) -> Result<ConnectionPermit, Rejection> {
    if !origins.admit(request.head()) {
        return Err(Rejection::new(StatusCode::BAD_REQUEST, "Bad request"));
    }
    let address = limits.address_of(request.head());
    if limits.allow_connect(address).is_err() {
        return Err(too_many());
    }
    connection_limiter.open(address).map_err(|full| match full {
        LimitReached::Here => too_many(),
        LimitReached::Everywhere => {
            tracing::warn!("there is no room for another socket");
            Rejection::new(StatusCode::SERVICE_UNAVAILABLE, "Service unavailable")
        }
    })
}

fn too_many() -> Rejection {
    Rejection::new(StatusCode::TOO_MANY_REQUESTS, "Too many connections")
}
