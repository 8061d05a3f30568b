use std::fmt;

use crate::{
    participant::NAME_MAX_CHARS,
    text::{is_blank, tidied_line},
};

/// What somebody is called in a greeting: one line of 1 to [`NAME_MAX_CHARS`] characters, tidied, without
/// blanks around it. Its `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct FirstName(String);

impl FirstName {
    /// Takes `text`, tidied by [`tidied_line`] and without the blanks around it; `None` when it is no name.
    pub fn parse(text: &str) -> Option<Self> {
        let name = tidied_line(text);
        let name = name.trim();
        let usable = !is_blank(name) && name.chars().count() <= NAME_MAX_CHARS;
        usable.then(|| Self(name.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for FirstName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FirstName(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_something_to_be_called_by() {
        assert_eq!(FirstName::parse("  Léa ").expect("a name").as_str(), "Léa");
        assert_eq!(
            FirstName::parse("Léa\u{b}\u{202e}Anne\0").expect("a name").as_str(),
            "Léa Anne"
        );
        for none in ["", "  ", "\u{200b}", "\u{1b}", &"x".repeat(NAME_MAX_CHARS + 1)] {
            assert_eq!(FirstName::parse(none), None, "{none:?}");
        }
        let shown = format!("{:?}", FirstName::parse("Léa"));
        assert!(!shown.contains("Léa"), "{shown}");
    }
}
