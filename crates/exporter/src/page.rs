//! `index.html`: the archive for people. It has no scripts and loads nothing from elsewhere.

use askama::Template;
use domain::{
    conversation::{
        ConversationView, Status,
        attachment::{Attachment, StorageLocation},
        message::{Message, MessageKind},
    },
    jobs::JobFailure,
    mail::preferences::Frequency,
    participant::Language,
    time::Timestamp,
};

use crate::{
    archive::{Contents, Messages, Person, path_of},
    zip::Zip,
};

/// The page up to the first conversation.
#[derive(Template)]
#[template(path = "header.html")]
struct PageHeader {
    words: &'static Words,
    name: String,
    email: Option<String>,
    mails: &'static str,
    until: String,
    zone: String,
    is_empty: bool,
}

/// A conversation up to its first message.
#[derive(Template)]
#[template(path = "conversation.html")]
struct ConversationHeader {
    words: &'static Words,
    with: String,
    subject: Option<String>,
    since: String,
    is_archived: bool,
}

/// A message.
#[derive(Template)]
#[template(path = "message.html")]
struct MessageArticle<'m> {
    words: &'static Words,
    /// Its class in the style sheet: `own`, `other` or `platform`.
    side: &'static str,
    author: String,
    at: String,
    read: Option<String>,
    text: &'m str,
    files: Vec<FileItem<'m>>,
}

/// A file of a message.
struct FileItem<'m> {
    name: &'m str,
    location: FileLocation,
}

enum FileLocation {
    /// In the archive, under this path.
    Archived(String),
    /// At the upload service, at this URL.
    Hosted(String),
    Missing,
}

pub(crate) async fn write(contents: &Contents<'_>, zip: &mut Zip) -> Result<(), JobFailure> {
    render(&page_header(contents), zip).await?;
    for id in &contents.conversations {
        let Some(here) = contents.conversation(id).await? else { continue };
        render(&conversation_header(&contents.person, &here), zip).await?;
        let mut messages = Messages::of(contents.store, contents.export, &here);
        while let Some(page) = messages.next().await? {
            for message in &page {
                render(&message_article(contents, message), zip).await?;
            }
        }
        zip.write(b"</section>\n").await?;
    }
    zip.write(b"</main></body></html>\n").await
}

async fn render(template: &(impl Template + Sync), zip: &mut Zip) -> Result<(), JobFailure> {
    let html = template.render().map_err(|error| JobFailure::Retry {
        reason: "archive_not_written",
        cause: Some(error.into()),
    })?;
    zip.write(html.as_bytes()).await
}

fn page_header(contents: &Contents<'_>) -> PageHeader {
    let person = &contents.person;
    let Person { participant, preferences } = person;
    let words = words(person);
    let frequency = preferences.frequency;
    PageHeader {
        words,
        name: participant.display_name(),
        email: participant.profile.email.clone(),
        mails: words.how_often(preferences.mail_enabled.then_some(frequency)),
        until: moment(person, contents.export.requested_at),
        zone: person.zone().as_str().to_owned(),
        is_empty: contents.conversations.is_empty(),
    }
}

fn conversation_header(person: &Person, here: &ConversationView) -> ConversationHeader {
    let is_salon = here.salon.id == person.participant.id;
    let conversation = &here.conversation;
    ConversationHeader {
        words: words(person),
        with: if is_salon { &here.client } else { &here.salon }.display_name(),
        subject: conversation.subject.as_ref().map(|subject| subject.as_str().to_owned()),
        since: person.zone().day(conversation.created_at),
        is_archived: conversation.status == Status::Archived,
    }
}

fn message_article<'m>(contents: &Contents<'_>, message: &'m Message) -> MessageArticle<'m> {
    let (person, words) = (&contents.person, words(&contents.person));
    let is_own = message.author.id == person.participant.id;
    let (side, author) = match message.kind {
        MessageKind::System => ("platform", words.automatic.to_owned()),
        _ if is_own => ("own", words.you.to_owned()),
        _ => ("other", message.author.display_name()),
    };
    MessageArticle {
        words,
        side,
        author,
        at: moment(person, message.created_at),
        // Only of one's own messages: when the other side read them.
        read: message.read_at.filter(|_| is_own).map(|at| moment(person, at)),
        text: message.content.as_str(),
        files: message.attachments.iter().map(|file| file_item(contents, file)).collect(),
    }
}

fn file_item<'m>(contents: &Contents<'_>, attachment: &'m Attachment) -> FileItem<'m> {
    let location = match attachment.file.location() {
        StorageLocation::Stored(_) if contents.is_missing(attachment) => FileLocation::Missing,
        StorageLocation::Stored(_) => FileLocation::Archived(path_of(attachment)),
        StorageLocation::Hosted(hosted) => FileLocation::Hosted(hosted.url().as_str().to_owned()),
    };
    FileItem { name: attachment.file.name(), location }
}

fn words(person: &Person) -> &'static Words {
    Words::of(person.language())
}

/// A date and a time in the time zone and the language of `person`.
fn moment(person: &Person, at: Timestamp) -> String {
    let zone = person.zone();
    words(person).moment(&zone.day(at), &zone.minute(at))
}

// The texts of `index.html`, in French and English.

/// The texts of the page.
#[derive(Debug)]
pub(crate) struct Words {
    pub(crate) code: &'static str,
    pub(crate) title: &'static str,
    pub(crate) address: &'static str,
    pub(crate) unknown: &'static str,
    pub(crate) mail: &'static str,
    /// In the order of [`Frequency`].
    mails: [&'static str; 4],
    pub(crate) until: &'static str,
    pub(crate) clock: &'static str,
    pub(crate) for_programs: &'static str,
    pub(crate) nothing: &'static str,
    pub(crate) you: &'static str,
    pub(crate) automatic: &'static str,
    pub(crate) read: &'static str,
    pub(crate) missing: &'static str,
    pub(crate) elsewhere: &'static str,
    pub(crate) since: &'static str,
    pub(crate) archived: &'static str,
    at: &'static str,
}

static FRENCH: Words = Words {
    code: "fr",
    title: "Vos messages",
    address: "Adresse e-mail",
    unknown: "inconnue",
    mail: "Notifications par e-mail",
    mails: ["dès qu’un message attend", "une fois par heure", "une fois par jour", "aucune"],
    until: "Tout ce qui a été dit jusqu’au",
    clock: "Heures de",
    for_programs: "Les mêmes données, lisibles par un programme :",
    nothing: "Il n’y a pas encore de conversation.",
    you: "Vous",
    automatic: "Message automatique",
    read: "lu le",
    missing: "Cette photo n’a pas pu être retrouvée.",
    elsewhere: "conservé ailleurs, s’ouvre par Internet",
    since: "ouverte le",
    archived: "archivée",
    at: "à",
};

static ENGLISH: Words = Words {
    code: "en",
    title: "Your messages",
    address: "Email address",
    unknown: "unknown",
    mail: "Email notifications",
    mails: ["as soon as a message waits", "once an hour", "once a day", "none"],
    until: "Everything that was said until",
    clock: "Times in",
    for_programs: "The same data, for a program to read:",
    nothing: "There is no conversation yet.",
    you: "You",
    automatic: "Automatic message",
    read: "read on",
    missing: "This photo could not be found.",
    elsewhere: "kept elsewhere, opens over the Internet",
    since: "opened on",
    archived: "archived",
    at: "at",
};

impl Words {
    /// The texts in `language`.
    pub(crate) fn of(language: Language) -> &'static Self {
        match language {
            Language::French => &FRENCH,
            Language::English => &ENGLISH,
        }
    }

    /// How often mail is sent; `None` if it is switched off.
    pub(crate) fn how_often(&self, frequency: Option<Frequency>) -> &'static str {
        let [immediate, hourly, daily, never] = self.mails;
        match frequency {
            Some(Frequency::Immediate) => immediate,
            Some(Frequency::Hourly) => hourly,
            Some(Frequency::Daily) => daily,
            Some(Frequency::Never) | None => never,
        }
    }

    /// A day and a time of day.
    pub(crate) fn moment(&self, day: &str, minute: &str) -> String {
        format!("{day} {} {minute}", self.at)
    }
}
