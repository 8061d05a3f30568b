use actix_web::{
    Error, HttpMessage as _,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method,
        header::{self, HeaderValue},
    },
    middleware::Next,
};

use super::{
    Context,
    answer::{Shape, answer, foreign},
    head, path,
    request_id::{RequestId, X_REQUEST_ID},
};
use crate::failure::Failure;

/// The outermost layer: names the request, reads its path as routes are to see it, gives failures the shape the caller asked for, adds the
/// headers that every answer has, and leaves out the content when only the head is wanted.
pub(crate) async fn edge(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let context = Context::of(request.request())?;
    let id = RequestId::of(request.headers(), &*context.ids);
    let shape = Shape::wanted(request.headers());
    let is_head = request.method() == Method::HEAD;
    request.extensions_mut().insert(id.clone());
    path::ignore_last_slash(&mut request);

    let response = next.call(request).await.map_err(|error| Error::from(failure_of(&error)))?;
    let mut response = shaped(response, shape);
    let headers = response.headers_mut();
    headers.insert(X_REQUEST_ID, id.header());
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    Ok(if is_head { head::without_content(response) } else { response })
}

/// The failure behind an error of any kind.
pub(super) fn failure_of(error: &Error) -> Failure {
    error.as_error::<Failure>().cloned().unwrap_or_else(|| foreign(error))
}

fn shaped(
    response: ServiceResponse<impl MessageBody + 'static>,
    shape: Shape,
) -> ServiceResponse<BoxBody> {
    let Some(error) = response.response().error() else {
        return response.map_into_boxed_body();
    };
    let fresh = answer(&failure_of(error), shape);
    let mut response = response.map_into_boxed_body();
    // What inner layers added, such as CORS, stays.
    for (name, value) in fresh.headers() {
        response.headers_mut().insert(name.clone(), value.clone());
    }
    *response.response_mut().status_mut() = fresh.status();
    response.map_body(|_, _| fresh.into_body())
}

#[cfg(test)]
mod tests;
