//! The texts of mails, in each language.

pub(crate) mod english;
pub(crate) mod french;

/// The texts in one language. Names are passed as plain lines; results are plain text, not escaped for HTML.
pub(crate) trait Words: Send + Sync {
    /// The language's code (ISO 639-1).
    fn code(&self) -> &'static str;
    /// The sender name: the author and the platform.
    fn via(&self, writer: &str, sender_name: &str) -> String;
    /// The subject of a mail about one author.
    fn subject(&self, messages: u64, writer: &str) -> String;
    /// The subject of a mail about several.
    fn digest_subject(&self, messages: u64, conversations: usize) -> String;
    /// The title.
    fn title(&self, messages: u64) -> &'static str;
    /// The line below the name in the header and the footer.
    fn tagline(&self) -> &'static str;
    /// The greeting.
    fn greeting(&self, first_name: Option<&str>) -> String;
    /// The summary of a mail about one author.
    fn news(&self, messages: u64, writer: &str) -> String;
    /// The summary of a mail about several.
    fn digest_news(&self, messages: u64, conversations: usize) -> String;
    /// The heading of the quotes in a mail about one conversation.
    fn latest(&self, messages: u64) -> &'static str;
    /// The number of unread messages.
    fn count(&self, messages: u64) -> String;
    /// The number of files of a message.
    fn files(&self, files: usize) -> String;
    /// The number of messages that are not quoted.
    fn more(&self, messages: u64) -> String;
    /// The link to the conversation.
    fn open(&self) -> &'static str;
    /// That replies to the mail are accepted.
    fn reply_hint(&self) -> &'static str;
    /// Why the mail was sent.
    fn why(&self, messages: u64) -> &'static str;
    /// The separator between the name of a link and its URL.
    fn colon(&self) -> &'static str;
    /// The link to the preferences.
    fn preferences(&self) -> &'static str;
    /// The unsubscribe link.
    fn unsubscribe(&self) -> &'static str;
}
