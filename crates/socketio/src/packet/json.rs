//! The JSON payload of a packet: validated and split into arguments, otherwise kept as text.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserializer,
    de::{DeserializeOwned, DeserializeSeed, MapAccess, SeqAccess, Visitor},
};
use serde_json::{
    Value,
    value::{RawValue, to_raw_value},
};

use super::{ParseError, RESERVED_EVENTS};

/// Any JSON value, text preserved. Scanned without recursion, whatever its nesting depth.
pub(super) fn value(json: &str) -> Result<Box<RawValue>, ParseError> {
    serde_json::from_str(json).map_err(|_| ParseError::Json)
}

/// The items of an array, text preserved. `None` for JSON that is not an array.
pub(super) fn array(json: &str) -> Result<Option<Vec<Box<RawValue>>>, ParseError> {
    if !json.trim_start().starts_with('[') {
        return value(json).map(|_| None);
    }
    serde_json::from_str(json).map(Some).map_err(|_| ParseError::Json)
}

/// An object, text preserved. `None` for JSON that is not an object.
pub(super) fn object(json: &str) -> Result<Option<Box<RawValue>>, ParseError> {
    Ok(Some(value(json)?).filter(|value| value.get().starts_with('{')))
}

/// The same JSON with each `\u` escape of a lone UTF-16 surrogate replaced by U+FFFD. `None` when
/// there are none.
///
/// JavaScript writes such escapes when it cuts a string inside an emoji. They are valid JSON, but a
/// Rust string cannot hold a lone surrogate, so `serde_json` refuses to parse them.
pub fn replace_lone_surrogates(json: &str) -> Option<String> {
    const ESCAPE_LEN: usize = 6;
    let unit = |at: usize| {
        let digits = json.get(at..at + ESCAPE_LEN)?.strip_prefix("\\u")?;
        u16::from_str_radix(digits, 16).ok()
    };
    let (mut replaced, mut copied, mut at) = (String::new(), 0, 0);
    // In JSON, backslashes occur only inside strings.
    while let Some(ahead) = json.as_bytes().get(at..)?.iter().position(|byte| *byte == b'\\') {
        at += ahead;
        match (unit(at), unit(at + ESCAPE_LEN)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => at += 2 * ESCAPE_LEN,
            (Some(0xd800..=0xdfff), _) => {
                replaced.push_str(&json[copied..at]);
                replaced.push_str("\\ufffd");
                at += ESCAPE_LEN;
                copied = at;
            }
            // The escaped character may itself be a backslash, so skip it too.
            _ => at += 2,
        }
    }
    if copied == 0 {
        return None;
    }
    replaced.push_str(&json[copied..]);
    Some(replaced)
}

/// Parses `json`, with lone surrogates replaced.
fn lossy<T: DeserializeOwned>(json: &str) -> Option<T> {
    let parsed = serde_json::from_str(json).ok();
    parsed.or_else(|| serde_json::from_str(&replace_lone_surrogates(json)?).ok())
}

/// The name of an event: a string, or a number, which equals the string of its digits.
pub(super) fn event_name(item: &RawValue) -> Result<String, ParseError> {
    let name = match item.get().bytes().next() {
        Some(b'"') => lossy(item.get()).ok_or(ParseError::EventPayload)?,
        Some(b'-' | b'0'..=b'9') => item.get().to_owned(),
        _ => return Err(ParseError::EventPayload),
    };
    if RESERVED_EVENTS.contains(&name.as_str()) {
        return Err(ParseError::ReservedEvent);
    }
    Ok(name)
}

// An event that is too large to be kept: nothing of it is copied but its name and a few members.

/// Maximum bytes of the name, and of each kept member, of an event that is not kept whole.
const MAX_KEPT_BYTES: usize = 1024;

/// The name of an event and what is kept of its arguments.
pub(super) fn large_event(
    json: &str,
    kept_members: &[&str],
) -> Result<(String, Vec<Box<RawValue>>), ParseError> {
    struct Parts<'k>(&'k [&'k str]);
    impl<'de> Visitor<'de> for Parts<'_> {
        type Value = Option<(&'de RawValue, Vec<Box<RawValue>>)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an event")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
            let Some(name) = items.next_element()? else { return Ok(None) };
            let first: Option<&RawValue> = items.next_element()?;
            while items.next_element::<&RawValue>()?.is_some() {}
            let kept = first.map(|first| kept_of(first, self.0)).unwrap_or_default();
            Ok(Some((name, kept)))
        }
    }
    if !json.trim_start().starts_with('[') {
        return value(json).and(Err(ParseError::EventPayload));
    }
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let parts = deserializer.deserialize_seq(Parts(kept_members));
    let parts = parts.and_then(|parts| deserializer.end().map(|()| parts));
    let (name, args) = parts.map_err(|_| ParseError::Json)?.ok_or(ParseError::EventPayload)?;
    if name.get().len() > MAX_KEPT_BYTES {
        return Ok((String::new(), args));
    }
    Ok((event_name(name)?, args))
}

/// The name of an event and what is kept of its arguments, as far as they can be read from the beginning of its
/// JSON. The name is empty if it cannot.
pub(super) fn cut_event(
    json: &str,
    kept_members: &[&str],
) -> Result<(String, Vec<Box<RawValue>>), ParseError> {
    if !json.trim_start().starts_with('[') {
        return Err(ParseError::EventPayload);
    }
    let mut read = CutEvent { kept_members, name: None, members: BTreeMap::new() };
    let mut deserializer = serde_json::Deserializer::from_str(json);
    // It ends somewhere, or is no JSON from there on; what was read before that counts.
    let _unfinished = deserializer.deserialize_seq(&mut read);
    let CutEvent { name, members, .. } = read;
    let name = name.filter(|name| name.get().len() <= MAX_KEPT_BYTES);
    let name = name.map_or(Ok(String::new()), event_name)?;
    Ok((name, to_raw_value(&members).into_iter().collect()))
}

/// What was read of an event.
struct CutEvent<'k, 'de> {
    kept_members: &'k [&'k str],
    name: Option<&'de RawValue>,
    members: BTreeMap<&'k str, &'de RawValue>,
}

impl<'de> Visitor<'de> for &mut CutEvent<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        self.name = items.next_element()?;
        items.next_element_seed(self).map(drop)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some((name, value)) = members.next_entry::<String, &RawValue>()? {
            let name = self.kept_members.iter().find(|kept| **kept == name);
            if let Some(name) = name.filter(|_| value.get().len() <= MAX_KEPT_BYTES) {
                self.members.insert(name, value);
            }
        }
        Ok(())
    }
}

/// The first argument.
impl<'de> DeserializeSeed<'de> for &mut CutEvent<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

/// What is kept of `args` when they are not kept whole.
pub(crate) fn kept_members(args: &[Box<RawValue>], kept_members: &[&str]) -> Vec<Box<RawValue>> {
    args.first().map(|first| kept_of(first, kept_members)).unwrap_or_default()
}

/// An object with those members of the object `argument` that are kept; nothing of anything else.
fn kept_of(argument: &RawValue, kept_members: &[&str]) -> Vec<Box<RawValue>> {
    struct Members<'k>(&'k [&'k str]);
    impl<'k, 'de> Visitor<'de> for Members<'k> {
        type Value = BTreeMap<&'k str, &'de RawValue>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
            let mut kept = BTreeMap::new();
            while let Some((name, value)) = members.next_entry::<String, &RawValue>()? {
                let name = self.0.iter().find(|kept| **kept == name);
                if let Some(name) = name.filter(|_| value.get().len() <= MAX_KEPT_BYTES) {
                    kept.insert(*name, value);
                }
            }
            Ok(kept)
        }
    }
    let mut deserializer = serde_json::Deserializer::from_str(argument.get());
    let kept = deserializer.deserialize_map(Members(kept_members)).unwrap_or_default();
    to_raw_value(&kept).into_iter().collect()
}

/// Checks that every placeholder in `args` refers to one of `attachments` attachments. An argument
/// that cannot be parsed, for example because it is nested too deeply, counts as having none.
pub(super) fn check_placeholders(
    args: &[Box<RawValue>],
    attachments: usize,
) -> Result<(), ParseError> {
    args.iter().try_for_each(|arg| {
        lossy(arg.get()).map_or(Ok(()), |value| check_value(&value, attachments))
    })
}

fn check_value(value: &Value, attachments: usize) -> Result<(), ParseError> {
    match value {
        Value::Array(items) => items.iter().try_for_each(|item| check_value(item, attachments)),
        Value::Object(fields) if fields.get("_placeholder") == Some(&Value::Bool(true)) => {
            let number = fields.get("num").and_then(Value::as_u64);
            number
                .and_then(|number| usize::try_from(number).ok())
                .filter(|number| *number < attachments)
                .map(drop)
                .ok_or(ParseError::Placeholder)
        }
        Value::Object(fields) => {
            fields.values().try_for_each(|field| check_value(field, attachments))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nesting_as_deep_as_a_packet_is_long_is_only_scanned() {
        let deep = format!("{}{}", "[".repeat(500_000), "]".repeat(500_000));
        assert_eq!(value(&deep).map(|value| value.get().len()), Ok(deep.len()));
        assert_eq!(array(&deep).map(|items| items.map(|items| items.len())), Ok(Some(1)));
        assert_eq!(check_placeholders(&[value(&deep).expect("JSON")], 1), Ok(()));
    }

    #[test]
    fn half_a_character_is_replaced_and_a_whole_one_is_not() {
        let table = [
            (r#""\ud83d""#, Some(r#""\ufffd""#)),
            (
                r#"["a\uDE00b","\ud83dx\ud83d\ude00"]"#,
                Some(r#"["a\ufffdb","\ufffdx\ud83d\ude00"]"#),
            ),
            (r#"{"\ud83d\ud83d\ude00":1}"#, Some(r#"{"\ufffd\ud83d\ude00":1}"#)),
            (r#""\ude00\ud83d""#, Some(r#""\ufffd\ufffd""#)),
            (r#""\ud83d\ude00""#, None),
            (r#""\\ud83d""#, None),
            (r#""\\\ud83d""#, Some(r#""\\\ufffd""#)),
            (r#""é\u00e9\n""#, None),
            (r#""\u""#, None),
            (r#""\ud83é""#, None),
            ("\\", None),
            ("", None),
        ];
        for (json, replaced) in table {
            assert_eq!(replace_lone_surrogates(json).as_deref(), replaced, "{json}");
        }
    }

    #[test]
    fn of_a_cut_event_is_read_what_stands_before_the_cut() {
        let event = r#"["send",{"more":[1],"key":"k","text":"xxx"},1]"#;
        let kept = |json: &str| {
            let (name, args) = cut_event(json, &["key"]).expect("an event");
            (name, args.iter().map(|arg| arg.get().to_owned()).collect::<String>())
        };
        let at = event.find(r#","text"#).expect("a member");
        for cut in 1..event.len() {
            let name = if cut > 6 { "send" } else { "" };
            let members = if cut >= at { r#"{"key":"k"}"# } else { "{}" };
            assert_eq!(kept(&event[..cut]), (name.to_owned(), members.to_owned()), "{cut}");
        }
        assert_eq!(kept(r#"["a","no object"#), ("a".to_owned(), "{}".to_owned()));
        assert_eq!(cut_event(r#"{"a":1"#, &[]).err(), Some(ParseError::EventPayload));
        assert_eq!(cut_event(r#"["connect",{"#, &[]).err(), Some(ParseError::ReservedEvent));
    }

    #[test]
    fn a_number_names_an_event_by_its_digits() {
        let number = value("7").expect("JSON");
        assert_eq!(event_name(&number), Ok("7".to_owned()));
    }
}
