//! The addresses and links in a mail.

use domain::{
    ids::{ConversationId, UserId},
    mail::{ReplyToken, address_with_ascii_domain},
};
use lettre::{Address, address::AddressError};
use reqwest::Url;

use crate::settings::SettingsError;

/// With `+` and a token of 48 characters, the maximum of 64 characters before the `@` (RFC 5321, 4.5.3.1.1).
const REPLY_WORD_MAX_CHARS: usize = 64 - 1 - 48;

/// Unsubscribe links.
pub trait Unsubscribe: Send + Sync {
    /// The https URL (or one of localhost) where a POST ends all mail to `recipient` (RFC 8058), and where a GET shows a page
    /// that asks for confirmation. It is signed.
    fn url(&self, recipient: &UserId) -> String;
}

/// Whether the URL uses TLS, or is that of localhost.
pub(crate) fn is_safe(url: &Url) -> bool {
    let is_local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    url.scheme() == "https" || (url.scheme() == "http" && is_local)
}

/// The address with its domain in ASCII (RFC 5890). The local part stays as it is: its server may accept accents
/// (RFC 6531).
pub(crate) fn address(text: &str) -> Result<Address, AddressError> {
    address_with_ascii_domain(text).ok_or(AddressError::InvalidDomain)?.parse()
}

/// The mailbox that receives replies, at addresses such as `word+token@domain` (RFC 5233).
#[derive(Clone, Debug)]
pub(crate) struct ReplyBox {
    word: String,
    domain: String,
}

impl ReplyBox {
    pub(crate) fn new(mailbox: &str) -> Result<Self, SettingsError> {
        let mailbox = address(mailbox).map_err(|_| SettingsError::ReplyTo)?;
        let (word, domain) = (mailbox.user(), mailbox.domain());
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if word.len() > REPLY_WORD_MAX_CHARS || !word.bytes().all(plain) || !domain.is_ascii() {
            return Err(SettingsError::ReplyTo);
        }
        Ok(Self { word: word.to_owned(), domain: domain.to_owned() })
    }

    pub(crate) fn address(&self, token: &ReplyToken) -> Result<Address, AddressError> {
        Address::new(format!("{}+{}", self.word, token.as_str()), self.domain.as_str())
    }
}

/// The front end.
#[derive(Clone, Debug)]
pub(crate) struct Site(String);

impl Site {
    pub(crate) fn new(base: &str) -> Result<Self, SettingsError> {
        let url = Url::parse(base.trim()).map_err(|_| SettingsError::Site)?;
        let is_page = matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty();
        if !is_page {
            return Err(SettingsError::Site);
        }
        Ok(Self(url.as_str().trim_end_matches('/').to_owned()))
    }

    pub(crate) fn conversation(&self, id: &ConversationId) -> String {
        format!("{}/messagerie/{id}", self.0)
    }

    pub(crate) fn preferences(&self) -> String {
        format!("{}/parametres", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_below_the_site_however_it_is_written() {
        let id = ConversationId::parse("c-1").expect("good");
        for base in ["https://example.org", " https://example.org/ ", "https://example.org///"] {
            let site = Site::new(base).expect("an address");
            assert_eq!(site.conversation(&id), "https://example.org/messagerie/c-1");
            assert_eq!(site.preferences(), "https://example.org/parametres");
        }
        let below = Site::new("http://localhost:3000/app/").expect("an address");
        assert_eq!(below.preferences(), "http://localhost:3000/app/parametres");
    }

    #[test]
    fn a_reply_goes_to_an_address_of_its_own() {
        let token = ReplyToken::parse(&"a1".repeat(24)).expect("the longest token");
        let reply_box = ReplyBox::new("reponse.mail_01@reply.example.org").expect("a mailbox");
        let address = reply_box.address(&token).expect("an address");
        assert_eq!(address.user(), format!("reponse.mail_01+{}", token.as_str()));
        assert_eq!((address.user().len(), address.domain()), (64, "reply.example.org"));
        let accents = ReplyBox::new("reponse@réponse.example").expect("a mailbox");
        let address = accents.address(&token).expect("an address");
        assert_eq!(address.domain(), "xn--rponse-bva.example");
        for bad in ["", "reply", "a+b@example.org", "0123456789abcdef@example.org", "\"a b\"@c.org"]
        {
            assert!(matches!(ReplyBox::new(bad), Err(SettingsError::ReplyTo)), "{bad:?}");
        }
    }

    #[test]
    fn a_site_must_be_a_web_address() {
        for bad in ["", "#", "example.org", "javascript:alert(1)", "https://a.example/?q=1"] {
            assert!(matches!(Site::new(bad), Err(SettingsError::Site)), "{bad:?}");
        }
    }
}
