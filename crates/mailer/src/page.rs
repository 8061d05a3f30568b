//! What a mail says, before it is laid out.

use domain::{
    mail::{ConversationDigest, Email, Quote},
    participant::{NAMELESS, Participant, ShownNames},
    time::Zone,
};

use crate::{
    addresses::Site,
    plain::{self, Excerpt, NAME_MAX_CHARS, TOPIC_MAX_CHARS},
    words::{Words, words},
};

/// With more conversations than these, only the newest message of each is quoted: programs cut mails of
/// more than about 100 kB, and with that the way out.
const CONVERSATIONS_AT_LENGTH_MAX: usize = 10;

/// A mail in words, all of them plain text.
pub(crate) struct Page {
    pub(crate) words: &'static dyn Words,
    /// Who writes, when it is one person with a name.
    pub(crate) writer: Option<String>,
    pub(crate) subject: String,
    /// The name at the top and at the bottom.
    pub(crate) heading: String,
    pub(crate) title: &'static str,
    pub(crate) greeting: String,
    pub(crate) news: String,
    pub(crate) cards: Vec<Section>,
    pub(crate) takes_replies: bool,
    pub(crate) why: &'static str,
    pub(crate) preferences_url: String,
    pub(crate) unsubscribe_url: String,
}

/// What is said of one conversation.
pub(crate) struct Section {
    pub(crate) title: String,
    /// How many messages wait, where the title does not tell.
    pub(crate) count: Option<String>,
    pub(crate) topic: Option<String>,
    pub(crate) quotes: Vec<QuoteView>,
    pub(crate) more: Option<String>,
    pub(crate) url: String,
}

/// One message.
pub(crate) struct QuoteView {
    pub(crate) at: String,
    pub(crate) lines: Vec<String>,
    pub(crate) files: Option<String>,
}

/// What a page takes beside the letter.
pub(crate) struct Surround<'a> {
    pub(crate) house: &'a str,
    pub(crate) site: &'a Site,
    pub(crate) takes_replies: bool,
    pub(crate) unsubscribe_url: String,
}

impl Page {
    pub(crate) fn of(letter: &Email, around: Surround<'_>) -> Self {
        let words = words(letter.recipient.profile.language.unwrap_or_default());
        let messages = letter.chapters.iter().map(|chapter| chapter.messages.max(1)).sum();
        let conversations = letter.chapters.len();
        let writer = only_writer(letter).map(name);
        let (subject, news) = match &writer {
            Some(name) => (words.subject(messages, name), words.news(messages, name)),
            None => (
                words.digest_subject(messages, conversations),
                words.digest_news(messages, conversations),
            ),
        };
        let first_name = letter.recipient.profile.first_name.as_deref();
        let first_name = first_name.map(|name| plain::line(name, NAME_MAX_CHARS));
        let card = |chapter| Section::of(chapter, words, &letter.zone, around.site, conversations);
        Self {
            words,
            subject,
            heading: writer.clone().unwrap_or_else(|| around.house.to_owned()),
            title: words.title(messages),
            greeting: words.greeting(first_name.as_deref().filter(|name| !name.is_empty())),
            news,
            cards: letter.chapters.iter().map(card).collect(),
            takes_replies: around.takes_replies,
            why: words.why(messages),
            preferences_url: around.site.preferences(),
            unsubscribe_url: around.unsubscribe_url,
            writer,
        }
    }
}

impl Section {
    /// What is said of one of so many conversations.
    fn of(
        chapter: &ConversationDigest,
        words: &dyn Words,
        zone: &Zone,
        site: &Site,
        of: usize,
    ) -> Self {
        let alone = of == 1;
        let messages = chapter.messages.max(1);
        let quotes_max = if of > CONVERSATIONS_AT_LENGTH_MAX { 1 } else { chapter.quotes.len() };
        let excerpt = if alone { plain::LONG } else { plain::SHORT };
        let quotes = chapter.quotes.iter().take(quotes_max);
        let quotes: Vec<_> =
            quotes.map(|quote| QuoteView::of(quote, words, zone, excerpt)).collect();
        let unquoted = messages.saturating_sub(quotes.len() as u64);
        let topic = chapter.subject.as_ref();
        let topic = topic.map(|topic| plain::line(topic.as_str(), TOPIC_MAX_CHARS));
        Self {
            title: if alone { words.latest(messages).to_owned() } else { name(&chapter.writer) },
            count: (!alone).then(|| words.count(messages)),
            topic: topic.filter(|topic| !topic.is_empty()),
            quotes,
            more: (unquoted > 0).then(|| words.more(unquoted)),
            url: site.conversation(&chapter.conversation),
        }
    }
}

impl QuoteView {
    fn of(quote: &Quote, words: &dyn Words, zone: &Zone, excerpt: Excerpt) -> Self {
        let lines = plain::quotation(quote.words.as_str(), excerpt);
        Self {
            at: format!("{} {}", zone.day(quote.at), zone.minute(quote.at)),
            lines: if lines.iter().all(String::is_empty) { Vec::new() } else { lines },
            files: (quote.files > 0).then(|| words.files(quote.files)),
        }
    }
}

/// The person who wrote everything, in however many conversations.
fn only_writer(letter: &Email) -> Option<&Participant> {
    let mut writers = letter.chapters.iter().map(|chapter| &chapter.writer);
    let first = writers.next()?;
    writers.all(|writer| writer.id == first.id).then_some(first)
}

/// The salon's name, else the first that is known; who was forgotten is called so in full.
fn name(writer: &Participant) -> String {
    if writer.is_forgotten {
        return writer.display_name();
    }
    let ShownNames { first, last, salon } = writer.shown_names();
    let mut names = [salon, first, last].into_iter().flatten();
    names
        .find_map(|name| Some(plain::line(name, NAME_MAX_CHARS)).filter(|name| !name.is_empty()))
        .unwrap_or_else(|| NAMELESS.to_owned())
}
