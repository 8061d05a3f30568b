use std::fmt;

use crate::participant::NAME_MAX_CHARS;

/// What somebody is called in a greeting: 1 to [`NAME_MAX_CHARS`] characters, without control
/// characters and without blanks around it. Its `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct FirstName(String);

impl FirstName {
    /// Takes `text` without the blanks around it; `None` when it is no name.
    pub fn parse(text: &str) -> Option<Self> {
        let name = text.trim();
        let usable = !name.is_empty()
            && name.chars().count() <= NAME_MAX_CHARS
            && !name.chars().any(char::is_control);
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
        for none in ["", "  ", "a\nb", "\u{1b}[31m", &"x".repeat(NAME_MAX_CHARS + 1)] {
            assert_eq!(FirstName::parse(none), None, "{none:?}");
        }
        let shown = format!("{:?}", FirstName::parse("Léa"));
        assert!(!shown.contains("Léa"), "{shown}");
    }
}
