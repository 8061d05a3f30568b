//! The addresses that a mail names.

use domain::{
    ids::{ConversationId, UserId},
    mail::{ReplyToken, address_with_ascii_domain},
};
use lettre::{Address, address::AddressError};
use reqwest::Url;

use crate::settings::SettingsError;

/// With a token of 48 characters it fills what may stand before the `@` (RFC 5321, 4.5.3.1.1).
const REPLY_WORD_MAX_CHARS: usize = 64 - 1 - 48;

/// The way out of all mail.
pub trait Unsubscribe: Send + Sync {
    /// The https address (or one of this machine) where one POST ends all mail to `recipient` (RFC 8058), and where a person
    /// who looks is asked whether they want that. It is signed: nobody can make one up.
    fn url(&self, recipient: &UserId) -> String;
}

/// Whether what is sent there travels inside TLS, or stays on this machine.
pub(crate) fn is_safe(url: &Url) -> bool {
    let here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    url.scheme() == "https" || (url.scheme() == "http" && here)
}

/// The address as servers on the way know it: its domain in ASCII (RFC 5890). What stands before the `@` stays
/// as it is; the server that has the mailbox may know it with accents (RFC 6531).
pub(crate) fn address(text: &str) -> Result<Address, AddressError> {
    address_with_ascii_domain(text).ok_or(AddressError::InvalidDomain)?.parse()
}

/// Where answers by mail arrive: a mailbox that takes `word+token@domain` (RFC 5233).
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

/// The pages that people see.
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
    fn an_answer_goes_to_an_address_of_its_own() {
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
    fn what_is_no_page_is_no_site() {
        for bad in ["", "#", "example.org", "javascript:alert(1)", "https://a.example/?q=1"] {
            assert!(matches!(Site::new(bad), Err(SettingsError::Site)), "{bad:?}");
        }
    }
}
