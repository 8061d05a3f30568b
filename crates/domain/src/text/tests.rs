use proptest::prelude::*;
use unicode_normalization::is_nfc;

use super::*;

/// Texts of problematic characters among letters.
fn texts() -> impl Strategy<Value = String> {
    let odd = prop::sample::select(vec![
        '\r', '\n', '\u{b}', '\u{c}', '\u{85}', '\t', '\0', '\u{1b}', '\u{7f}', '\u{9f}',
        '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}', '\u{2066}', '\u{2067}',
        '\u{2068}', '\u{2069}', '\u{2028}', '\u{2029}', 'e', '\u{301}', '\u{327}', '\u{200d}',
        '\u{fe0f}', '\u{958}', '\u{fb2c}', '\u{1100}', '\u{1161}', '\u{212b}', '\u{feff}', ' ',
    ]);
    let chars = prop_oneof![3 => odd, 1 => any::<char>()];
    prop::collection::vec(chars, 0..80).prop_map(|chars| chars.into_iter().collect())
}

/// Whether everything `text` opens is closed in order, and nothing else.
fn is_balanced(text: &str) -> bool {
    let mut open = vec![];
    for c in text.chars() {
        match c {
            '\u{202a}' | '\u{202b}' => open.push('\u{202c}'),
            '\u{2066}'..='\u{2068}' => open.push('\u{2069}'),
            '\u{202c}' | '\u{2069}' if open.pop() != Some(c) => return false,
            _ => {}
        }
    }
    open.is_empty()
}

proptest! {
    #[test]
    fn a_tidied_text_holds_nothing_forbidden_and_stays_as_it_is(text in texts()) {
        let tidy = tidied(&text);
        let forbidden = |c: char| c.is_control() && !matches!(c, '\t' | '\n') || is_override(c);
        prop_assert!(!tidy.contains(forbidden), "{tidy:?}");
        prop_assert!(is_balanced(&tidy), "{tidy:?}");
        prop_assert!(is_nfc(&tidy), "{tidy:?}");
        prop_assert_eq!(tidied(&tidy), tidy);
    }

    #[test]
    fn a_tidied_line_is_one_line_and_turns_nothing(text in texts()) {
        let line = tidied_line(&text);
        let forbidden = |c: char| c.is_control() || is_bidi_control(c) || "\u{2028}\u{2029}".contains(c);
        prop_assert!(!line.contains(forbidden), "{line:?}");
        prop_assert!(is_nfc(&line), "{line:?}");
        prop_assert_eq!(tidied_line(&line), line);
    }

    #[test]
    fn accepted_content_fits_and_is_unchanged_when_parsed_again(text in texts(), times in 1_usize..400) {
        let long = text.repeat(times);
        match Content::parse(long.as_str()) {
            Ok(content) => {
                prop_assert!(content.as_str().chars().count() <= CONTENT_MAX_CHARS);
                prop_assert_eq!(content.is_empty(), is_blank(content.as_str()));
                prop_assert_eq!(Content::parse(content.as_str()), Ok(content.clone()));
                prop_assert!(Content::stored(content.as_str()).is_ok());
            }
            Err(error) => {
                prop_assert_eq!(error, TextError::TooLong);
                prop_assert!(tidied(&long).chars().count() > CONTENT_MAX_CHARS);
            }
        }
    }

    #[test]
    fn letters_and_emoji_are_not_touched(text in "[ a-zà-ÿ0-9👩🏽🎨‍️\n\t]{0,60}") {
        prop_assert_eq!(tidied(&text), text);
    }
}

#[test]
fn control_characters_of_word_processors_are_dropped_or_replaced() {
    let table = [
        ("ligne\u{b}suite", "ligne\nsuite"),
        ("a\r\nb\rc\u{c}d\u{85}e\n\nf", "a\nb\nc\nd\ne\n\nf"),
        ("a\u{2}b\0\u{7f}\u{9b}", "ab"),
        (
            "Samedi ?\r\n\t👩🏽\u{200d}🎨 \u{a0}oui ❤\u{fe0f}",
            "Samedi ?\n\t👩🏽\u{200d}🎨 \u{a0}oui ❤\u{fe0f}",
        ),
        ("e\u{301}te\u{301}", "été"),
        ("e\u{2}\u{301}", "é"),
        ("q\u{307}\u{323}", "q\u{323}\u{307}"),
        ("\u{1112}\u{1161}\u{11ab}", "한"),
        ("\u{feff}Bonjour", "\u{feff}Bonjour"),
    ];
    for (written, stored) in table {
        assert_eq!(Content::parse(written).expect("fits").as_str(), stored, "{written:?}");
    }
}

#[test]
fn a_text_cannot_change_the_direction_of_what_follows_it() {
    let table = [
        ("a\u{202e}b", "ab"),
        ("a\u{202d}b\u{202c}c", "abc"),
        ("\u{202b}שלום", "\u{202b}שלום\u{202c}"),
        ("\u{2067}שלום", "\u{2067}שלום\u{2069}"),
        ("\u{2068}a\u{202a}b", "\u{2068}a\u{202a}b\u{202c}\u{2069}"),
        ("\u{2068}a\u{202a}b\u{2069}c", "\u{2068}a\u{202a}b\u{202c}\u{2069}c"),
        ("\u{202a}a\u{202e}b\u{202c}c\u{202c}d", "\u{202a}abc\u{202c}d"),
        ("\u{202a}a\u{2066}b\u{202c}c\u{2069}", "\u{202a}a\u{2066}bc\u{2069}\u{202c}"),
        ("a\u{202c}\u{2069}b", "ab"),
    ];
    for (written, stored) in table {
        assert_eq!(tidied(written), stored, "{written:?}");
    }
}

#[test]
fn a_name_is_one_line() {
    let table = [
        ("Léa\u{b}Roux", "Léa Roux"),
        ("a\r\nb\tc\u{2028}d", "a b c d"),
        ("\u{202e}Léa\u{2067}\u{202c}", "Léa"),
        ("a\u{2}b", "ab"),
        ("Le\u{301}a 👩\u{200d}🎨", "Léa 👩\u{200d}🎨"),
    ];
    for (written, stored) in table {
        assert_eq!(tidied_line(written), stored, "{written:?}");
    }
}

#[test]
fn an_invisible_text_is_empty() {
    for blank in [
        "",
        " ",
        "\u{a0}\u{3000}\n\t",
        "\u{200b}",
        "\u{feff}\u{2060}",
        "\u{200d}\u{fe0f}",
        "\u{ad}",
        "\u{2067} \u{202e}",
        "\u{3164}",
        "\u{2800}",
        "\0",
        "\u{e0020}",
    ] {
        assert!(Content::parse(blank).expect("fits").is_empty(), "{blank:?}");
        assert_eq!(Subject::edit(blank), Ok(None), "{blank:?}");
        assert_eq!(Subject::open(&blank.repeat(4)), Err(TextError::TooShort), "{blank:?}");
    }
    for seen in [".", "\u{200b}a", "\u{301}", "👩"] {
        assert!(!Content::parse(seen).expect("fits").is_empty(), "{seen:?}");
    }
}

#[test]
fn a_message_may_be_as_long_as_promised_and_no_longer() {
    let longest = "é".repeat(CONTENT_MAX_CHARS);
    assert_eq!(Content::parse(longest.as_str()).expect("fits").as_str(), longest);
    assert_eq!(Content::stored(longest.as_str()).expect("fits").as_str(), longest);
    let longer = longest.clone() + "é";
    assert_eq!(Content::parse(longer.as_str()), Err(TextError::TooLong));
    assert_eq!(Content::stored(longer), Err(TextError::TooLong));
    assert_eq!(Content::parse("x".repeat(1_000_000)), Err(TextError::TooLong));
}

#[test]
fn a_text_is_counted_as_it_is_stored() {
    let decomposed = "e\u{301}".repeat(CONTENT_MAX_CHARS);
    assert_eq!(Content::parse(decomposed).expect("fits").as_str(), "é".repeat(CONTENT_MAX_CHARS));
    let lines = "a\r\n".repeat(CONTENT_MAX_CHARS / 2);
    assert!(Content::parse(lines).is_ok());
    assert!(Content::parse("a".to_owned() + &"\0".repeat(1_000_000)).is_ok());
    // U+0958 has no composed form in NFC, so it counts as two characters.
    assert_eq!(Content::parse("\u{958}".repeat(CONTENT_MAX_CHARS)), Err(TextError::TooLong));
    // Each embedding is closed at the end.
    assert_eq!(Content::parse("\u{202b}a".repeat(CONTENT_MAX_CHARS / 2)), Err(TextError::TooLong));
}

#[test]
fn a_stored_text_is_unchanged() {
    let old = "a\r\nb\u{202e}e\u{301}";
    assert_eq!(Content::stored(old).expect("fits").as_str(), old);
    assert_eq!(Subject::stored(old).expect("fits").expect("kept").as_str(), old);
    assert_eq!(Subject::stored(""), Ok(None));
    let retried = Content::parse(old).expect("fits");
    assert!(retried.is_stored_as(&Content::stored(old).expect("fits")));
    assert!(retried.is_stored_as(&retried));
    assert!(!retried.is_stored_as(&Content::parse("a\nb").expect("fits")));
}

#[test]
fn a_subject_is_short_but_not_too_short() {
    assert_eq!(Subject::open("ab"), Err(TextError::TooShort));
    assert_eq!(Subject::open("ab\0"), Err(TextError::TooShort));
    assert_eq!(Subject::open("Épi").expect("fits").as_str(), "Épi");
    assert_eq!(Subject::open("Bras\u{b}gauche").expect("fits").as_str(), "Bras gauche");
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
