//! The header lines that tell programs what a mail is.

use domain::ids::{ConversationId, MailId, UserId};
use lettre::message::{
    MessageBuilder,
    header::{HeaderName, HeaderValue},
};
use reqwest::Url;

use crate::addresses::is_safe;

/// Made of nothing but the mail's id, so that the same mail sent twice is known for it.
pub(crate) fn message_id(mail: &MailId, domain: &str) -> String {
    format!("<{mail}@{domain}>")
}

/// The mail at the root of everything that a person gets about a conversation. It never existed;
/// programs gather what names it all the same.
pub(crate) fn thread_id(recipient: &UserId, conversation: &ConversationId, domain: &str) -> String {
    format!("<conversation.{conversation}.{recipient}@{domain}>")
}

/// Stands between the parts. Quoted-printable never writes `=_`, and nobody knows the mail's id in
/// advance.
pub(crate) fn boundary(mail: &MailId) -> String {
    format!("=_{mail}")
}

/// The longest address of the web in a header line, which has 998 bytes at the most (RFC 5322, 2.1.1).
const LINK_MAX_BYTES: usize = 900;

/// Whether this can stand in a header as an address of the web that a program may call.
pub(crate) fn is_link(url: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>' | b'"' | b',');
    let fits = url.len() <= LINK_MAX_BYTES && url.bytes().all(plain);
    fits && Url::parse(url).is_ok_and(|url| is_safe(&url))
}

/// Nobody wrote it, so no machine shall answer (RFC 3834; the other line is for those who do not
/// know that).
pub(crate) fn automatic(header: MessageBuilder) -> MessageBuilder {
    header
        .raw_header(raw("Auto-Submitted", "auto-generated".to_owned()))
        .raw_header(raw("X-Auto-Response-Suppress", "OOF, AutoReply".to_owned()))
}

/// The way out with one click (RFC 2369, RFC 8058).
pub(crate) fn unsubscribe(header: MessageBuilder, url: &str) -> MessageBuilder {
    header
        .raw_header(raw("List-Unsubscribe", format!("<{url}>")))
        .raw_header(raw("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned()))
}

fn raw(name: &'static str, value: String) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value)
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
