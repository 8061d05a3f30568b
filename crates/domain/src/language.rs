//! The languages that we write to people in.

/// A language. Without a better hint it is French.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Language {
    /// `fr`.
    #[default]
    French,
    /// `en`.
    English,
}

impl Language {
    /// The language of a locale such as `en-GB` (BCP 47) or `en_GB`; `None` when we do not write it.
    pub fn of_locale(locale: &str) -> Option<Self> {
        let language = locale.split(['-', '_']).next().unwrap_or_default();
        match language.to_ascii_lowercase().as_str() {
            "fr" => Some(Self::French),
            "en" => Some(Self::English),
            _ => None,
        }
    }

    /// The language's code (ISO 639-1).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::French => "fr",
            Self::English => "en",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locale_has_a_language_or_none_of_ours() {
        for language in [Language::French, Language::English] {
            assert_eq!(Language::of_locale(language.as_str()), Some(language));
        }
        assert_eq!(Language::of_locale("EN_gb"), Some(Language::English));
        assert_eq!(Language::of_locale("fr-CH"), Some(Language::French));
        assert_eq!(Language::of_locale("de"), None);
        assert_eq!(Language::of_locale(""), None);
    }
}
