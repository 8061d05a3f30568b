//! User texts: tidied on input (D32) and bounded.
//!
//! Characters inserted by phones and word processors must not cost a user their message, so no text
//! is refused for its characters. [`tidied`] is the one rule for messages from all sources;
//! [`tidied_line`] is its counterpart for names, subjects and file names.

#[cfg(test)]
mod tests;
use std::{fmt, mem};

use unicode_normalization::{IsNormalized, UnicodeNormalization as _, is_nfc_quick};
use unicode_segmentation::UnicodeSegmentation as _;

/// The longest message text, in characters (Unicode scalar values).
pub const CONTENT_MAX_CHARS: usize = 10_000;
/// The shortest subject of a new conversation, in characters.
pub const SUBJECT_MIN_CHARS: usize = 3;
/// The longest subject, in characters.
pub const SUBJECT_MAX_CHARS: usize = 200;

/// The most characters that NFC composes into one (UAX #15: no canonical decomposition is longer).
const COMPOSED_OF_MAX_CHARS: usize = 4;

/// Closes an embedding ([`opens_embedding`]) or an override.
const POP_EMBEDDING: char = '\u{202c}';
/// Closes an isolate ([`opens_isolate`]).
const POP_ISOLATE: char = '\u{2069}';

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
}

/// The text of a message as it is stored: line ends become line feeds; control characters other
/// than tab are dropped, and so are bidi overrides; unclosed embeddings and isolates are closed at
/// the end, and unmatched closings dropped; the rest is normalised to NFC. Emoji, joiners,
/// variation selectors and combining marks stay. Idempotent.
#[must_use]
pub fn tidied(text: &str) -> String {
    normalised(balanced(without_controls(text)))
}

/// A name, subject or file name as it is stored: one line. Line breaks and tabs become a space
/// each, every embedding, isolate and override is dropped; otherwise as in [`tidied`].
#[must_use]
pub fn tidied_line(text: &str) -> String {
    normalised(without_embeddings(
        &without_controls(text).replace(['\n', '\t', '\u{2028}', '\u{2029}'], " "),
    ))
}

/// Whether `text` has no visible character: only white space and characters without width.
pub fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || c.is_control() || has_no_width(c))
}

/// `text` without bidi embeddings, isolates and overrides.
pub fn without_embeddings(text: &str) -> String {
    text.chars().filter(|c| !is_bidi_control(*c)).collect()
}

/// Whether tidying removes or moves something that may have been meant: a control character other
/// than tab and line ends, or a bidi override.
pub fn is_untidy(text: &str) -> bool {
    let stays = |c| matches!(c, '\t' | '\n' | '\r');
    text.chars().any(|c| c.is_control() && !stays(c) || is_override(c))
}

fn without_controls(text: &str) -> String {
    let mut after_carriage_return = false;
    let kept = text.chars().filter_map(|c| {
        let ends_the_same_line = mem::replace(&mut after_carriage_return, c == '\r') && c == '\n';
        match c {
            '\n' if ends_the_same_line => None,
            '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' => Some('\n'),
            '\t' => Some('\t'),
            c if c.is_control() => None,
            c => Some(c),
        }
    });
    kept.collect()
}

/// What is open in a text (UAX #9).
#[derive(PartialEq)]
enum Open {
    Embedding,
    /// Was dropped, and so is its end.
    Override,
    Isolate,
}

/// `text` without overrides, with all openings closed in order and unmatched closings dropped.
fn balanced(text: String) -> String {
    if !text.contains(is_bidi_control) {
        return text;
    }
    let (mut out, mut open, mut isolates) = (String::with_capacity(text.len()), Vec::new(), 0);
    for c in text.chars() {
        match c {
            _ if is_override(c) => open.push(Open::Override),
            _ if opens_embedding(c) => {
                open.push(Open::Embedding);
                out.push(c);
            }
            _ if opens_isolate(c) => {
                isolates += 1;
                open.push(Open::Isolate);
                out.push(c);
            }
            POP_EMBEDDING if open.last().is_some_and(|last| *last != Open::Isolate) => {
                close_last(&mut open, &mut out);
            }
            POP_ISOLATE if isolates > 0 => {
                isolates -= 1;
                // The end of an isolate closes everything opened inside it.
                while close_last(&mut open, &mut out) != Some(Open::Isolate) {}
            }
            POP_EMBEDDING | POP_ISOLATE => {}
            c => out.push(c),
        }
    }
    while close_last(&mut open, &mut out).is_some() {}
    out
}

fn close_last(open: &mut Vec<Open>, out: &mut String) -> Option<Open> {
    let last = open.pop();
    match last {
        Some(Open::Embedding) => out.push(POP_EMBEDDING),
        Some(Open::Isolate) => out.push(POP_ISOLATE),
        Some(Open::Override) | None => {}
    }
    last
}

fn normalised(text: impl Into<String>) -> String {
    let text = text.into();
    if is_nfc_quick(text.chars()) == IsNormalized::Yes { text } else { text.nfc().collect() }
}

fn is_override(c: char) -> bool {
    matches!(c, '\u{202d}' | '\u{202e}')
}

fn opens_embedding(c: char) -> bool {
    matches!(c, '\u{202a}' | '\u{202b}')
}

fn opens_isolate(c: char) -> bool {
    matches!(c, '\u{2066}'..='\u{2068}')
}

fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Invisible characters: those that Unicode calls default ignorable, and the Braille blank.
fn has_no_width(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// `text`, if it has at most `max_chars` characters.
fn within(text: String, max_chars: usize) -> Result<String, TextError> {
    // At most four bytes per character: a huge text is refused before it is counted.
    if text.len() > max_chars * 4 || text.chars().count() > max_chars {
        return Err(TextError::TooLong);
    }
    Ok(text)
}

/// The text of a message: at most [`CONTENT_MAX_CHARS`] characters, tidied. Its `Debug` hides the
/// text.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Content(String);

impl Content {
    /// Takes user input, [`tidied`]; a text without visible characters becomes empty.
    ///
    /// # Errors
    /// [`TextError::TooLong`], counted after tidying. An empty text is allowed here; whether a
    /// message may be empty is decided by [`Draft`](crate::conversation::message::Draft).
    pub fn parse(text: impl Into<String>) -> Result<Self, TextError> {
        let text = balanced(without_controls(&text.into()));
        // Refuse early what cannot fit: normalising is expensive.
        let text = within(text, CONTENT_MAX_CHARS * COMPOSED_OF_MAX_CHARS)?;
        if is_blank(&text) {
            return Ok(Self::default());
        }
        within(normalised(text), CONTENT_MAX_CHARS).map(Self)
    }

    /// A text from the store, unchanged; it may be older than the rules of [`tidied`].
    ///
    /// # Errors
    /// [`TextError::TooLong`].
    pub fn stored(text: impl Into<String>) -> Result<Self, TextError> {
        within(text.into(), CONTENT_MAX_CHARS).map(Self)
    }

    /// A text made by us that is known to fit.
    pub(crate) fn trusted(text: String) -> Self {
        debug_assert!(
            Self::parse(text.as_str()).is_ok_and(|parsed| parsed.0 == text),
            "a text of ours does not fit"
        );
        Self(text)
    }

    /// Whether `stored` is this text, possibly stored before texts were [`tidied`].
    pub(crate) fn is_stored_as(&self, stored: &Self) -> bool {
        self == stored || Self::parse(stored.as_str()).as_ref() == Ok(self)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the text is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Content({} bytes)", self.0.len())
    }
}

/// The subject of a conversation: one line of 1 to [`SUBJECT_MAX_CHARS`] characters, tidied. Its
/// `Debug` hides the text.
#[derive(Clone, PartialEq, Eq)]
pub struct Subject(String);

impl Subject {
    /// Takes the subject of a new conversation, tidied by [`tidied_line`].
    ///
    /// # Errors
    /// [`TextError::TooShort`] below [`SUBJECT_MIN_CHARS`], or without visible characters; else as
    /// [`Subject::edit`].
    pub fn open(text: &str) -> Result<Self, TextError> {
        let subject = Self::edit(text)?.ok_or(TextError::TooShort)?;
        let has_enough = subject.0.chars().nth(SUBJECT_MIN_CHARS - 1).is_some();
        has_enough.then_some(subject).ok_or(TextError::TooShort)
    }

    /// A subject made by us that is known to fit.
    pub(crate) fn trusted(text: String) -> Self {
        debug_assert!(
            Self::edit(&text).is_ok_and(|parsed| parsed.is_some_and(|parsed| parsed.0 == text)),
            "a subject of ours does not fit"
        );
        Self(text)
    }

    /// Takes a new subject for an existing conversation, tidied by [`tidied_line`]; `None`, which
    /// removes it, without visible characters.
    ///
    /// # Errors
    /// [`TextError::TooLong`].
    pub fn edit(text: &str) -> Result<Option<Self>, TextError> {
        let text = within(tidied_line(text), SUBJECT_MAX_CHARS)?;
        Ok((!is_blank(&text)).then_some(Self(text)))
    }

    /// A subject from the store, unchanged; `None` when it is empty.
    ///
    /// # Errors
    /// [`TextError::TooLong`].
    pub fn stored(text: &str) -> Result<Option<Self>, TextError> {
        let text = within(text.to_owned(), SUBJECT_MAX_CHARS)?;
        Ok((!text.is_empty()).then_some(Self(text)))
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

/// The beginning of `text`, at most `max_chars` characters, cut between grapheme clusters, so that
/// no emoji loses its colour and no letter its accent. If the first cluster alone is longer, its
/// first `max_chars` characters without a trailing joiner.
pub fn beginning(text: &str, max_chars: usize) -> &str {
    let Some((too_far, _)) = text.char_indices().nth(max_chars) else { return text };
    let ends = text.grapheme_indices(true).map(|(start, cluster)| start + cluster.len());
    let end = ends.take_while(|end| *end <= too_far).last();
    end.map_or_else(|| text[..too_far].trim_end_matches('\u{200d}'), |end| &text[..end])
}
