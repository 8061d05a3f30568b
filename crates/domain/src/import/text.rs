//! Texts of the former system, made to fit.

use super::{Findings, Repair, former::Raw};
use crate::text::{CONTENT_MAX_CHARS, SUBJECT_MAX_CHARS, Subject, has_control};

/// A long text is cut behind a blank when there is one within this many characters before its end.
const CUT_LOOKBACK_CHARS: usize = 200;
/// What stands at the end of a subject that was cut.
const CUT_MARK: char = '…';

/// `raw` without control characters that no keyboard writes.
pub(super) fn without_controls(raw: &str, findings: &mut Findings) -> String {
    if !has_control(raw) {
        return raw.to_owned();
    }
    findings.mended(Repair::ControlCharactersRemoved);
    raw.chars().filter(|c| !c.is_control() || matches!(c, '\t' | '\n' | '\r')).collect()
}

/// The subject; one that is too long is cut.
pub(super) fn subject(raw: Option<&Raw>, findings: &mut Findings) -> Option<Subject> {
    let mut words = without_controls(&raw?.0, findings);
    if words.chars().count() > SUBJECT_MAX_CHARS {
        findings.mended(Repair::SubjectShortened);
        words = words.chars().take(SUBJECT_MAX_CHARS - 1).chain([CUT_MARK]).collect();
    }
    Subject::edit(&words).ok().flatten()
}

/// `text` in pieces that fit into a message each; together they are `text` again. No text: no piece.
pub(super) fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (piece, behind) = rest.split_at(piece_bytes(rest));
        pieces.push(piece);
        rest = behind;
    }
    pieces
}

fn piece_bytes(text: &str) -> usize {
    let Some((end, _)) = text.char_indices().nth(CONTENT_MAX_CHARS) else {
        return text.len();
    };
    let last = text[..end].char_indices().rev().take(CUT_LOOKBACK_CHARS);
    let blank = last.into_iter().find(|(_, c)| c.is_whitespace());
    blank.map_or(end, |(at, c)| at + c.len_utf8())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pieces_fit_and_nothing_is_lost(text in "[ é\u{1f3fd}a]{0,9000}") {
            let pieces = pieces(&text);
            prop_assert_eq!(&pieces.concat(), &text);
            prop_assert!(pieces.iter().all(|it| (1..=CONTENT_MAX_CHARS).contains(&it.chars().count())));
        }
    }

    #[test]
    fn a_long_text_is_cut_between_words_where_it_can_be() {
        let text = format!("{} {}", "a".repeat(CONTENT_MAX_CHARS - 50), "b".repeat(100));
        assert_eq!(pieces(&text)[1], "b".repeat(100));
        let endless = "a".repeat(CONTENT_MAX_CHARS + 1);
        assert_eq!(pieces(&endless)[1], "a");
    }

    #[test]
    fn a_subject_fits_or_is_made_to() {
        let mut findings = Findings::default();
        let mut subject = |words: &str| {
            let subject = subject(Some(&Raw(words.to_owned())), &mut findings);
            subject.map(|subject| subject.as_str().to_owned())
        };
        assert_eq!(subject(""), None);
        assert_eq!(subject("RDV\u{1b}"), Some("RDV".to_owned()));
        let cut = subject(&"é".repeat(SUBJECT_MAX_CHARS + 1)).expect("there is one");
        assert_eq!((cut.chars().count(), cut.ends_with("é…")), (SUBJECT_MAX_CHARS, true));
        assert_eq!(findings.repairs.len(), 2);
    }
}
