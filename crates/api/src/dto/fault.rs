use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    error::{Code, Failure},
    texts::Language,
};

/// Error body as front ends know it, extended by `code`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Fault {
    /// Text to show, in French; a list if fields or parameters are invalid.
    pub message: FaultMessage,
    /// Name of the HTTP status; absent for 401, 413 and 500.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "Not Found")]
    pub error: Option<&'static str>,
    /// HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    pub status_code: u16,
    /// Stable error code for programs.
    #[schema(example = "conversation_not_found")]
    pub code: &'static str,
    /// Milliseconds to wait before repeating the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub retry_after_ms: Option<u64>,
}

/// One text, or one per validation error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum FaultMessage {
    /// One text.
    One(String),
    /// One text per validation error.
    Many(Vec<String>),
}

/// Error body in the format of RFC 9457, sent if the client accepts `application/problem+json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// URL of the documentation of the error code.
    #[serde(rename = "type")]
    #[schema(example = "/docs/errors/conversation_not_found")]
    pub kind: String,
    /// Meaning of the error code.
    pub title: &'static str,
    /// HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// Description of this occurrence.
    pub detail: String,
    /// Stable error code for programs.
    #[schema(example = "conversation_not_found")]
    pub code: &'static str,
    /// One text per validation error.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub errors: Vec<String>,
    /// Milliseconds to wait before repeating the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub retry_after_ms: Option<u64>,
}

fn owned(texts: Vec<&str>) -> Vec<String> {
    texts.into_iter().map(str::to_owned).collect()
}

/// The name of the status. Three statuses never had one in their body, and front ends may compare
/// whole bodies.
fn status_name(code: Code) -> Option<&'static str> {
    let is_unnamed = matches!(code.status().as_u16(), 401 | 413 | 500);
    code.status().canonical_reason().filter(|_| !is_unnamed)
}

impl From<&Failure> for Fault {
    fn from(failure: &Failure) -> Self {
        let code = failure.code();
        let message = if code == Code::ValidationFailed {
            FaultMessage::Many(owned(failure.messages(Language::French)))
        } else {
            FaultMessage::One(failure.message(Language::French))
        };
        Self {
            message,
            error: status_name(code),
            status_code: code.status().as_u16(),
            code: code.as_str(),
            retry_after_ms: failure.retry_after_ms(),
        }
    }
}

impl Problem {
    /// Describes `failure` in `language`.
    pub fn new(failure: &Failure, language: Language) -> Self {
        let code = failure.code();
        let title = match language {
            Language::French => code.french(),
            Language::English => code.english(),
        };
        let is_list = code == Code::ValidationFailed;
        let errors = if is_list { owned(failure.messages(language)) } else { Vec::new() };
        Self {
            kind: format!("/docs/errors/{}", code.as_str()),
            title,
            status: code.status().as_u16(),
            detail: failure.message(language),
            code: code.as_str(),
            errors,
            retry_after_ms: failure.retry_after_ms(),
        }
    }
}
