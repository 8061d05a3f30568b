//! Lets an address ask for only so much, before anybody knows who is asking. What one person may
//! ask for is counted where they are known, in [`Caller`](super::caller::Caller).

use std::net::IpAddr;

use actix_web::{
    Error,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    middleware::Next,
    web::Data,
};

use super::Context;
use crate::{
    failure::Failure,
    limits::{Limits, RetryAfter},
};

/// Counts what people ask for.
pub(super) async fn throttle(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    limited(request, next, Limits::allow_request_from).await
}

/// Counts what programs tell, apart: a bulk of reports must not keep people waiting, nor people a
/// report.
pub(super) async fn throttle_programs(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    limited(request, next, Limits::allow_internal_request_from).await
}

async fn limited(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
    allow: fn(&Limits, IpAddr) -> Result<(), RetryAfter>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if let Some(context) = request.app_data::<Data<Context>>() {
        let address = context.limits.address_of(request.head());
        if let Err(wait) = allow(&context.limits, address) {
            return Ok(request.error_response(Failure::from(wait)));
        }
    }
    Ok(next.call(request).await?.map_into_boxed_body())
}
