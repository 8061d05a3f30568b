//! Every word that a mail says of its own, in each language.

mod english;
mod french;

use domain::participant::Language;

/// What a mail says in one language. Names come in as plain lines; what comes out is plain text, not
/// yet escaped for HTML.
pub(crate) trait Words: Send + Sync {
    /// The language's code (ISO 639-1).
    fn code(&self) -> &'static str;
    /// The display name of the sender: who wrote, and through whom.
    fn via(&self, writer: &str, sender_name: &str) -> String;
    /// The subject, when one person wrote.
    fn subject(&self, messages: u64, writer: &str) -> String;
    /// The subject, when several did.
    fn digest_subject(&self, messages: u64, conversations: usize) -> String;
    /// What stands above everything.
    fn title(&self, messages: u64) -> &'static str;
    /// What stands below the name at the top, and at the bottom.
    fn tagline(&self) -> &'static str;
    /// The first line.
    fn greeting(&self, first_name: Option<&str>) -> String;
    /// What happened, when one person wrote.
    fn news(&self, messages: u64, writer: &str) -> String;
    /// What happened, when several did.
    fn digest_news(&self, messages: u64, conversations: usize) -> String;
    /// The heading of what is quoted, when the mail is about one conversation.
    fn latest(&self, messages: u64) -> &'static str;
    /// How many messages wait.
    fn count(&self, messages: u64) -> String;
    /// How many files a message has.
    fn files(&self, files: usize) -> String;
    /// How many messages are not quoted.
    fn more(&self, messages: u64) -> String;
    /// The way to the conversation.
    fn open(&self) -> &'static str;
    /// That an answer to the mail arrives.
    fn reply_hint(&self) -> &'static str;
    /// Why the mail came.
    fn why(&self, messages: u64) -> &'static str;
    /// What stands between a link's name and its address.
    fn colon(&self) -> &'static str;
    /// The way to the preferences.
    fn preferences(&self) -> &'static str;
    /// The way out.
    fn unsubscribe(&self) -> &'static str;
}

/// The words of a language.
pub(crate) fn words(language: Language) -> &'static dyn Words {
    match language {
        Language::French => &french::French,
        Language::English => &english::English,
    }
}
