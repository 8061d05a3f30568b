//! JSON objects in requests. Objects with invalid values (a lone surrogate, a number out of range) are parsed
//! as far as possible, so that the response can name the invalid fields.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, MapAccess, Visitor},
};
use serde_json::{Map, Value, value::RawValue};
use socketio::packet::replace_lone_surrogates;

use crate::{
    error::Failure,
    texts::{self, Text},
};

/// Maximum number of invalid fields that are reported.
const REPORTED_MAX: usize = 16;

/// A JSON object. Unknown fields are ignored.
pub type Fields = Map<String, Value>;

/// A field that should contain a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field<'a> {
    /// Absent or `null`.
    Nothing,
    /// A string.
    Text(&'a str),
    /// Any other type.
    Else,
}

impl<'a> Field<'a> {
    pub(super) fn of(fields: &'a Fields, name: &str) -> Self {
        match fields.get(name) {
            None | Some(Value::Null) => Self::Nothing,
            Some(Value::String(text)) => Self::Text(text),
            Some(_) => Self::Else,
        }
    }

    /// Whether the field is absent, `null` or `""`.
    pub(super) fn is_empty(self) -> bool {
        matches!(self, Self::Nothing | Self::Text(""))
    }
}

/// Validation errors in the order in which they are reported.
#[derive(Debug, Default)]
pub(super) struct ValidationErrors(Vec<Text>);

impl ValidationErrors {
    pub(super) fn add(&mut self, reason: Text) {
        self.0.push(reason);
    }

    pub(super) fn add_all<const N: usize>(&mut self, reasons: [Text; N]) {
        self.0.extend(reasons);
    }

    /// Adds the errors of the item `index` of a list.
    pub(super) fn add_item(&mut self, list: &str, index: usize, reasons: Self) {
        self.0.extend(reasons.0.into_iter().map(|reason| reason.of(list, index)));
    }

    /// The value of `result`; an error is converted by `reason` and recorded.
    pub(super) fn note<T, E>(
        &mut self,
        result: Result<T, E>,
        reason: impl FnOnce(E) -> Text,
    ) -> Option<T> {
        result.map_err(|error| self.add(reason(error))).ok()
    }

    /// `value` if there are no errors.
    pub(super) fn into_result<T>(self, value: Option<T>) -> Result<T, Failure> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(Failure::validation(self.0)),
        }
    }
}

/// A JSON object that may have invalid values. `Debug` hides its content.
#[derive(Default)]
pub struct Object {
    /// The valid fields.
    pub fields: Fields,
    /// One text per invalid field, at most [`REPORTED_MAX`].
    invalid: Vec<Text>,
    has_lone_surrogates: bool,
}

impl Object {
    /// The same for an object of which only the fields `known` are wanted. The others are skipped, whatever
    /// they hold.
    pub fn parse_known(json: &str, known: &[&str]) -> Option<Self> {
        let mut deserializer = serde_json::Deserializer::from_str(json);
        let RawFields(fields) = KnownFields(Some(known)).deserialize(&mut deserializer).ok()?;
        deserializer.end().ok()?;
        Some(Self::of_raw(fields))
    }

    /// Parses `json`; `None` if it is not an object. Of a duplicate field the last one counts, but an
    /// invalid value is reported in any of them.
    pub fn parse(json: &str) -> Option<Self> {
        if let Ok(fields) = serde_json::from_str::<Fields>(json) {
            return Some(Self::from(fields));
        }
        let RawFields(fields) = serde_json::from_str(json).ok()?;
        Some(Self::of_raw(fields))
    }

    fn of_raw(fields: Vec<(Lossy, &RawValue)>) -> Self {
        let mut object = Self::default();
        for (Lossy(name), value) in fields {
            match serde_json::from_str(value.get()) {
                Ok(value) if !name.contains(char::REPLACEMENT_CHARACTER) => {
                    object.fields.insert(name, value);
                }
                _ => object.add_invalid(&name, value.get()),
            }
        }
        object
    }

    /// Records that the value `json` of the field `name` is invalid.
    pub fn add_invalid(&mut self, name: &str, json: &str) {
        let has_lone_surrogate =
            name.contains(char::REPLACEMENT_CHARACTER) || replace_lone_surrogates(json).is_some();
        self.has_lone_surrogates |= has_lone_surrogate;
        if self.invalid.len() < REPORTED_MAX {
            self.invalid.push(if has_lone_surrogate {
                texts::lone_surrogate(name)
            } else {
                texts::not_readable(name)
            });
        }
    }

    /// Whether a string contains a lone surrogate.
    pub fn has_lone_surrogates(&self) -> bool {
        self.has_lone_surrogates
    }

    /// Refuses an object with invalid values.
    ///
    /// # Errors
    /// A validation failure that names the fields.
    pub fn check(&self) -> Result<(), Failure> {
        if self.invalid.is_empty() {
            return Ok(());
        }
        Err(Failure::validation(self.invalid.clone()))
    }
}

impl From<Fields> for Object {
    fn from(fields: Fields) -> Self {
        Self { fields, ..Self::default() }
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Object")
            .field("fields", &self.fields.len())
            .field("invalid", &self.invalid.len())
            .finish_non_exhaustive()
    }
}

/// The raw fields of an object, sorted by name (stable, so duplicates keep their order).
struct RawFields<'a>(Vec<(Lossy, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for RawFields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        KnownFields(None).deserialize(deserializer)
    }
}

/// Reads the fields with these names; all of them for `None`.
struct KnownFields<'k>(Option<&'k [&'k str]>);

impl<'de> DeserializeSeed<'de> for KnownFields<'_> {
    type Value = RawFields<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for KnownFields<'_> {
    type Value = RawFields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let is_known = |name: &str| self.0.is_none_or(|known| known.contains(&name));
        let mut parts = Vec::new();
        while let Some((name, value)) = map.next_entry::<Lossy, &RawValue>()? {
            if is_known(&name.0) {
                parts.push((name, value));
            }
        }
        parts.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(RawFields(parts))
    }
}

/// A string in which U+FFFD replaces lone surrogates. `Debug` hides it.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub struct Lossy(pub String);

impl fmt::Debug for Lossy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lossy({} bytes)", self.0.len())
    }
}

impl<'de> Deserialize<'de> for Lossy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = Lossy;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Lossy, E> {
                Ok(Lossy(String::from_utf8_lossy(bytes).into_owned()))
            }
        }
        // When asked for bytes, `serde_json` returns lone surrogates as three bytes each.
        deserializer.deserialize_bytes(Bytes)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::texts::Language;

    fn parse_invalid(json: &str) -> (Fields, Vec<String>) {
        let object = Object::parse(json).expect("an object");
        let failure = object.check().expect_err("a value is invalid");
        let reasons = failure.messages(Language::English).into_iter().map(str::to_owned).collect();
        (object.fields, reasons)
    }

    #[test]
    fn valid_fields_are_read_beside_invalid_ones() {
        let (fields, reasons) =
            parse_invalid(r#"{"a":"k","content":"\ud83d","b":{"x":["\ude00"]},"c":1e999}"#);
        assert_eq!(fields, *json!({"a": "k"}).as_object().expect("an object"));
        assert_eq!(
            reasons,
            [
                "b holds half a character (a lone UTF-16 surrogate)",
                "c cannot be read",
                "content holds half a character (a lone UTF-16 surrogate)",
            ]
        );
    }

    #[test]
    fn of_known_fields_the_rest_is_skipped_whatever_it_holds() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let json = format!(r#"{{"a":1,"x":{deep},"\ud83d":"\ud83d","b":"\ud83d","a":2}}"#);
        let object = Object::parse_known(&json, &["a", "b"]).expect("an object");
        assert_eq!(object.fields, *json!({"a": 2}).as_object().expect("an object"));
        assert!(object.check().is_err(), "b");
        for json in [r#"{"a":1"#, r#"{"a":1}x"#, "[]", ""] {
            assert!(Object::parse_known(json, &["a"]).is_none(), "{json}");
        }
    }

    #[test]
    fn an_invalid_duplicate_of_a_field_is_reported() {
        for json in [r#"{"a":"\ud83d","a":"ok"}"#, r#"{"a":"ok","a":"\ud83d"}"#] {
            let (fields, reasons) = parse_invalid(json);
            assert_eq!(fields.get("a"), Some(&json!("ok")));
            assert_eq!(reasons, ["a holds half a character (a lone UTF-16 surrogate)"]);
        }
        let twice = Object::parse(r#"{"a":1,"a":2}"#).expect("an object");
        assert!(twice.check().is_ok() && twice.fields.get("a") == Some(&json!(2)));
    }

    #[test]
    fn an_invalid_field_name_is_not_repeated_in_the_error() {
        let (fields, reasons) = parse_invalid(r#"{"\ud83d":1,"<b>":"\ud83d","a":2}"#);
        assert_eq!(fields.keys().collect::<Vec<_>>(), ["a"]);
        assert_eq!(reasons, ["a field holds half a character (a lone UTF-16 surrogate)"; 2]);
    }

    #[test]
    fn the_number_of_reported_fields_is_limited() {
        let fields: Vec<_> = (0..1_000).map(|n| format!(r#""f{n}":"\ud83d""#)).collect();
        let (_, reasons) = parse_invalid(&format!("{{{}}}", fields.join(",")));
        assert_eq!(reasons.len(), REPORTED_MAX);
    }

    #[test]
    fn valid_objects_pass_and_other_json_is_not_an_object() {
        let whole = Object::parse(r#"{"content":"\ud83d\ude00"}"#).expect("an object");
        assert!(whole.check().is_ok() && !whole.has_lone_surrogates());
        for json in ["", "null", "[]", "7", r#""x""#, r#"["\ud83d"]"#, r#"{"a":"\ud83d""#, "{"] {
            assert!(Object::parse(json).is_none(), "{json}");
        }
    }
}
