use serde_json::{Map, Value};

use crate::{error::Failure, texts::Text};

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
