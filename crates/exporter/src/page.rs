//! `index.html`: everything, for people. It runs nothing and loads nothing from elsewhere.

use askama::Template;
use domain::{
    conversation::{
        ConversationView, Status,
        attachment::{Attachment, Place},
        message::{Message, MessageKind},
    },
    jobs::JobFailure,
};

use crate::{
    contents::Contents, person::Person, pictures::path_of, walk::Messages, words::Words, zip::Zip,
};

/// The page until the first conversation.
#[derive(Template)]
#[template(path = "top.html")]
struct Top {
    words: &'static Words,
    name: String,
    email: Option<String>,
    mails: &'static str,
    until: String,
    zone: String,
    is_empty: bool,
}

/// A conversation until its first message.
#[derive(Template)]
#[template(path = "conversation.html")]
struct Beginning {
    words: &'static Words,
    with: String,
    subject: Option<String>,
    since: String,
    is_archived: bool,
}

/// A message.
#[derive(Template)]
#[template(path = "message.html")]
struct Said<'m> {
    words: &'static Words,
    /// Whose it looks like: `own`, `other` or `house`.
    side: &'static str,
    author: String,
    at: String,
    read: Option<String>,
    text: &'m str,
    files: Vec<Shown<'m>>,
}

/// A file of a message.
struct Shown<'m> {
    name: &'m str,
    place: Shelf,
}

enum Shelf {
    /// In the archive, under this path.
    Here(String),
    /// With the upload service, at this address.
    Elsewhere(String),
    Missing,
}

pub(crate) async fn write(contents: &Contents<'_>, zip: &mut Zip) -> Result<(), JobFailure> {
    print(&top(contents), zip).await?;
    for id in &contents.conversations {
        let Some(here) = contents.conversation(id).await? else { continue };
        print(&beginning(&contents.person, &here), zip).await?;
        let mut messages = Messages::of(contents.store, contents.export, &here);
        while let Some(some) = messages.next().await? {
            for message in &some {
                print(&said(contents, message), zip).await?;
            }
        }
        zip.write(b"</section>\n").await?;
    }
    zip.write(b"</main></body></html>\n").await
}

async fn print(template: &(impl Template + Sync), zip: &mut Zip) -> Result<(), JobFailure> {
    let html = template.render().map_err(|error| JobFailure::Retry {
        reason: "archive_not_written",
        cause: Some(error.into()),
    })?;
    zip.write(html.as_bytes()).await
}

fn top(contents: &Contents<'_>) -> Top {
    let person = &contents.person;
    let Person { participant, preferences } = person;
    let words = person.words();
    let frequency = preferences.frequency;
    Top {
        words,
        name: participant.display_name(),
        email: participant.profile.email.clone(),
        mails: words.how_often(preferences.mail_enabled.then_some(frequency)),
        until: person.moment(contents.export.requested_at),
        zone: person.zone().as_str().to_owned(),
        is_empty: contents.conversations.is_empty(),
    }
}

fn beginning(person: &Person, here: &ConversationView) -> Beginning {
    let is_salon = here.salon.id == person.participant.id;
    let about = &here.conversation;
    Beginning {
        words: person.words(),
        with: if is_salon { &here.client } else { &here.salon }.display_name(),
        subject: about.subject.as_ref().map(|subject| subject.as_str().to_owned()),
        since: person.zone().day(about.created_at),
        is_archived: about.status == Status::Archived,
    }
}

fn said<'m>(contents: &Contents<'_>, message: &'m Message) -> Said<'m> {
    let (person, words) = (&contents.person, contents.person.words());
    let is_own = message.author.id == person.participant.id;
    let (side, author) = match message.kind {
        MessageKind::System => ("house", words.automatic.to_owned()),
        _ if is_own => ("own", words.you.to_owned()),
        _ => ("other", message.author.display_name()),
    };
    Said {
        words,
        side,
        author,
        at: person.moment(message.created_at),
        // Of one's own alone: what oneself read is no news.
        read: message.read_at.filter(|_| is_own).map(|at| person.moment(at)),
        text: message.content.as_str(),
        files: message.attachments.iter().map(|file| shown(contents, file)).collect(),
    }
}

fn shown<'m>(contents: &Contents<'_>, attachment: &'m Attachment) -> Shown<'m> {
    let place = match attachment.file.place() {
        Place::Kept(_) if contents.is_missing(attachment) => Shelf::Missing,
        Place::Kept(_) => Shelf::Here(path_of(attachment)),
        Place::Hosted(hosted) => Shelf::Elsewhere(hosted.url().as_str().to_owned()),
    };
    Shown { name: attachment.file.name(), place }
}
