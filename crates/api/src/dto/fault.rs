use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    error::{Code, Failure},
    texts::Language,
};

/// A failure, as REST callers have always seen it, and its `code`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Fault {
    /// The text to show, in French; a list of them when fields or parameters are not acceptable.
    pub message: FaultMessage,
    /// The name of the status; not there for 401, 413 and 500.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "Not Found")]
    pub error: Option<&'static str>,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    pub status_code: u16,
    /// The code by which programs tell failures apart.
    #[schema(example = "conversation_not_found")]
    pub code: &'static str,
    /// How long to wait before the same request may succeed, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub retry_after_ms: Option<u64>,
}

/// One text, or every reason why fields are not acceptable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum FaultMessage {
    /// One text.
    One(String),
    /// Every reason.
    Many(Vec<String>),
}

/// A failure as RFC 9457 has it, for those who ask for `application/problem+json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// Where the kind of failure is explained.
    #[serde(rename = "type")]
    #[schema(example = "/docs/errors/conversation_not_found")]
    pub kind: String,
    /// What this kind of failure means.
    pub title: &'static str,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// What happened this time.
    pub detail: String,
    /// The code by which programs tell failures apart.
    #[schema(example = "conversation_not_found")]
    pub code: &'static str,
    /// Every reason why fields or parameters are not acceptable.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub errors: Vec<String>,
    /// How long to wait before the same request may succeed, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub retry_after_ms: Option<u64>,
}

fn owned(texts: Vec<&str>) -> Vec<String> {
    texts.into_iter().map(str::to_owned).collect()
}

/// Three statuses never had a name in their body; front ends may compare whole bodies.
fn name(code: Code) -> Option<&'static str> {
    let nameless = matches!(code.status().as_u16(), 401 | 413 | 500);
    code.status().canonical_reason().filter(|_| !nameless)
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
            error: name(code),
            status_code: code.status().as_u16(),
            code: code.as_str(),
            retry_after_ms: failure.retry_after_ms(),
        }
    }
}

impl Problem {
    /// `failure` in `language`.
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
