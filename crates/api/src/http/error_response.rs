//! Failures as HTTP responses, in the format and language that the client accepts.

use actix_web::{
    HttpResponse, HttpResponseBuilder, ResponseError,
    http::{
        StatusCode,
        header::{self, HeaderMap, HeaderName},
    },
};

use crate::{
    dto,
    error::{Code, Failure},
    texts::Language,
};

const PROBLEM_JSON: &str = "application/problem+json";

/// The format of an error body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// The format that front ends know, with a `code`; always in French.
    Envelope,
    /// RFC 9457.
    Problem(Language),
}

impl Shape {
    /// The format that the client accepts.
    pub(crate) fn wanted(headers: &HeaderMap) -> Self {
        if quality(headers, &header::ACCEPT, PROBLEM_JSON) > 0 {
            Self::Problem(language(headers))
        } else {
            Self::Envelope
        }
    }
}

/// English if the client prefers it to French.
pub(super) fn language(headers: &HeaderMap) -> Language {
    let quality = |language: Language| quality(headers, &header::ACCEPT_LANGUAGE, language.tag());
    if quality(Language::English) > quality(Language::French) {
        Language::English
    } else {
        Language::French
    }
}

/// The quality value of `wanted` in thousandths (RFC 9110, section 12.4.2), 0 if it is not listed. A
/// language matches with any region.
fn quality(headers: &HeaderMap, name: &HeaderName, wanted: &str) -> u32 {
    let values = headers.get_all(name).filter_map(|value| value.to_str().ok());
    let items = values.flat_map(|value| value.split(','));
    let qualities = items.filter_map(|item| {
        let mut parts = item.split(';').map(str::trim);
        let name = parts.next()?.to_ascii_lowercase();
        let rest = name.strip_prefix(wanted)?;
        if !rest.is_empty() && !rest.starts_with('-') {
            return None;
        }
        let quality = parts.find_map(|part| part.strip_prefix("q="));
        Some(quality.map_or(1_000, thousandths))
    });
    qualities.max().unwrap_or(0)
}

fn thousandths(quality: &str) -> u32 {
    let quality: f32 = quality.parse().unwrap_or(0.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to 0..=1000"
    )]
    let thousandths = (quality.clamp(0.0, 1.0) * 1_000.0) as u32;
    thousandths
}

/// The response for `failure`.
pub(crate) fn error_response(failure: &Failure, shape: Shape) -> HttpResponse {
    let mut response = HttpResponseBuilder::new(failure.code().status());
    if failure.code().status() == StatusCode::UNAUTHORIZED {
        response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
    }
    if let Some(wait) = failure.retry_after_ms() {
        response.insert_header((header::RETRY_AFTER, wait.div_ceil(1_000)));
    }
    match shape {
        Shape::Envelope => response.json(dto::Fault::from(failure)),
        Shape::Problem(language) => {
            response.insert_header((header::CONTENT_LANGUAGE, language.tag()));
            response.insert_header((header::CONTENT_TYPE, PROBLEM_JSON));
            response.json(dto::Problem::new(failure, language))
        }
    }
}

impl ResponseError for Failure {
    fn status_code(&self) -> StatusCode {
        self.code().status()
    }

    /// The default format; `normalise_response` replaces it by the one that the client accepts.
    fn error_response(&self) -> HttpResponse {
        error_response(self, Shape::Envelope)
    }
}

/// Converts an error of the framework, which has no code.
pub(crate) fn foreign(error: &actix_web::Error) -> Failure {
    let status = error.as_response_error().status_code();
    if status == StatusCode::PAYLOAD_TOO_LARGE {
        Failure::new(Code::PayloadTooLarge, crate::texts::TOO_LARGE)
    } else if status.is_server_error() {
        Failure::internal(Foreign(error.to_string()))
    } else {
        Failure::new(Code::MalformedRequest, crate::texts::MALFORMED_REQUEST)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the framework failed: {0}")]
struct Foreign(String);

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn wanted(accept: &str, languages: &str) -> Shape {
        let request = TestRequest::default()
            .insert_header((header::ACCEPT, accept))
            .insert_header((header::ACCEPT_LANGUAGE, languages));
        Shape::wanted(request.to_http_request().headers())
    }

    #[test]
    fn a_problem_is_for_those_who_ask_for_it_in_the_language_they_like() {
        let table = [
            ("application/json", "en", Shape::Envelope),
            ("*/*", "en", Shape::Envelope),
            ("application/problem+json;q=0", "en", Shape::Envelope),
            ("application/json, Application/Problem+JSON", "", Shape::Problem(Language::French)),
            ("application/problem+json", "en", Shape::Problem(Language::English)),
            ("application/problem+json", "en-GB, fr;q=0.9", Shape::Problem(Language::English)),
            ("application/problem+json", "en;q=0.5, fr-CH", Shape::Problem(Language::French)),
            ("application/problem+json", "fr, en", Shape::Problem(Language::French)),
            ("application/problem+json", "de, eng", Shape::Problem(Language::French)),
            ("application/problem+json;q=abc", "en", Shape::Envelope),
        ];
        for (accept, languages, shape) in table {
            assert_eq!(wanted(accept, languages), shape, "{accept} {languages}");
        }
    }
}
