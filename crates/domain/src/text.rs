//! Texts that people write: bounded, and free of control characters.

use std::fmt;

use unicode_segmentation::UnicodeSegmentation as _;

/// The longest message text, in characters (Unicode scalar values).
pub const CONTENT_MAX_CHARS: usize = 4_000;
/// The shortest subject at the opening of a conversation, in characters.
pub const SUBJECT_MIN_CHARS: usize = 3;
/// The longest subject, in characters.
pub const SUBJECT_MAX_CHARS: usize = 200;

/// Why a text was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing is written where something must be.
    #[error("the text is empty")]
    Empty,
    /// Shorter than allowed.
    #[error("the text is too short")]
    TooShort,
    /// Longer than allowed.
    #[error("the text is too long")]
    TooLong,
    /// It holds a control character other than tab, line feed and carriage return.
    #[error("the text holds a control character")]
    ControlCharacter,
}

/// Whether `text` holds a control character that no keyboard writes into a message.
pub(crate) fn has_control(text: &str) -> bool {
    text.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r'))
}

fn bounded(text: &str, max_chars: usize) -> Result<(), TextError> {
    // Four bytes a character at the most: a hostile text is refused before it is counted.
    if text.len() > max_chars * 4 || text.chars().count() > max_chars {
        return Err(TextError::TooLong);
    }
    if has_control(text) {
        return Err(TextError::ControlCharacter);
    }
    Ok(())
}

/// The text of a message: at most [`CONTENT_MAX_CHARS`] characters. Its `Debug` hides the text.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Content(String);

impl Content {
    /// Takes `text` as it is, blanks included.
    ///
    /// # Errors
    /// [`TextError::TooLong`], [`TextError::ControlCharacter`]. An empty text is fine here; whether
    /// a message may be empty is the [`Draft`](crate::message::Draft)'s rule.
    pub fn parse(text: impl Into<String>) -> Result<Self, TextError> {
        let text = text.into();
        bounded(&text, CONTENT_MAX_CHARS)?;
        Ok(Self(text))
    }

    /// A text that we made ourselves, and know to fit.
    pub(crate) fn of_ours(text: String) -> Self {
        debug_assert!(bounded(&text, CONTENT_MAX_CHARS).is_ok(), "a text of ours does not fit");
        Self(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether nothing is written.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Content({} bytes)", self.0.len())
    }
}

/// What a conversation is about: 1 to [`SUBJECT_MAX_CHARS`] characters. Its `Debug` hides the text.
#[derive(Clone, PartialEq, Eq)]
pub struct Subject(String);

impl Subject {
    /// Takes the subject of a new conversation.
    ///
    /// # Errors
    /// [`TextError::TooShort`] below [`SUBJECT_MIN_CHARS`]; else as [`Subject::edit`].
    pub fn open(text: &str) -> Result<Self, TextError> {
        if text.chars().take(SUBJECT_MIN_CHARS).count() < SUBJECT_MIN_CHARS {
            return Err(TextError::TooShort);
        }
        bounded(text, SUBJECT_MAX_CHARS)?;
        Ok(Self(text.to_owned()))
    }

    /// A subject that we made ourselves, and know to fit.
    pub(crate) fn of_ours(text: String) -> Self {
        debug_assert!(bounded(&text, SUBJECT_MAX_CHARS).is_ok(), "a subject of ours does not fit");
        Self(text)
    }

    /// Takes the new subject of a conversation that is there; the empty text takes it away.
    ///
    /// # Errors
    /// [`TextError::TooLong`], [`TextError::ControlCharacter`].
    pub fn edit(text: &str) -> Result<Option<Self>, TextError> {
        bounded(text, SUBJECT_MAX_CHARS)?;
        Ok((!text.is_empty()).then(|| Self(text.to_owned())))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Subject({} bytes)", self.0.len())
    }
}

/// The beginning of `text`, at most `max_chars` characters long, that ends between two of what readers see as
/// characters (grapheme clusters): no emoji loses its colour and no letter its accent. Of what begins with a
/// longer cluster than that, as nobody writes it, it is the first `max_chars` characters, without a joiner at
/// their end.
pub fn beginning(text: &str, max_chars: usize) -> &str {
    let Some((too_far, _)) = text.char_indices().nth(max_chars) else { return text };
    let ends = text.grapheme_indices(true).map(|(start, cluster)| start + cluster.len());
    let end = ends.take_while(|end| *end <= too_far).last();
    end.map_or_else(|| text[..too_far].trim_end_matches('\u{200d}'), |end| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_may_be_as_long_as_promised_and_no_longer() {
        let longest = "é".repeat(CONTENT_MAX_CHARS);
        assert_eq!(Content::parse(longest.as_str()).expect("fits").as_str(), longest);
        assert_eq!(Content::parse(longest + "é"), Err(TextError::TooLong));
        assert_eq!(Content::parse("x".repeat(1_000_000)), Err(TextError::TooLong));
    }

    #[test]
    fn lines_and_emoji_pass_and_control_characters_do_not() {
        assert!(Content::parse("Samedi ?\r\n\t👩🏽‍🎨 \u{a0}oui").is_ok());
        for text in ["\0", "a\u{1b}[31m", "\u{7f}", "\u{85}"] {
            assert_eq!(Content::parse(text), Err(TextError::ControlCharacter), "{text:?}");
        }
    }

    #[test]
    fn a_subject_is_short_but_not_too_short() {
        assert_eq!(Subject::open("ab"), Err(TextError::TooShort));
        assert_eq!(Subject::open("Épi").expect("fits").as_str(), "Épi");
        assert_eq!(Subject::open(&"x".repeat(SUBJECT_MAX_CHARS + 1)), Err(TextError::TooLong));
        assert_eq!(Subject::edit(""), Ok(None));
        assert_eq!(Subject::edit("ab").expect("fits").expect("kept").as_str(), "ab");
    }

    #[test]
    fn what_people_write_does_not_reach_a_log_through_debug() {
        let secret = "rendez-vous secret";
        let content = Content::parse(secret).expect("fits");
        let subject = Subject::open(secret).expect("fits");
        assert!(!format!("{content:?}{subject:?}").contains("secret"));
    }

    #[test]
    fn a_text_is_cut_between_what_readers_see_as_characters() {
        let artist = "👩🏽\u{200d}🎨";
        let flag = "🇫🇷";
        let accent = "e\u{301}";
        let table = [
            ("abc".to_owned(), 3, "abc"),
            ("abcd".to_owned(), 3, "abc"),
            (format!("ab{artist}c"), 5, "ab"),
            (format!("ab{artist}c"), 6, "ab👩🏽\u{200d}🎨"),
            (format!("{flag}{flag}"), 3, flag),
            (format!("caf{accent}s"), 4, "caf"),
            (format!("caf{accent}s"), 5, "cafe\u{301}"),
            ("a\r\nb".to_owned(), 2, "a"),
            (format!("e{}", "\u{301}".repeat(50)), 3, "e\u{301}\u{301}"),
            ("abc".to_owned(), 0, ""),
            (String::new(), 3, ""),
        ];
        for (text, max_chars, cut) in table {
            assert_eq!(beginning(&text, max_chars), cut, "{text} to {max_chars}");
        }
    }
}
