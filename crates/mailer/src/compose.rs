//! Composes an [`Email`] as a message (RFC 5322): envelope, header, text and HTML.

use std::time::{Duration, SystemTime};

use askama::Template;
use domain::{
    ids::{ConversationId, MailId, UserId},
    mail::{Email, store::DeliveryError},
};
use lettre::{
    Address, Message,
    address::{AddressError, Envelope},
    message::{
        Mailbox, MessageBuilder, MultiPart, SinglePart,
        header::{HeaderName, HeaderValue},
    },
};
use reqwest::Url;

use crate::{
    addresses::{ReplyBox, Site, Unsubscribe, address, is_safe},
    page::{self, NAME_MAX_CHARS, Page, PageContext},
    settings::{Settings, SettingsError},
};

/// A composed message.
pub(crate) struct Composed {
    /// Its file name in a folder, without the suffix.
    pub(crate) name: String,
    pub(crate) envelope: Envelope,
    pub(crate) bytes: Vec<u8>,
}

/// Why an email cannot be composed. Contains nothing of the email.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ComposeError {
    #[error("the email has no conversation")]
    Empty,
    #[error("the recipient has no mail address")]
    NoAddress,
    #[error("the recipient's mail address is invalid")]
    Address(#[source] AddressError),
    #[error("the reply address is invalid")]
    ReplyAddress(#[source] AddressError),
    #[error("the unsubscribe address is not an https address")]
    UnsubscribeUrl,
    #[error("the templates of the mail failed")]
    Layout(#[from] askama::Error),
    #[error("the message of the mail cannot be built")]
    Build(#[from] lettre::error::Error),
}

/// The settings that all mails share.
pub(crate) struct Composer {
    sender_name: String,
    from: Address,
    site: Site,
    replies: Option<ReplyBox>,
}

impl Composer {
    pub(crate) fn new(settings: &Settings) -> Result<Self, SettingsError> {
        let sender_name = page::line(&settings.sender_name, NAME_MAX_CHARS);
        if sender_name.is_empty() {
            return Err(SettingsError::SenderName);
        }
        let from = address(&settings.from).map_err(|_| SettingsError::From)?;
        // It is the domain of each Message-ID, which is ASCII.
        if !from.domain().is_ascii() || from.domain().starts_with('[') {
            return Err(SettingsError::From);
        }
        let replies = settings.reply_to.as_deref().map(ReplyBox::new).transpose()?;
        Ok(Self { sender_name, from, site: Site::new(&settings.site_url)?, replies })
    }

    pub(crate) fn compose(
        &self,
        email: &Email,
        unsubscribe: &dyn Unsubscribe,
    ) -> Result<Composed, ComposeError> {
        let reply_to = self.reply_to(email)?;
        let unsubscribe_url = unsubscribe.url(&email.recipient.id);
        if !is_link(&unsubscribe_url) {
            return Err(ComposeError::UnsubscribeUrl);
        }
        let context = PageContext {
            sender_name: &self.sender_name,
            site: &self.site,
            takes_replies: reply_to.is_some(),
            unsubscribe_url: unsubscribe_url.clone(),
        };
        let page = Page::of(email, context);
        let mut header = self.header(email, &page)?;
        if let Some(reply_to) = reply_to {
            header = header.reply_to(Mailbox::new(None, reply_to));
        }
        let message = with_unsubscribe(header, &unsubscribe_url).multipart(body(email, &page)?)?;
        Ok(Composed {
            name: format!("{:013}-{}", email.at.as_millis().max(0), email.id),
            envelope: message.envelope().clone(),
            bytes: message.formatted(),
        })
    }

    /// The header without the lines that have signed addresses.
    fn header(&self, email: &Email, page: &Page) -> Result<MessageBuilder, ComposeError> {
        let to = email.recipient.profile.email.as_deref().ok_or(ComposeError::NoAddress)?;
        let to = address(to).map_err(ComposeError::Address)?;
        let name = match &page.writer {
            Some(writer) => page.words.via(writer, &self.sender_name),
            None => self.sender_name.clone(),
        };
        let domain = self.from.domain();
        let mut header = Message::builder()
            .from(Mailbox::new(Some(name), self.from.clone()))
            .to(Mailbox::new(None, to))
            .subject(page.subject.as_str())
            .date(date(email))
            .message_id(Some(message_id(&email.id, domain)));
        if let [chapter] = email.chapters.as_slice() {
            let root = thread_id(&email.recipient.id, &chapter.conversation, domain);
            header = header.in_reply_to(root.clone()).references(root);
        }
        Ok(automatic(header))
    }

    /// The reply address. A mail about several conversations has none: a reply could not be assigned to one.
    fn reply_to(&self, email: &Email) -> Result<Option<Address>, ComposeError> {
        match (email.chapters.as_slice(), &self.replies) {
            ([], _) => Err(ComposeError::Empty),
            ([chapter], Some(replies)) => {
                replies.address(&chapter.reply).map(Some).map_err(ComposeError::ReplyAddress)
            }
            _ => Ok(None),
        }
    }
}

/// The time of the decision, which stays the same when the delivery is repeated.
fn date(email: &Email) -> SystemTime {
    let since_1970 = u64::try_from(email.at.as_millis()).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_millis(since_1970)
}

/// Text first: clients show the last part that they support (RFC 2046, 5.1.4).
fn body(email: &Email, page: &Page) -> Result<MultiPart, ComposeError> {
    let text = Text { page }.render()?;
    let html = Html { page }.render()?;
    let parts = MultiPart::alternative().boundary(boundary(&email.id));
    Ok(parts.singlepart(SinglePart::plain(text)).singlepart(SinglePart::html(html)))
}

impl From<ComposeError> for DeliveryError {
    fn from(error: ComposeError) -> Self {
        match error {
            ComposeError::NoAddress | ComposeError::Address(_) => Self::NoSuchMailbox(error.into()),
            _ => Self::Refused(error.into()),
        }
    }
}

// Header lines for mail programs.

/// Depends on the id of the mail only, so that a repeated delivery is recognised.
pub(crate) fn message_id(mail: &MailId, domain: &str) -> String {
    format!("<{mail}@{domain}>")
}

/// The Message-ID of the root of the thread of a conversation. No mail has it, but programs group those that refer to
/// it.
pub(crate) fn thread_id(recipient: &UserId, conversation: &ConversationId, domain: &str) -> String {
    format!("<conversation.{conversation}.{recipient}@{domain}>")
}

/// Separates the parts. Cannot occur in one: quoted-printable never contains `=_`, and the id of a mail is not
/// predictable.
pub(crate) fn boundary(mail: &MailId) -> String {
    format!("=_{mail}")
}

/// The maximum length of a URL in a header line, which may have 998 bytes (RFC 5322, 2.1.1).
const LINK_MAX_BYTES: usize = 900;

/// Whether `url` is safe in a header line.
pub(crate) fn is_link(url: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>' | b'"' | b',');
    let fits = url.len() <= LINK_MAX_BYTES && url.bytes().all(plain);
    fits && Url::parse(url).is_ok_and(|url| is_safe(&url))
}

/// Marks the mail as automatic, so that no automatic reply is sent (RFC 3834; the second line is for programs that do not
/// support it).
pub(crate) fn automatic(header: MessageBuilder) -> MessageBuilder {
    header
        .raw_header(raw("Auto-Submitted", "auto-generated".to_owned()))
        .raw_header(raw("X-Auto-Response-Suppress", "OOF, AutoReply".to_owned()))
}

/// One-click unsubscribe (RFC 2369, RFC 8058).
pub(crate) fn with_unsubscribe(header: MessageBuilder, url: &str) -> MessageBuilder {
    header
        .raw_header(raw("List-Unsubscribe", format!("<{url}>")))
        .raw_header(raw("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned()))
}

fn raw(name: &'static str, value: String) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value)
}

// The two parts of a mail. Each has one template for all languages.

/// The HTML part. All values are escaped.
#[derive(Template)]
#[template(path = "email.html")]
pub(crate) struct Html<'a> {
    pub(crate) page: &'a Page,
}

/// The plain text part. Quotes of messages are prefixed with `> `, so that they cannot pass for our own text.
#[derive(Template)]
#[template(path = "email.txt", escape = "none")]
pub(crate) struct Text<'a> {
    pub(crate) page: &'a Page,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_https_address_is_a_link() {
        assert!(is_link("https://example.org/unsubscribe?token=a.b-c_d%20&x=1"));
        assert!(is_link("http://localhost:4000/unsubscribe?token=a"));
        for bad in [
            "http://example.org/",
            "https://example.org/\r\nBcc: x@example.org",
            "https://example.org/> , <mailto:x@example.org",
            "https://example.org/é",
            "",
        ] {
            assert!(!is_link(bad), "{bad:?}");
        }
    }
}
