use std::borrow::Cow;

/// A language we speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// French, unless English is asked for.
    #[default]
    French,
    /// English.
    English,
}

impl Language {
    /// The tag of the language (RFC 5646).
    pub fn tag(self) -> &'static str {
        match self {
            Self::French => "fr",
            Self::English => "en",
        }
    }
}

/// One text, in every [`Language`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    french: Cow<'static, str>,
    english: Cow<'static, str>,
}

impl Text {
    /// A text that is fixed.
    pub const fn new(french: &'static str, english: &'static str) -> Self {
        Self { french: Cow::Borrowed(french), english: Cow::Borrowed(english) }
    }

    /// A text that is the same in both languages.
    pub const fn same(text: &'static str) -> Self {
        Self::new(text, text)
    }

    /// A text that is put together.
    pub(super) fn made(french: String, english: String) -> Self {
        Self { french: Cow::Owned(french), english: Cow::Owned(english) }
    }

    /// The text in `language`.
    pub fn say(&self, language: Language) -> &str {
        match language {
            Language::French => &self.french,
            Language::English => &self.english,
        }
    }

    /// The text, saying of which part of a list it speaks: `attachments.0.…`.
    #[must_use]
    pub fn of(&self, list: &str, index: usize) -> Self {
        let prefixed = |text: &str| format!("{list}.{index}.{text}");
        Self::made(prefixed(&self.french), prefixed(&self.english))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texts::{CLIENT_NOT_FOUND, FILE_NAME_REQUIRED};

    #[test]
    fn a_text_speaks_the_language_asked_for() {
        assert_eq!(CLIENT_NOT_FOUND.say(Language::French), "Client non trouvé");
        assert_eq!(CLIENT_NOT_FOUND.say(Language::English), "Client not found");
    }

    #[test]
    fn a_text_about_a_part_of_a_list_names_the_part() {
        let text = FILE_NAME_REQUIRED.of("attachments", 2);
        assert_eq!(text.say(Language::French), "attachments.2.Le nom du fichier est obligatoire");
    }
}
