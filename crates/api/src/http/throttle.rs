use actix_web::{
    Error,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    middleware::Next,
    web::Data,
};

use super::Context;
use crate::failure::Failure;

/// Lets an address ask for only so much, whoever it may be. What one person may ask for is counted
/// where they are known, in [`Caller`](super::caller::Caller).
pub(super) async fn throttle(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if let Some(context) = request.app_data::<Data<Context>>() {
        let address = context.limits.address_of(request.head());
        if let Err(wait) = context.limits.allow_request_from(address) {
            return Ok(request.error_response(Failure::from(wait)));
        }
    }
    Ok(next.call(request).await?.map_into_boxed_body())
}
