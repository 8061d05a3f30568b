//! The content of a mail, before it is rendered.

use domain::{
    mail::{ConversationDigest, Email, Quote},
    participant::{Language, NAMELESS, Participant, ShownNames},
    text::beginning,
    time::Zone,
};

use crate::{
    addresses::Site,
    words::{Words, english::English, french::French},
};

/// With more conversations, only the newest message of each is quoted: programs cut mails of more than about 100 kB, and
/// with them the unsubscribe link.
const FULLY_QUOTED_CONVERSATIONS_MAX: usize = 10;

/// The texts of a mail, all of them plain.
pub(crate) struct Page {
    pub(crate) words: &'static dyn Words,
    /// The author, if all messages are of one person with a name.
    pub(crate) writer: Option<String>,
    pub(crate) subject: String,
    /// The name in the header and the footer.
    pub(crate) heading: String,
    pub(crate) title: &'static str,
    pub(crate) greeting: String,
    pub(crate) news: String,
    pub(crate) sections: Vec<Section>,
    pub(crate) takes_replies: bool,
    pub(crate) why: &'static str,
    pub(crate) preferences_url: String,
    pub(crate) unsubscribe_url: String,
}

/// The section of one conversation.
pub(crate) struct Section {
    pub(crate) title: String,
    /// The number of unread messages, if the title does not have it.
    pub(crate) count: Option<String>,
    pub(crate) topic: Option<String>,
    pub(crate) quotes: Vec<QuoteView>,
    pub(crate) more: Option<String>,
    pub(crate) url: String,
}

/// A quoted message.
pub(crate) struct QuoteView {
    pub(crate) at: String,
    pub(crate) lines: Vec<String>,
    pub(crate) files: Option<String>,
}

/// The values of a page that are not part of the email.
pub(crate) struct PageContext<'a> {
    pub(crate) sender_name: &'a str,
    pub(crate) site: &'a Site,
    pub(crate) takes_replies: bool,
    pub(crate) unsubscribe_url: String,
}

impl Page {
    pub(crate) fn of(email: &Email, context: PageContext<'_>) -> Self {
        let words = words(email.recipient.profile.language.unwrap_or_default());
        let messages = email.chapters.iter().map(|chapter| chapter.messages.max(1)).sum();
        let conversations = email.chapters.len();
        let writer = only_writer(email).map(name);
        let (subject, news) = match &writer {
            Some(name) => (words.subject(messages, name), words.news(messages, name)),
            None => (
                words.digest_subject(messages, conversations),
                words.digest_news(messages, conversations),
            ),
        };
        let first_name = email.recipient.profile.first_name.as_deref();
        let first_name = first_name.map(|name| line(name, NAME_MAX_CHARS));
        let section =
            |chapter| Section::of(chapter, words, &email.zone, context.site, conversations);
        Self {
            words,
            subject,
            heading: writer.clone().unwrap_or_else(|| context.sender_name.to_owned()),
            title: words.title(messages),
            greeting: words.greeting(first_name.as_deref().filter(|name| !name.is_empty())),
            news,
            sections: email.chapters.iter().map(section).collect(),
            takes_replies: context.takes_replies,
            why: words.why(messages),
            preferences_url: context.site.preferences(),
            unsubscribe_url: context.unsubscribe_url,
            writer,
        }
    }
}

impl Section {
    /// The section of one of `conversations`.
    fn of(
        chapter: &ConversationDigest,
        words: &dyn Words,
        zone: &Zone,
        site: &Site,
        conversations: usize,
    ) -> Self {
        let is_only = conversations == 1;
        let messages = chapter.messages.max(1);
        let quotes_max =
            if conversations > FULLY_QUOTED_CONVERSATIONS_MAX { 1 } else { chapter.quotes.len() };
        let excerpt = if is_only { LONG } else { SHORT };
        let quotes = chapter.quotes.iter().take(quotes_max);
        let quotes: Vec<_> =
            quotes.map(|quote| QuoteView::of(quote, words, zone, excerpt)).collect();
        let unquoted = messages.saturating_sub(quotes.len() as u64);
        let topic = chapter.subject.as_ref();
        let topic = topic.map(|topic| line(topic.as_str(), TOPIC_MAX_CHARS));
        Self {
            title: if is_only { words.latest(messages).to_owned() } else { name(&chapter.writer) },
            count: (!is_only).then(|| words.count(messages)),
            topic: topic.filter(|topic| !topic.is_empty()),
            quotes,
            more: (unquoted > 0).then(|| words.more(unquoted)),
            url: site.conversation(&chapter.conversation),
        }
    }
}

impl QuoteView {
    fn of(quote: &Quote, words: &dyn Words, zone: &Zone, excerpt: Excerpt) -> Self {
        let lines = quotation(quote.words.as_str(), excerpt);
        Self {
            at: format!("{} {}", zone.day(quote.at), zone.minute(quote.at)),
            lines: if lines.iter().all(String::is_empty) { Vec::new() } else { lines },
            files: (quote.files > 0).then(|| words.files(quote.files)),
        }
    }
}

/// The texts in `language`.
fn words(language: Language) -> &'static dyn Words {
    match language {
        Language::French => &French,
        Language::English => &English,
    }
}

/// The author, if all conversations have the same.
fn only_writer(email: &Email) -> Option<&Participant> {
    let mut writers = email.chapters.iter().map(|chapter| &chapter.writer);
    let first = writers.next()?;
    writers.all(|writer| writer.id == first.id).then_some(first)
}

/// The name of the salon, else the first other name; of an erased person, the full replacement name.
fn name(writer: &Participant) -> String {
    if writer.is_forgotten {
        return writer.display_name();
    }
    let ShownNames { first, last, salon } = writer.shown_names();
    let mut names = [salon, first, last].into_iter().flatten();
    names
        .find_map(|name| Some(line(name, NAME_MAX_CHARS)).filter(|name| !name.is_empty()))
        .unwrap_or_else(|| NAMELESS.to_owned())
}

// Texts of people, made safe for a mail.

/// The maximum length of a name, in characters.
pub(crate) const NAME_MAX_CHARS: usize = 60;
/// The maximum length of the subject of a conversation, in characters.
pub(crate) const TOPIC_MAX_CHARS: usize = 100;
/// How much of a message is quoted in a mail about one conversation.
pub(crate) const LONG: Excerpt = Excerpt { chars_max: 500, lines_max: 12 };
/// How much of a message is quoted in a mail about several.
pub(crate) const SHORT: Excerpt = Excerpt { chars_max: 200, lines_max: 4 };
/// How far before the limit a cut looks for a blank, in characters.
const BLANK_WITHIN_CHARS: usize = 30;

/// How much of a message is quoted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Excerpt {
    chars_max: usize,
    lines_max: usize,
}

/// `text` on one line, without characters that reorder or hide text; runs of blanks become one.
pub(crate) fn line(text: &str, max_chars: usize) -> String {
    let visible: String = text.chars().filter(|c| !hides(*c)).map(blank_for_control).collect();
    let words: Vec<&str> = visible.split_whitespace().collect();
    // Begins an encoded word (RFC 2047), which could decode to a line end.
    cut(&words.join(" ").replace("=?", "= ?"), max_chars)
}

/// The quoted lines of a message.
pub(crate) fn quotation(text: &str, excerpt: Excerpt) -> Vec<String> {
    let text = cut(text.trim(), excerpt.chars_max).replace("\r\n", "\n");
    let breaks = ['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'];
    let mut lines: Vec<String> = text.split(breaks).map(visible).collect();
    lines.dedup_by(|next, last| next.is_empty() && last.is_empty());
    if lines.len() > excerpt.lines_max {
        lines.truncate(excerpt.lines_max);
        lines.push("…".to_owned());
    }
    lines
}

fn visible(line: &str) -> String {
    let visible: String = line.chars().filter(|c| !hides(*c)).map(blank_for_control).collect();
    visible.trim_end().to_owned()
}

fn blank_for_control(c: char) -> char {
    if c.is_control() { ' ' } else { c }
}

/// Marks that reorder text, and zero-width characters, except joiners: emoji and some scripts need them.
fn hides(c: char) -> bool {
    matches!(c,
        '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// At most `max_chars` characters, with an ellipsis if it was cut. Splits no grapheme cluster.
fn cut(text: &str, max_chars: usize) -> String {
    if text.chars().count() <= max_chars {
        return text.to_owned();
    }
    // Leaves room for the ellipsis.
    let kept = beginning(text, max_chars.saturating_sub(1));
    let near_end = kept.char_indices().rev().take(BLANK_WITHIN_CHARS);
    let at_blank = near_end.into_iter().find(|(_, c)| c.is_whitespace()).map(|(at, _)| at);
    // If the rest begins with a blank, the last word is complete.
    let is_complete = text[kept.len()..].starts_with(char::is_whitespace);
    let kept = if is_complete { kept } else { &kept[..at_blank.unwrap_or(kept.len())] };
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_visible_line() {
        let table = [
            ("  Encre\r\nBcc: x@example.org  Noire ", "Encre Bcc: x@example.org Noire"),
            ("Léa\u{202e}moc.knab", "Léamoc.knab"),
            ("a\u{2028}b\u{85}c\0d", "a b c d"),
            ("👩\u{200d}🎨 ليلى", "👩\u{200d}🎨 ليلى"),
            ("=?utf-8?q?=0A?=", "= ?utf-8?q?=0A?="),
            ("\u{200b}\u{feff}\u{2069}", ""),
        ];
        for (name, shown) in table {
            assert_eq!(line(name, NAME_MAX_CHARS), shown, "{name:?}");
        }
    }

    #[test]
    fn what_is_too_long_is_cut_at_a_blank_or_anywhere() {
        assert_eq!(line("one two three", 9), "one two…");
        let long = line(&"é".repeat(4_000), NAME_MAX_CHARS);
        assert_eq!((long.chars().count(), long.ends_with('…')), (NAME_MAX_CHARS, true));
        assert_eq!(line(&"x".repeat(NAME_MAX_CHARS), NAME_MAX_CHARS).len(), NAME_MAX_CHARS);
    }

    #[test]
    fn what_readers_see_as_one_character_is_whole_or_not_there() {
        let artist = "👩🏽\u{200d}🎨";
        let table = [
            ("👩\u{200d}🎨🎨".to_owned(), 3, "👩…".to_owned()),
            (format!("a{artist}{artist}"), 6, format!("a{artist}…")),
            (format!("a{artist}{artist}"), 8, format!("a{artist}…")),
            (format!("a{artist}{artist}"), 9, format!("a{artist}{artist}")),
            ("🇫🇷🇧🇪🇨🇭".to_owned(), 5, "🇫🇷🇧🇪…".to_owned()),
            ("cafe\u{301}s".to_owned(), 5, "caf…".to_owned()),
            ("नमस्ते दुनिया".to_owned(), 3, "नम…".to_owned()),
            // A cluster that is too long is cut inside.
            (format!("e{}", "\u{301}".repeat(4_000)), 4, "e\u{301}\u{301}…".to_owned()),
        ];
        for (text, max_chars, shown) in table {
            assert_eq!(cut(&text, max_chars), shown, "{text} to {max_chars}");
            assert!(cut(&text, max_chars).chars().count() <= max_chars, "{text}");
        }
    }

    #[test]
    fn a_quotation_ends_between_characters() {
        let text = format!("{}👩🏽\u{200d}🎨👩🏽\u{200d}🎨", "x".repeat(LONG.chars_max - 6));
        let quoted = quotation(&text, LONG);
        assert_eq!(quoted, [format!("{}👩🏽\u{200d}🎨…", "x".repeat(LONG.chars_max - 6))]);
        let name = line(&format!("{}👩🏽\u{200d}🎨", "x".repeat(NAME_MAX_CHARS - 3)), NAME_MAX_CHARS);
        assert_eq!(name, format!("{}…", "x".repeat(NAME_MAX_CHARS - 3)));
    }

    #[test]
    fn a_quotation_keeps_its_lines_and_is_short() {
        assert_eq!(quotation("\none\r\n\n\n\n two \n", LONG), ["one", "", " two"]);
        let many = quotation(&"a\n".repeat(200), LONG);
        assert_eq!((many.len(), many.last().map(String::as_str)), (13, Some("…")));
        let long = quotation(&"word ".repeat(800), SHORT).concat();
        assert!(long.chars().count() <= SHORT.chars_max && long.ends_with("word…"), "{long}");
        assert_eq!(quotation("", LONG), [""]);
    }
}
