//! Letters, and who writes them.

use std::{path::Path, sync::Arc};

use domain::{
    ids::{ConversationId, MailId, UserId},
    mail::{ConversationDigest, Email, Quote, ReplyToken},
    participant::{Language, Participant, Profile, Role},
    text::{Content, Subject},
    time::{Timestamp, Zone},
};
use mailer::{Folder, Mailer, Settings, TransportSettings, Unsubscribe};

/// Signs nothing.
struct Unsigned;

impl Unsubscribe for Unsigned {
    fn url(&self, recipient: &UserId) -> String {
        format!("https://api.example.org/unsubscribe?token={recipient}.c2lnbmF0dXJl")
    }
}

/// Mail of the house `Salonbook`, which leaves that way.
pub(crate) fn settings(transport: TransportSettings) -> Settings {
    Settings {
        sender_name: "Salonbook".to_owned(),
        from: "noreply@mail.example.org".to_owned(),
        reply_to: Some("reply@mail.example.org".to_owned()),
        site_url: "https://www.example.org/".to_owned(),
        transport,
        mails_at_once_max: 2,
        connect_timeout_ms: 10_000,
        delivery_timeout_ms: 20_000,
    }
}

pub(crate) fn mailer(settings: &Settings) -> Mailer {
    Mailer::new(settings, Arc::new(Unsigned)).expect("good settings")
}

/// Mail that stays in this folder.
pub(crate) fn folder(path: &Path) -> TransportSettings {
    TransportSettings::Folder(Folder { path: path.to_owned(), mails_max: 100 })
}

fn person(id: &str, role: Role) -> Participant {
    let id = UserId::parse(id).expect("an id");
    Participant::new(id, role, Profile::default())
}

pub(crate) fn salon(id: &str, name: &str) -> Participant {
    let mut salon = person(id, Role::SalonOwner);
    salon.profile.salon_name = Some(name.to_owned());
    salon
}

pub(crate) fn client(first_name: &str, email: &str) -> Participant {
    let mut client = person("client-1", Role::Client);
    client.profile.first_name = Some(first_name.to_owned());
    client.profile.email = Some(email.to_owned());
    client
}

/// What was said at that time, with as many files.
pub(crate) fn quote(time: &str, words: &str, files: usize) -> Quote {
    Quote {
        words: Content::parse(words).expect("a text"),
        files,
        at: Timestamp::parse(time).expect("a time"),
    }
}

pub(crate) fn chapter(number: u32, writer: Participant, quotes: Vec<Quote>) -> ConversationDigest {
    ConversationDigest {
        conversation: ConversationId::parse(&format!("conversation-{number}")).expect("an id"),
        writer,
        subject: None,
        messages: quotes.len() as u64,
        quotes,
        reply: ReplyToken::parse(&format!("token{number}")).expect("a token"),
    }
}

pub(crate) fn about(subject: &str, chapter: ConversationDigest) -> ConversationDigest {
    ConversationDigest { subject: Subject::edit(subject).expect("a subject"), ..chapter }
}

/// To Léa, of a message from the salon `Encre Noire`.
pub(crate) fn email_to(address: &str) -> Email {
    let quote = quote("2026-03-09T13:05:00Z", "Bonjour Léa, votre croquis est prêt.", 0);
    email(client("Léa", address), vec![chapter(1, salon("salon-1", "Encre Noire"), vec![quote])])
}

pub(crate) fn email(recipient: Participant, chapters: Vec<ConversationDigest>) -> Email {
    Email {
        id: MailId::parse("0199c0de-0000-7000-8000-000000000001").expect("an id"),
        recipient,
        zone: Zone::default(),
        chapters,
        at: Timestamp::parse("2026-03-09T13:10:00Z").expect("a time"),
    }
}

/// One person wrote several times, more than is quoted.
pub(crate) fn several(language: Language) -> Email {
    let quotes = vec![
        quote("2026-03-09T13:05:00Z", "À mardi !", 0),
        quote("2026-03-09T13:04:00Z", "", 2),
        quote(
            "2026-03-09T13:02:00Z",
            "Voici le croquis :\n\n- à gauche la branche\n- à droite l'oiseau",
            0,
        ),
    ];
    let chapter = about("Tatouage avant-bras", chapter(1, salon("salon-1", "Encre Noire"), quotes));
    let mut email = email(
        client("Léa", "lea@example.org"),
        vec![ConversationDigest { messages: 5, ..chapter }],
    );
    email.recipient.profile.language = Some(language);
    email
}

/// Several people wrote.
pub(crate) fn digest(language: Language) -> Email {
    let mut email = several(language);
    let tea =
        quote("2026-03-09T07:30:00Z", "Votre rendez-vous de jeudi est confirmé, à 14 h 30.", 0);
    email.chapters.push(chapter(2, salon("salon-2", "Atelier Fleur de Peau"), vec![tea]));
    let photo =
        quote("2026-03-08T18:45:00Z", "Photo de la cicatrisation, trois semaines après.", 1);
    email.chapters.push(chapter(3, person("salon-3", Role::Artist), vec![photo]));
    email
}

/// Nothing is known of anybody, and nothing is written but a file sent.
pub(crate) fn bare(language: Language) -> Email {
    let mut recipient = person("client-1", Role::Client);
    recipient.profile.email = Some("lea@example.org".to_owned());
    recipient.profile.language = Some(language);
    let photo = quote("2026-03-09T13:05:00Z", "", 1);
    email(recipient, vec![chapter(1, person("salon-3", Role::Artist), vec![photo])])
}
