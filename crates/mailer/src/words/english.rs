use super::Words;

pub(crate) struct English;

impl Words for English {
    fn code(&self) -> &'static str {
        "en"
    }

    fn via(&self, writer: &str, sender_name: &str) -> String {
        format!("{writer} via {sender_name}")
    }

    fn subject(&self, messages: u64, writer: &str) -> String {
        match messages {
            1 => format!("New message from {writer}"),
            n => format!("{n} new messages from {writer}"),
        }
    }

    fn digest_subject(&self, messages: u64, conversations: usize) -> String {
        format!("{messages} new messages in {conversations} conversations")
    }

    fn title(&self, messages: u64) -> &'static str {
        if messages == 1 { "New message" } else { "New messages" }
    }

    fn tagline(&self) -> &'static str {
        "Messages"
    }

    fn greeting(&self, first_name: Option<&str>) -> String {
        first_name.map_or_else(|| "Hello,".to_owned(), |name| format!("Hello {name},"))
    }

    fn news(&self, messages: u64, writer: &str) -> String {
        match messages {
            1 => format!("You have a new message from {writer}."),
            n => format!("You have {n} new messages from {writer}."),
        }
    }

    fn digest_news(&self, messages: u64, conversations: usize) -> String {
        format!("You have {messages} new messages in {conversations} conversations.")
    }

    fn latest(&self, messages: u64) -> &'static str {
        if messages == 1 { "Latest message" } else { "Latest messages" }
    }

    fn count(&self, messages: u64) -> String {
        match messages {
            1 => "1 new message".to_owned(),
            n => format!("{n} new messages"),
        }
    }

    fn files(&self, files: usize) -> String {
        match files {
            1 => "1 attachment".to_owned(),
            n => format!("{n} attachments"),
        }
    }

    fn more(&self, messages: u64) -> String {
        match messages {
            1 => "and 1 more message".to_owned(),
            n => format!("and {n} more messages"),
        }
    }

    fn open(&self) -> &'static str {
        "Open the conversation"
    }

    fn reply_hint(&self) -> &'static str {
        "You can also answer by replying to this email."
    }

    fn why(&self, messages: u64) -> &'static str {
        if messages == 1 {
            "You get this email because you have a new message."
        } else {
            "You get this email because you have new messages."
        }
    }

    fn colon(&self) -> &'static str {
        ":"
    }

    fn preferences(&self) -> &'static str {
        "Manage your notification preferences"
    }

    fn unsubscribe(&self) -> &'static str {
        "Stop these emails"
    }
}
