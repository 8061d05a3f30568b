//! Tidies texts, and cuts or splits those that are too long.

use domain::text::{
    CONTENT_MAX_CHARS, Content, SUBJECT_MAX_CHARS, Subject, beginning, is_untidy, tidied,
    tidied_line, without_embeddings,
};

use super::{Findings, Repair, rows::Raw};

/// A long text is split behind a blank if there is one within this many characters before the end of the piece.
const CUT_LOOKBACK_CHARS: usize = 200;
/// The end of a subject that was cut.
const CUT_MARK: char = '…';

/// `raw` as a name or a subject, tidied like those of requests.
pub(super) fn line(raw: &str, findings: &mut Findings) -> String {
    note_untidy(raw, findings);
    tidied_line(raw)
}

/// The subject, cut if it is too long.
pub(super) fn subject(raw: Option<&Raw>, findings: &mut Findings) -> Option<Subject> {
    let mut subject = line(&raw?.0, findings);
    if subject.chars().count() > SUBJECT_MAX_CHARS {
        findings.repaired(Repair::SubjectShortened);
        subject = format!("{}{CUT_MARK}", beginning(&subject, SUBJECT_MAX_CHARS - 1));
    }
    Subject::edit(&subject).ok().flatten()
}

/// `raw`, tidied like texts of requests, in pieces that each fit into a message. Only blanks between pieces are lost;
/// there is no piece without visible text.
pub(super) fn contents(raw: &str, findings: &mut Findings) -> Vec<Content> {
    note_untidy(raw, findings);
    let text = tidied(raw);
    if let Ok(content) = Content::parse(text.as_str()) {
        return if content.is_empty() { Vec::new() } else { vec![content] };
    }
    // A bidirectional embedding that is split would not be closed.
    let text = without_embeddings(&text);
    let pieces = pieces(&text).into_iter().filter_map(|piece| Content::parse(piece).ok());
    pieces.filter(|piece| !piece.is_empty()).collect()
}

fn note_untidy(raw: &str, findings: &mut Findings) {
    findings.repaired_times(Repair::ControlCharactersRemoved, u64::from(is_untidy(raw)));
}

/// `text` in pieces that each fit into a message; joined, they are `text`.
fn pieces(text: &str) -> Vec<&str> {
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
    blank.map_or_else(|| unbroken_bytes(text, end), |(at, c)| at + c.len_utf8())
}

/// The length of the longest beginning of `text` that fits, `max_bytes` at most, and splits no grapheme cluster.
fn unbroken_bytes(text: &str, max_bytes: usize) -> usize {
    match beginning(text, CONTENT_MAX_CHARS).len() {
        0 => max_bytes,
        bytes => bytes,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pieces_fit_and_nothing_is_lost(
            some in "[ é\u{1f3fd}a\u{202b}\u{202c}]{0,300}",
            times in 0_usize..100,
        ) {
            let text = some.repeat(times);
            let contents = contents(&text, &mut Findings::default());
            let seen = |text: &str| without_embeddings(text).replace(' ', "");
            let all: String = contents.iter().map(Content::as_str).collect();
            prop_assert_eq!(seen(&all), seen(&text));
            let fits = |it: &Content| (1..=CONTENT_MAX_CHARS).contains(&it.as_str().chars().count());
            prop_assert!(contents.iter().all(fits));
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
    fn a_text_is_tidied_like_others_and_counted() {
        let mut findings = Findings::default();
        let mut words = |raw: &str| {
            let contents = contents(raw, &mut findings);
            contents.iter().map(|it| it.as_str().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(words("a\r\nb"), ["a\nb"]);
        assert_eq!(words("ligne\u{b}suite"), ["ligne\nsuite"]);
        assert_eq!(words("a\u{202e}b"), ["ab"]);
        assert!(words(" \u{200b}\n").is_empty());
        let long = format!("a{}b", " ".repeat(2 * CONTENT_MAX_CHARS));
        assert_eq!(words(&long).len(), 2);
        assert_eq!(findings.repairs, [(Repair::ControlCharactersRemoved, 2)].into());
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

    #[test]
    fn nothing_is_cut_inside_what_readers_see_as_one_character() {
        let family = "\u{1f469}\u{200d}\u{1f469}\u{200d}\u{1f467}";
        let long = Raw(format!("{}{family}s", "a".repeat(SUBJECT_MAX_CHARS - 3)));
        let cut = subject(Some(&long), &mut Findings::default()).expect("there is one");
        assert_eq!(cut.as_str(), format!("{}…", "a".repeat(SUBJECT_MAX_CHARS - 3)));
        let long = format!("{}{family}", "a".repeat(CONTENT_MAX_CHARS - 2));
        assert_eq!(pieces(&long), ["a".repeat(CONTENT_MAX_CHARS - 2).as_str(), family]);
        // Nobody writes one that fills a message alone; it is cut somewhere.
        let endless = "\u{200d}".repeat(CONTENT_MAX_CHARS + 1);
        assert_eq!(pieces(&endless).concat(), endless);
    }
}
