//! Texts that people write: tidied on their way in (D32), and bounded.
//!
//! What a phone or a word processor puts into a text must not cost somebody their message, so nothing is
//! refused for its characters. [`tidied`] is the one rule for messages, whichever way they come;
//! [`tidied_line`] is its sister for names, subjects and file names.

#[cfg(test)]
mod tests;
use std::{fmt, mem};

use unicode_normalization::{IsNormalized, UnicodeNormalization as _, is_nfc_quick};
use unicode_segmentation::UnicodeSegmentation as _;

/// The longest message text, in characters (Unicode scalar values).
pub const CONTENT_MAX_CHARS: usize = 10_000;
/// The shortest subject at the opening of a conversation, in characters.
pub const SUBJECT_MIN_CHARS: usize = 3;
/// The longest subject, in characters.
pub const SUBJECT_MAX_CHARS: usize = 200;

/// Composing makes at most so many characters into one (UAX #15: no canonical decomposition is longer).
const COMPOSED_OF_MAX_CHARS: usize = 4;

/// Ends what [`opens_embedding`] or an override began.
const POP_EMBEDDING: char = '\u{202c}';
/// Ends what [`opens_isolate`] began.
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

/// The text of a message as it is stored: line ends are `\n`; other control characters than tab are
/// dropped, and so are overrides of the writing direction; embeddings and isolates that are left open are
/// closed at the end, and what closes none is dropped; the rest is normalised to NFC. Emoji, joiners,
/// variation selectors and combining marks stay. Tidied again, a text stays as it is.
#[must_use]
pub fn tidied(text: &str) -> String {
    normalised(balanced(without_controls(text)))
}

/// A name, a subject or the name of a file as it is stored: one line. Line breaks and tabs become a space
/// each, every embedding, isolate and override is dropped, and otherwise it is as in [`tidied`].
#[must_use]
pub fn tidied_line(text: &str) -> String {
    normalised(without_embeddings(
        &without_controls(text).replace(['\n', '\t', '\u{2028}', '\u{2029}'], " "),
    ))
}

/// Whether nothing of `text` can be seen: it is white space and characters without width.
pub fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || c.is_control() || has_no_width(c))
}

/// `text` without whatever embeds, isolates or overrides the writing direction.
pub fn without_embeddings(text: &str) -> String {
    text.chars().filter(|c| !directs(*c)).collect()
}

/// Whether tidying takes away, or moves to another line, something that may have been meant: a control
/// character other than tab and line ends, or an override of the writing direction.
pub fn is_untidy(text: &str) -> bool {
    let stays = |c| matches!(c, '\t' | '\n' | '\r');
    text.chars().any(|c| c.is_control() && !stays(c) || overrides(c))
}

fn without_controls(text: &str) -> String {
    let mut is_behind_return = false;
    let kept = text.chars().filter_map(|c| {
        let ends_the_same_line = mem::replace(&mut is_behind_return, c == '\r') && c == '\n';
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

/// What a text may leave open (UAX #9).
#[derive(PartialEq)]
enum Open {
    Embedding,
    /// Was dropped, and so is its end.
    Override,
    Isolate,
}

/// `text` without overrides, where whatever is opened is closed, in order, and nothing else is.
fn balanced(text: String) -> String {
    if !text.contains(directs) {
        return text;
    }
    let (mut out, mut open, mut isolates) = (String::with_capacity(text.len()), Vec::new(), 0);
    for c in text.chars() {
        match c {
            _ if overrides(c) => open.push(Open::Override),
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
                // An isolate ends whatever was opened in it.
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

fn overrides(c: char) -> bool {
    matches!(c, '\u{202d}' | '\u{202e}')
}

fn opens_embedding(c: char) -> bool {
    matches!(c, '\u{202a}' | '\u{202b}')
}

fn opens_isolate(c: char) -> bool {
    matches!(c, '\u{2066}'..='\u{2068}')
}

fn directs(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Characters that are there and not seen: those that Unicode calls default ignorable, and the blank of
/// Braille.
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
    // Four bytes a character at the most: a hostile text is refused before it is counted.
    if text.len() > max_chars * 4 || text.chars().count() > max_chars {
        return Err(TextError::TooLong);
    }
    Ok(text)
}

/// The text of a message: at most [`CONTENT_MAX_CHARS`] characters, tidied. Its `Debug` hides the text.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Content(String);

impl Content {
    /// Takes what somebody wrote, [`tidied`]; a text of which then nothing can be seen is empty.
    ///
    /// # Errors
    /// [`TextError::TooLong`], counted after that. An empty text is fine here; whether a message may be
    /// empty is the [`Draft`](crate::conversation::message::Draft)'s rule.
    pub fn parse(text: impl Into<String>) -> Result<Self, TextError> {
        let text = balanced(without_controls(&text.into()));
        // What cannot come to fit is not normalised, which is the dear part.
        let text = within(text, CONTENT_MAX_CHARS * COMPOSED_OF_MAX_CHARS)?;
        if is_blank(&text) {
            return Ok(Self::default());
        }
        within(normalised(text), CONTENT_MAX_CHARS).map(Self)
    }

    /// A text from a store, as it was written there; one may be older than a rule of [`tidied`].
    ///
    /// # Errors
    /// [`TextError::TooLong`].
    pub fn stored(text: impl Into<String>) -> Result<Self, TextError> {
        within(text.into(), CONTENT_MAX_CHARS).map(Self)
    }

    /// A text that we made ourselves, and know to fit.
    pub(crate) fn of_ours(text: String) -> Self {
        debug_assert!(
            Self::parse(text.as_str()).is_ok_and(|parsed| parsed.0 == text),
            "a text of ours does not fit"
        );
        Self(text)
    }

    /// Whether `stored` is this text, or was before it would have been [`tidied`].
    pub(crate) fn is_stored_as(&self, stored: &Self) -> bool {
        self == stored || Self::parse(stored.as_str()).as_ref() == Ok(self)
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

/// What a conversation is about: one line of 1 to [`SUBJECT_MAX_CHARS`] characters, tidied. Its `Debug`
/// hides the text.
#[derive(Clone, PartialEq, Eq)]
pub struct Subject(String);

impl Subject {
    /// Takes the subject of a new conversation, tidied by [`tidied_line`].
    ///
    /// # Errors
    /// [`TextError::TooShort`] below [`SUBJECT_MIN_CHARS`], or when nothing of it can be seen; else as
    /// [`Subject::edit`].
    pub fn open(text: &str) -> Result<Self, TextError> {
        let subject = Self::edit(text)?.ok_or(TextError::TooShort)?;
        let has_enough = subject.0.chars().nth(SUBJECT_MIN_CHARS - 1).is_some();
        has_enough.then_some(subject).ok_or(TextError::TooShort)
    }

    /// A subject that we made ourselves, and know to fit.
    pub(crate) fn of_ours(text: String) -> Self {
        debug_assert!(
            Self::edit(&text).is_ok_and(|parsed| parsed.is_some_and(|parsed| parsed.0 == text)),
            "a subject of ours does not fit"
        );
        Self(text)
    }

    /// Takes the new subject of a conversation that is there, tidied by [`tidied_line`]; one of which
    /// nothing can be seen takes it away.
    ///
    /// # Errors
    /// [`TextError::TooLong`].
    pub fn edit(text: &str) -> Result<Option<Self>, TextError> {
        let text = within(tidied_line(text), SUBJECT_MAX_CHARS)?;
        Ok((!is_blank(&text)).then_some(Self(text)))
    }

    /// A subject from a store, as it was written there; none when it is empty.
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
