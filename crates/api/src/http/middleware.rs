use std::{
    convert::Infallible,
    net::IpAddr,
    pin::Pin,
    task::{self, Poll},
};

use actix_cors::Cors;
use actix_web::{
    Error, HttpMessage as _, HttpRequest, HttpResponse, Route,
    body::{BodySize, BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    guard::{self, Guard as _},
    http::{
        Method, StatusCode,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
    middleware::Next,
    web::{self, Bytes, Data},
};
use domain::ports::Ids;
use tracing::{Span, field::Empty};
use tracing_actix_web::RootSpanBuilder;

use super::{
    context::Context,
    error_response::{Shape, error_response, foreign},
    extract,
};
use crate::{
    error::{Code, Failure},
    limits::{Limits, RetryAfter},
    origins::Origins,
    texts,
};

/// The outermost layer: assigns the request id, ignores a trailing slash, formats failures as the client
/// accepts them, adds the headers of every response, and drops the content for `HEAD`.
pub(crate) async fn normalise_response(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let context = Context::of(request.request())?;
    let id = RequestId::of(request.headers(), &*context.ids);
    let shape = Shape::wanted(request.headers());
    let is_head = request.method() == Method::HEAD;
    request.extensions_mut().insert(id.clone());
    extract::ignore_trailing_slash(&mut request);

    let response = next.call(request).await.map_err(|error| Error::from(failure_of(&error)))?;
    let mut response = shaped(response, shape);
    let headers = response.headers_mut();
    headers.insert(X_REQUEST_ID, id.header());
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    Ok(if is_head { without_content(response) } else { response })
}

/// Converts any error into a failure.
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
    let formatted = error_response(&failure_of(error), shape);
    let mut response = response.map_into_boxed_body();
    // Headers of inner layers, such as CORS, are kept.
    for (name, value) in formatted.headers() {
        response.headers_mut().insert(name.clone(), value.clone());
    }
    *response.response_mut().status_mut() = formatted.status();
    response.map_body(|_, _| formatted.into_body())
}

/// One span per request with method, route (never the path, which contains ids), request id and status.
/// No address, no user agent.
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

    /// Failures are logged here, once, within the span of their request.
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

/// HTTP methods are free text; only known ones are logged.
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

/// The request id, in requests and responses.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Maximum length of a client's request id, in characters.
const MAX_CHARS: usize = 64;

/// The id of a request in logs, here and in other services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestId(HeaderValue);

impl RequestId {
    /// The client's request id, if it is safe to log; else a new one.
    pub(crate) fn of(headers: &HeaderMap, ids: &dyn Ids) -> Self {
        let given = headers.get(X_REQUEST_ID).filter(|value| is_safe(value.as_bytes()));
        Self(given.cloned().unwrap_or_else(|| {
            let id = ids.next().hyphenated().to_string();
            HeaderValue::try_from(id).unwrap_or(HeaderValue::from_static("unknown"))
        }))
    }

    pub(crate) fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or("unknown")
    }

    pub(crate) fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

fn is_safe(id: &[u8]) -> bool {
    let is_safe = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    (1..=MAX_CHARS).contains(&id.len()) && id.iter().all(is_safe)
}

// Rate limits per client address, before authentication. Limits per person are applied in
// [`Caller`](extract::Caller).

/// Applies the limit of the public API.
pub(super) async fn throttle(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    rate_limited(request, next, Limits::allow_request_from).await
}

/// Applies the separate limit of the internal API and webhooks, so that bulk reports and people do not
/// delay each other.
pub(super) async fn throttle_programs(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    rate_limited(request, next, Limits::allow_internal_request_from).await
}

async fn rate_limited(
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

// CORS. A request of a foreign origin is refused, and not only kept from reading the response: nothing
// is executed on its behalf.

/// How long a browser may cache a preflight response, in seconds.
const PREFLIGHT_MAX_AGE_S: usize = 600;
/// The idempotency key of a message.
pub(super) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The CORS middleware for `origins`.
pub(super) fn cors(origins: &Origins) -> Cors {
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

/// Refuses requests of foreign origins; requests without `Origin` pass. Changes the status of a preflight
/// response from an empty 200, as the CORS middleware sends it, to 204.
pub(super) async fn check_origin(
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

/// Refuses requests of an existing Socket.IO session from foreign pages: who learned the id of a session must not poll it or
/// upgrade it from a page of their own. The answer is that of the Engine.IO protocol to a bad request. The Socket.IO server
/// also compares with the origin that opened the session.
pub(super) async fn check_origin_of_session(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let names_session = request.query_string().split('&').any(|pair| pair.starts_with("sid="));
    let origins = request.app_data::<Data<Context>>().map(|context| &context.settings.origins);
    let is_allowed = origins.is_some_and(|origins| origins.admit(request.head()));
    if names_session && !is_allowed && request.method() != Method::OPTIONS {
        let body = serde_json::json!({ "code": 3, "message": "Bad request" });
        return Ok(request.into_response(HttpResponse::BadRequest().json(body)));
    }
    Ok(next.call(request).await?.map_into_boxed_body())
}

// `HEAD`: the response of `GET` without the content (RFC 9110, section 9.3.2).

/// A route for `GET` and `HEAD`.
pub(super) fn get_or_head() -> Route {
    let head = guard::Head();
    web::route()
        .guard(guard::fn_guard(move |request| guard::Get().check(request) || head.check(request)))
}

/// Drops the content but keeps its length.
pub(super) fn without_content(response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    response.map_body(|_, body| BoxBody::new(SizeOnly(body.size())))
}

/// An empty body that reports the size of another one.
struct SizeOnly(BodySize);

impl MessageBody for SizeOnly {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        self.0
    }

    fn poll_next(
        self: Pin<&mut Self>,
        _: &mut task::Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        Poll::Ready(None)
    }
}

/// Handles unknown paths and methods.
pub(crate) async fn no_such_route(request: HttpRequest) -> Result<HttpResponse, Failure> {
    let text = texts::cannot(request.method().as_str(), request.path());
    Err(Failure::new(Code::NotFound, text))
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod request_id_tests {
    use domain::testing::fixture::CountingIds;

    use super::*;

    #[test]
    fn a_name_that_could_forge_a_log_line_is_replaced() {
        let id = |name: &str| {
            let value = HeaderValue::from_bytes(name.as_bytes()).expect("a header value");
            let headers = HeaderMap::from_iter([(X_REQUEST_ID, value)]);
            RequestId::of(&headers, &CountingIds::new()).as_str().to_owned()
        };
        assert_eq!(id("trace-1_a.b"), "trace-1_a.b");
        for bad in ["a b", "", "é", &"x".repeat(MAX_CHARS + 1), "a\"b"] {
            assert_eq!(id(bad), CountingIds::new().next().to_string(), "{bad}");
        }
    }
}

#[cfg(test)]
mod head_tests {
    use actix_web::http::Method;

    use crate::{
        http::tests::ROUTES,
        testing::{ATTACHMENTS, TestApp, request},
    };

    /// Routes without authentication.
    const OPEN: [&str; 6] = [
        "/health/live",
        "/health/ready",
        "/docs/",
        "/docs/openapi.json",
        "/docs/asyncapi.json",
        "/docs/errors/unauthorized",
    ];

    #[actix_web::test]
    async fn every_get_route_answers_head_and_no_other_route_does() {
        let test_app = TestApp::new().await;
        let conversation = test_app.open_conversation().await;
        test_app.send_message(&conversation, "c1", "Bonjour").await;
        let upload = test_app.upload_picture("s1").await;
        let upload = upload["id"].as_str().expect("an id");
        let mut read = OPEN.map(str::to_owned).to_vec();
        for route in ROUTES.iter().filter(|route| route.method == Method::GET) {
            let path = route.path.replace("/messaging/conversations/{id}", &conversation);
            read.push(
                path.replace("/messaging/attachments/{id}", &format!("{ATTACHMENTS}/{upload}")),
            );
        }
        for path in read {
            let (get, head) = (test_app.get(&path, "s1").await, test_app.head(&path, "s1").await);
            // The first request starts an export.
            let good = if path.ends_with("/me/export") { 202 } else { 200 };
            assert_eq!((get.status.as_u16(), head.status.as_u16()), (good, good), "{path}");
            assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
            assert!(head.is_empty() && !get.is_empty(), "{path}");
        }
        let write_only = format!("{conversation}/archive");
        assert_eq!(test_app.head(&write_only, "s1").await.status, 404);
    }

    #[actix_web::test]
    async fn a_failure_without_content_is_a_failure() {
        let test_app = TestApp::new().await;
        let table = [("/nowhere", "s1", 404), ("/messaging/conversations", "", 401)];
        for (path, who, status) in table {
            let answer = test_app.head(path, who).await;
            assert_eq!(answer.status, status, "{path}");
            assert!(answer.is_empty(), "{path}");
        }
        let asked = request(Method::HEAD, "/messaging/conversations", "nonsense");
        assert_eq!(test_app.ask(asked).await.header("www-authenticate"), Some("Bearer"));
    }
}
