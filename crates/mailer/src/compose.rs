//! A letter as a mail: envelope, header and both forms.

use std::time::{Duration, SystemTime};

use askama::Template;
use domain::mail::{Email, store::PostError};
use lettre::{
    Address, Message,
    address::{AddressError, Envelope},
    message::{Mailbox, MessageBuilder, MultiPart, SinglePart},
};

use crate::{
    addresses::{ReplyBox, Site, Unsubscribe, address},
    header,
    layout::{Html, Text},
    page::{Page, Surround},
    plain::{self, NAME_MAX_CHARS},
    settings::{Settings, SettingsError},
};

/// A mail that is ready to leave.
pub(crate) struct Composed {
    /// Names it in a folder.
    pub(crate) name: String,
    pub(crate) envelope: Envelope,
    pub(crate) bytes: Vec<u8>,
}

/// Why a letter cannot be written out. It holds nothing of the letter.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ComposeError {
    #[error("the letter tells of nothing")]
    Empty,
    #[error("the recipient has no mail address")]
    NoAddress,
    #[error("the recipient's mail address is none")]
    Address(#[source] AddressError),
    #[error("the address for answers is none")]
    ReplyAddress(#[source] AddressError),
    #[error("the unsubscribe address is no https address")]
    UnsubscribeUrl,
    #[error("the mail cannot be laid out")]
    Layout(#[from] askama::Error),
    #[error("the mail cannot be put together")]
    Build(#[from] lettre::error::Error),
}

/// Who writes, and what is the same in all mails.
pub(crate) struct Composer {
    house: String,
    from: Address,
    site: Site,
    replies: Option<ReplyBox>,
}

impl Composer {
    pub(crate) fn new(settings: &Settings) -> Result<Self, SettingsError> {
        let house = plain::line(&settings.house, NAME_MAX_CHARS);
        if house.is_empty() {
            return Err(SettingsError::House);
        }
        let from = address(&settings.from).map_err(|_| SettingsError::From)?;
        // It ends each Message-ID, which is ASCII.
        if !from.domain().is_ascii() || from.domain().starts_with('[') {
            return Err(SettingsError::From);
        }
        let replies = settings.reply_to.as_deref().map(ReplyBox::new).transpose()?;
        Ok(Self { house, from, site: Site::new(&settings.site_url)?, replies })
    }

    pub(crate) fn compose(
        &self,
        letter: &Email,
        unsubscribe: &dyn Unsubscribe,
    ) -> Result<Composed, ComposeError> {
        let reply_to = self.reply_to(letter)?;
        let unsubscribe_url = unsubscribe.url(&letter.recipient.id);
        if !header::is_link(&unsubscribe_url) {
            return Err(ComposeError::UnsubscribeUrl);
        }
        let around = Surround {
            house: &self.house,
            site: &self.site,
            takes_replies: reply_to.is_some(),
            unsubscribe_url: unsubscribe_url.clone(),
        };
        let page = Page::of(letter, around);
        let mut header = self.header(letter, &page)?;
        if let Some(reply_to) = reply_to {
            header = header.reply_to(Mailbox::new(None, reply_to));
        }
        let message =
            header::unsubscribe(header, &unsubscribe_url).multipart(body(letter, &page)?)?;
        Ok(Composed {
            name: format!("{:013}-{}", letter.at.as_millis().max(0), letter.id),
            envelope: message.envelope().clone(),
            bytes: message.formatted(),
        })
    }

    /// Everything that does not depend on signed addresses.
    fn header(&self, letter: &Email, page: &Page) -> Result<MessageBuilder, ComposeError> {
        let email = letter.recipient.profile.email.as_deref().ok_or(ComposeError::NoAddress)?;
        let to = address(email).map_err(ComposeError::Address)?;
        let name = match &page.writer {
            Some(writer) => page.words.via(writer, &self.house),
            None => self.house.clone(),
        };
        let domain = self.from.domain();
        let mut header = Message::builder()
            .from(Mailbox::new(Some(name), self.from.clone()))
            .to(Mailbox::new(None, to))
            .subject(page.subject.as_str())
            .date(date(letter))
            .message_id(Some(header::message_id(&letter.id, domain)));
        if let [chapter] = letter.chapters.as_slice() {
            let root = header::thread_id(&letter.recipient.id, &chapter.conversation, domain);
            header = header.in_reply_to(root.clone()).references(root);
        }
        Ok(header::automatic(header))
    }

    /// Where answers go. A mail about several conversations takes none: nobody could tell which is
    /// meant.
    fn reply_to(&self, letter: &Email) -> Result<Option<Address>, ComposeError> {
        match (letter.chapters.as_slice(), &self.replies) {
            ([], _) => Err(ComposeError::Empty),
            ([chapter], Some(replies)) => {
                replies.address(&chapter.reply).map(Some).map_err(ComposeError::ReplyAddress)
            }
            _ => Ok(None),
        }
    }
}

/// When it was decided on, which a repeated delivery does not change.
fn date(letter: &Email) -> SystemTime {
    let since_1970 = u64::try_from(letter.at.as_millis()).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_millis(since_1970)
}

/// Text first: who shows both shows the last that they can (RFC 2046, 5.1.4).
fn body(letter: &Email, page: &Page) -> Result<MultiPart, ComposeError> {
    let text = Text { page }.render()?;
    let html = Html { page }.render()?;
    let parts = MultiPart::alternative().boundary(header::boundary(&letter.id));
    Ok(parts.singlepart(SinglePart::plain(text)).singlepart(SinglePart::html(html)))
}

impl From<ComposeError> for PostError {
    fn from(error: ComposeError) -> Self {
        match error {
            ComposeError::NoAddress | ComposeError::Address(_) => Self::NoSuchMailbox(error.into()),
            _ => Self::Refused(error.into()),
        }
    }
}
