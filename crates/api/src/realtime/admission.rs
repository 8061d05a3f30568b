//! Who may open a socket at all, before anybody says who they are.

use actix_web::{
    HttpRequest,
    http::{StatusCode, header::ORIGIN},
};
use socketio::Rejection;

use crate::{limits::Limits, origins::Origins};

/// Lets a request through, or says why not.
///
/// # Errors
/// 400 for a page of a foreign origin, as front ends know it: browsers do not ask before they open
/// a WebSocket, so it has to be turned away here. 429 for an address that opens too many.
pub(super) fn admit(
    request: &HttpRequest,
    origins: &Origins,
    limits: &Limits,
) -> Result<(), Rejection> {
    if let Some(origin) = request.headers().get(ORIGIN) {
        let allowed = origin.to_str().is_ok_and(|origin| origins.allows(origin));
        if !allowed {
            return Err(Rejection::new(StatusCode::BAD_REQUEST, "Bad request"));
        }
    }
    if limits.allow_connect(limits.address_of(request.head())).is_err() {
        return Err(Rejection::new(StatusCode::TOO_MANY_REQUESTS, "Too many connections"));
    }
    Ok(())
}
