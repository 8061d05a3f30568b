//! Which pages may call from a browser. A page that may not is refused, and not only kept from
//! reading the answer: nothing happens on its behalf.

use actix_cors::Cors;
use actix_web::{
    Error,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method, StatusCode,
        header::{self, HeaderName},
    },
    middleware::Next,
    web::Data,
};

use super::{Context, request_id::X_REQUEST_ID};
use crate::{code::Code, failure::Failure, origins::Origins, texts};

/// How long a browser may remember the answer to a preflight, in seconds.
const PREFLIGHT_MAX_AGE_S: usize = 600;
/// The sender's key of a message, as a header.
pub(super) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The CORS headers for `origins`.
pub(super) fn allowed(origins: &Origins) -> Cors {
    let origins = origins.clone();
    Cors::default()
        .allowed_origin_fn(move |origin, request| origins.admit_origin(origin, request))
        .allowed_methods(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
        .allowed_headers([
            header::CONTENT_TYPE,
            header::AUTHORIZATION,
            header::ACCEPT,
            header::ACCEPT_LANGUAGE,
            IDEMPOTENCY_KEY,
            X_REQUEST_ID,
        ])
        .expose_headers([header::RETRY_AFTER, X_REQUEST_ID])
        .supports_credentials()
        .max_age(PREFLIGHT_MAX_AGE_S)
}

/// Refuses requests from foreign pages; those that name no page pass. Also answers a preflight
/// with 204, which the layer behind would answer with an empty 200.
pub(super) async fn gate(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let origins = request.app_data::<Data<Context>>().map(|context| &context.settings.origins);
    if !origins.is_some_and(|origins| origins.admit(request.head())) {
        let failure = Failure::new(Code::OriginNotAllowed, texts::ORIGIN_NOT_ALLOWED);
        return Ok(request.error_response(failure));
    }
    let is_options = request.method() == Method::OPTIONS;
    let mut response = next.call(request).await?.map_into_boxed_body();
    if is_options && response.status() == StatusCode::OK {
        *response.response_mut().status_mut() = StatusCode::NO_CONTENT;
    }
    Ok(response)
}

#[cfg(test)]
mod tests;
