//! What `index.html` says itself, in the languages that we write to people in.

use domain::{mail::preferences::Frequency, participant::Language};

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
    /// Those of a language.
    pub(crate) fn of(language: Language) -> &'static Self {
        match language {
            Language::French => &FRENCH,
            Language::English => &ENGLISH,
        }
    }

    /// How often mail comes, if it comes.
    pub(crate) fn how_often(&self, frequency: Option<Frequency>) -> &'static str {
        let [immediate, hourly, daily, never] = self.mails;
        match frequency {
            Some(Frequency::Immediate) => immediate,
            Some(Frequency::Hourly) => hourly,
            Some(Frequency::Daily) => daily,
            Some(Frequency::Never) | None => never,
        }
    }

    /// A day and a minute of it.
    pub(crate) fn moment(&self, day: &str, minute: &str) -> String {
        format!("{day} {} {minute}", self.at)
    }
}
