//! The lines of the plain door: `{event, data, id?}` in, `{ack: id, ok, data | error}` out.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::super::answer::Answer;

/// The longest `id` that is text, in bytes.
const ID_BYTES_MAX: usize = 64;

/// What a client says.
#[derive(Debug, PartialEq)]
pub(super) struct Saying {
    pub(super) event: String,
    /// Empty unless it was an object.
    pub(super) data: Map<String, Value>,
    /// What the answer is to be called.
    pub(super) id: Option<Value>,
}

#[derive(Deserialize)]
struct Raw {
    event: String,
    #[serde(default)]
    data: Value,
    #[serde(default)]
    id: Value,
}

impl Saying {
    /// Reads a line; `None` unless it is an object with an `event` that is text, and an `id`, if
    /// any, that is a number or short text.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let Raw { event, data, id } = serde_json::from_str(line).ok()?;
        let id = match id {
            Value::Null => None,
            Value::Number(number) => Some(Value::Number(number)),
            Value::String(text) if text.len() <= ID_BYTES_MAX => Some(Value::String(text)),
            _ => return None,
        };
        let data = if let Value::Object(data) = data { data } else { Map::new() };
        Some(Self { event, data, id })
    }
}

#[derive(Serialize)]
struct Acknowledgement<'a> {
    ack: &'a Value,
    #[serde(flatten)]
    answer: &'a Answer<'a>,
}

/// The acknowledgement called `id`.
pub(super) fn acknowledgement(id: &Value, answer: &Answer<'_>) -> Option<Arc<str>> {
    serde_json::to_string(&Acknowledgement { ack: id, answer })
        .inspect_err(|error| tracing::error!(%error, "cannot encode an acknowledgement"))
        .ok()
        .map(Into::into)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_has_an_event_and_the_rest_if_there_is_any() {
        let bare = Saying::parse(r#"{"event":"sync"}"#).expect("a good line");
        assert_eq!(bare, Saying { event: "sync".to_owned(), data: Map::new(), id: None });
        let full = Saying::parse(r#"{"id":7,"event":"a","data":{"x":1},"more":[]}"#);
        let full = full.expect("a good line");
        assert_eq!((full.id, full.data.get("x")), (Some(json!(7)), Some(&json!(1))));
    }

    #[test]
    fn what_is_no_line_of_ours_is_not_read() {
        let long = format!(r#"{{"event":"a","id":"{}"}}"#, "x".repeat(65));
        for line in ["", "[]", "{}", r#"{"event":7}"#, r#"{"event":"a","id":{}}"#, &long] {
            assert_eq!(Saying::parse(line), None, "{line}");
        }
    }

    #[test]
    fn an_acknowledgement_bears_the_id_of_what_it_answers() {
        let data = json!({ "a": 1 });
        let line = acknowledgement(&json!("k"), &Answer::Done { ok: true, data: &data });
        assert_eq!(line.as_deref(), Some(r#"{"ack":"k","ok":true,"data":{"a":1}}"#));
    }
}
