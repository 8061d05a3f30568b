//! The lines of the plain door: `{event, data, id?}` in, `{ack: id, ok, data | error}` out.

use std::{collections::BTreeMap, sync::Arc};

use serde::Serialize;
use serde_json::{Value, value::RawValue};

use super::super::answer::Answer;
use crate::input::{Lossy, Object};

/// The longest `id` that is text, in bytes.
const ID_BYTES_MAX: usize = 64;

/// What a client says.
#[derive(Debug)]
pub(super) struct ClientFrame {
    pub(super) event: String,
    /// Empty unless it was an object.
    pub(super) data: Object,
    /// What the answer is to be called.
    pub(super) id: Option<Value>,
}

impl ClientFrame {
    /// Reads a line; `None` unless it is an object with an `event` that is text, and an `id`, if
    /// any, that is a number or short text. What cannot be read in its `data`, or an `id` that cannot,
    /// is for the answer to name.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let parts: BTreeMap<Lossy, &RawValue> = serde_json::from_str(line).ok()?;
        let part = |name: &str| parts.get(&Lossy(name.to_owned())).map(|part| part.get());
        let Lossy(event) = serde_json::from_str(part("event")?).ok()?;
        let mut data = part("data").and_then(Object::parse).unwrap_or_default();
        let id = match part("id").map(|json| (json, serde_json::from_str(json))) {
            None | Some((_, Ok(Value::Null))) => None,
            Some((_, Ok(Value::Number(number)))) => Some(Value::Number(number)),
            Some((_, Ok(Value::String(text)))) if text.len() <= ID_BYTES_MAX => {
                Some(Value::String(text))
            }
            Some((_, Ok(_))) => return None,
            Some((json, Err(_))) => {
                data.miss("id", json);
                None
            }
        };
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
        let bare = ClientFrame::parse(r#"{"event":"sync"}"#).expect("a good line");
        assert_eq!((bare.event.as_str(), bare.id), ("sync", None));
        assert!(bare.data.fields.is_empty() && bare.data.check().is_ok());
        let full = ClientFrame::parse(r#"{"id":7,"event":"a","data":{"x":1},"more":[]}"#);
        let full = full.expect("a good line");
        assert_eq!((full.id, full.data.fields.get("x")), (Some(json!(7)), Some(&json!(1))));
    }

    #[test]
    fn what_is_no_line_of_ours_is_not_read() {
        let long = format!(r#"{{"event":"a","id":"{}"}}"#, "x".repeat(65));
        for line in ["", "[]", "{}", r#"{"event":7}"#, r#"{"event":"a","id":{}}"#, &long] {
            assert!(ClientFrame::parse(line).is_none(), "{line}");
        }
    }

    #[test]
    fn what_cannot_be_read_leaves_the_rest_of_a_line_readable() {
        let line = r#"{"event":"a","id":7,"data":{"k":"v","x":"\ud83d"},"more":"\ud83d"}"#;
        let half = ClientFrame::parse(line).expect("a line");
        assert_eq!((half.event.as_str(), half.id), ("a", Some(json!(7))));
        assert_eq!(half.data.fields.get("k"), Some(&json!("v")));
        assert!(half.data.check().is_err());
        let nameless = ClientFrame::parse(r#"{"event":"a","id":"\ud83d"}"#).expect("a line");
        assert!(nameless.id.is_none() && nameless.data.check().is_err());
    }

    #[test]
    fn an_acknowledgement_bears_the_id_of_what_it_answers() {
        let data = json!({ "a": 1 });
        let line = acknowledgement(&json!("k"), &Answer::Done { ok: true, data: &data });
        assert_eq!(line.as_deref(), Some(r#"{"ack":"k","ok":true,"data":{"a":1}}"#));
    }
}
