use actix_web::{
    Error, HttpMessage as _,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
};
use tracing::{Span, field::Empty};
use tracing_actix_web::RootSpanBuilder;

use super::{edge::failure_of, request_id::RequestId};

/// One span for each request: its method, its route (never its path, which names people's
/// things), its id and how it ended. No address, no user agent.
#[derive(Debug)]
pub(crate) struct RequestSpan;

impl RootSpanBuilder for RequestSpan {
    fn on_request_start(request: &ServiceRequest) -> Span {
        let id = request.extensions().get::<RequestId>().cloned();
        tracing::info_span!(
            "http.request",
            http.method = method(request),
            http.route = Empty,
            http.status = Empty,
            request.id = id.as_ref().map(RequestId::as_str),
        )
    }

    /// Failures are logged here, once, while the span still says what they belong to.
    fn on_request_end<B: MessageBody>(span: Span, outcome: &Result<ServiceResponse<B>, Error>) {
        match outcome {
            Ok(response) => {
                span.record("http.route", response.request().match_pattern());
                span.record("http.status", response.status().as_u16());
                if let Some(error) = response.response().error() {
                    failure_of(error).log();
                }
            }
            Err(error) => failure_of(error).log(),
        }
        tracing::debug!("request answered");
    }
}

/// Methods are free text on the wire; logs get those that exist.
fn method(request: &ServiceRequest) -> &'static str {
    match request.method().as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "PATCH" => "PATCH",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        "HEAD" => "HEAD",
        _ => "other",
    }
}
