//! JSON objects as callers write them, also those that hold what cannot be read: half a character, or a
//! number beyond every bound. What is readable in them is read nevertheless, so that the answer can name
//! what it is about.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor},
};
use serde_json::{Map, Value, value::RawValue};
use socketio::packet::replace_lone_surrogates;

use crate::{
    error::Failure,
    texts::{self, Text},
};

/// The most fields that are named as unreadable.
const NAMED_MAX: usize = 16;

/// A JSON object as it came. What nobody asks for in it is ignored.
pub type Fields = Map<String, Value>;

/// A field that should hold a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field<'a> {
    /// Nothing, or `null`.
    Nothing,
    /// A text.
    Text(&'a str),
    /// Something else.
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

    /// What is not there counts as empty, and so does `""`; what is no text is not empty.
    pub(super) fn is_empty(self) -> bool {
        matches!(self, Self::Nothing | Self::Text(""))
    }
}

/// Reasons why something is not acceptable, in the order in which callers are told them.
#[derive(Debug, Default)]
pub(super) struct ValidationErrors(Vec<Text>);

impl ValidationErrors {
    pub(super) fn add(&mut self, reason: Text) {
        self.0.push(reason);
    }

    pub(super) fn add_all<const N: usize>(&mut self, reasons: [Text; N]) {
        self.0.extend(reasons);
    }

    /// Takes in the reasons of one part of a list.
    pub(super) fn add_of(&mut self, list: &str, index: usize, reasons: Self) {
        self.0.extend(reasons.0.into_iter().map(|reason| reason.of(list, index)));
    }

    /// The value of `result`; of an error, the reason it stands for is noted.
    pub(super) fn note<T, E>(
        &mut self,
        result: Result<T, E>,
        reason: impl FnOnce(E) -> Text,
    ) -> Option<T> {
        result.map_err(|error| self.add(reason(error))).ok()
    }

    /// `value`, if nothing speaks against it.
    pub(super) fn unless_any<T>(self, value: Option<T>) -> Result<T, Failure> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(Failure::validation(self.0)),
        }
    }
}

/// A JSON object. `Debug` hides what it says.
#[derive(Default)]
pub struct Object {
    /// The fields that could be read.
    pub fields: Fields,
    /// Why others could not.
    unreadable: Vec<Text>,
    holds_half_characters: bool,
}

impl Object {
    /// Reads `json`; `None` when it is no object. Of a field that is there twice the last one counts,
    /// but one that cannot be read is noted wherever it is.
    pub fn parse(json: &str) -> Option<Self> {
        if let Ok(fields) = serde_json::from_str::<Fields>(json) {
            return Some(Self::from(fields));
        }
        let Parts(parts) = serde_json::from_str(json).ok()?;
        let mut object = Self::default();
        for (Lossy(name), value) in parts {
            match serde_json::from_str(value.get()) {
                Ok(value) if !name.contains(char::REPLACEMENT_CHARACTER) => {
                    object.fields.insert(name, value);
                }
                _ => object.miss(&name, value.get()),
            }
        }
        Some(object)
    }

    /// Notes that `json`, the value of the field `name`, could not be read.
    pub fn miss(&mut self, name: &str, json: &str) {
        let is_half =
            name.contains(char::REPLACEMENT_CHARACTER) || replace_lone_surrogates(json).is_some();
        self.holds_half_characters |= is_half;
        if self.unreadable.len() < NAMED_MAX {
            self.unreadable.push(if is_half {
                texts::half_a_character(name)
            } else {
                texts::not_readable(name)
            });
        }
    }

    /// Whether a text in it is cut inside a character.
    pub fn holds_half_characters(&self) -> bool {
        self.holds_half_characters
    }

    /// Refuses an object in which something could not be read.
    ///
    /// # Errors
    /// A validation failure that names the fields.
    pub fn check(&self) -> Result<(), Failure> {
        if self.unreadable.is_empty() {
            return Ok(());
        }
        Err(Failure::validation(self.unreadable.clone()))
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
            .field("unreadable", &self.unreadable.len())
            .finish_non_exhaustive()
    }
}

/// The fields of an object as they are written, sorted by name; those of one name in their order.
struct Parts<'a>(Vec<(Lossy, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Parts<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields<'a>(PhantomData<&'a ()>);
        impl<'de: 'a, 'a> Visitor<'de> for Fields<'a> {
            type Value = Parts<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Parts<'a>, A::Error> {
                let mut parts = Vec::new();
                while let Some(part) = map.next_entry()? {
                    parts.push(part);
                }
                parts.sort_by(|(one, _): &(Lossy, _), (other, _)| one.cmp(other));
                Ok(Parts(parts))
            }
        }
        deserializer.deserialize_map(Fields(PhantomData))
    }
}

/// A text in which U+FFFD stands for what no text can hold. `Debug` hides it.
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
        // Asked for bytes, `serde_json` gives half a character as the three bytes it would have.
        deserializer.deserialize_bytes(Bytes)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::texts::Language;

    fn missed(json: &str) -> (Fields, Vec<String>) {
        let object = Object::parse(json).expect("an object");
        let failure = object.check().expect_err("something is not readable");
        let reasons = failure.messages(Language::English).into_iter().map(str::to_owned).collect();
        (object.fields, reasons)
    }

    #[test]
    fn what_is_readable_is_read_beside_what_is_not() {
        let (fields, reasons) =
            missed(r#"{"a":"k","content":"\ud83d","b":{"x":["\ude00"]},"c":1e999}"#);
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
    fn one_of_two_fields_of_a_name_that_cannot_be_read_is_noted() {
        for json in [r#"{"a":"\ud83d","a":"ok"}"#, r#"{"a":"ok","a":"\ud83d"}"#] {
            let (fields, reasons) = missed(json);
            assert_eq!(fields.get("a"), Some(&json!("ok")));
            assert_eq!(reasons, ["a holds half a character (a lone UTF-16 surrogate)"]);
        }
        let twice = Object::parse(r#"{"a":1,"a":2}"#).expect("an object");
        assert!(twice.check().is_ok() && twice.fields.get("a") == Some(&json!(2)));
    }

    #[test]
    fn a_name_that_is_none_is_not_repeated() {
        let (fields, reasons) = missed(r#"{"\ud83d":1,"<b>":"\ud83d","a":2}"#);
        assert_eq!(fields.keys().collect::<Vec<_>>(), ["a"]);
        assert_eq!(reasons, ["a field holds half a character (a lone UTF-16 surrogate)"; 2]);
    }

    #[test]
    fn however_much_is_not_readable_the_answer_is_short() {
        let fields: Vec<_> = (0..1_000).map(|n| format!(r#""f{n}":"\ud83d""#)).collect();
        let (_, reasons) = missed(&format!("{{{}}}", fields.join(",")));
        assert_eq!(reasons.len(), NAMED_MAX);
    }

    #[test]
    fn whole_objects_are_readable_and_nothing_else_is_an_object() {
        let whole = Object::parse(r#"{"content":"\ud83d\ude00"}"#).expect("an object");
        assert!(whole.check().is_ok() && !whole.holds_half_characters());
        for json in ["", "null", "[]", "7", r#""x""#, r#"["\ud83d"]"#, r#"{"a":"\ud83d""#, "{"] {
            assert!(Object::parse(json).is_none(), "{json}");
        }
    }
}
