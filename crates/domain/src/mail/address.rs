use std::{fmt, iter::once};

use unicode_normalization::UnicodeNormalization as _;

use crate::participant::EMAIL_MAX_CHARS;

/// The most characters of a reply token: with a word before it, it fits before the `@` of an address
/// (RFC 5321, 4.5.3.1.1).
const REPLY_TOKEN_MAX_CHARS: usize = 48;

/// The text is no reply token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a reply token has 1 to 48 characters of a-z 0-9")]
pub struct InvalidReplyToken;

/// What stands for a person and a conversation in the address that a mail is answered to. Nobody can
/// guess one; its `Debug` hides it. It has no capitals: mail servers do not keep them apart.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ReplyToken(String);

impl ReplyToken {
    /// Takes `text` as a token, with capitals made small.
    ///
    /// # Errors
    /// [`InvalidReplyToken`].
    pub fn parse(text: &str) -> Result<Self, InvalidReplyToken> {
        let fits = (1..=REPLY_TOKEN_MAX_CHARS).contains(&text.len());
        if fits && text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(InvalidReplyToken)
        }
    }

    /// The token as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ReplyToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReplyToken")
    }
}

/// `address` with its domain in the ASCII form that mail servers and DNS know (IDNA 2008 by UTS 46), in small
/// letters: `léa@Café.fr` is `léa@xn--caf-dma.fr`. The part before the last `@` stays as it is. `None` when
/// there is no `@`, or when the domain cannot be one.
pub fn address_with_ascii_domain(address: &str) -> Option<String> {
    let (mailbox, domain) = address.trim().rsplit_once('@')?;
    let domain = if domain.is_ascii() {
        domain.to_ascii_lowercase()
    } else {
        idna::domain_to_ascii(domain).ok()?
    };
    (!mailbox.is_empty() && !domain.is_empty()).then(|| format!("{mailbox}@{domain}"))
}

/// `address` as the directory keeps it: as it came, unless its domain has characters beyond ASCII, which are
/// then written in ASCII, so that everybody finds it who compares addresses. What would be longer than
/// [`EMAIL_MAX_CHARS`] after that stays as it came: no mail can be sent there.
pub fn directory_address(address: &str) -> String {
    let is_plain = address.rsplit_once('@').is_none_or(|(_, domain)| domain.is_ascii());
    let ascii = Some(address).filter(|_| !is_plain).and_then(address_with_ascii_domain);
    let ascii = ascii.filter(|ascii| ascii.chars().count() <= EMAIL_MAX_CHARS);
    ascii.unwrap_or_else(|| address.to_owned())
}

/// An e-mail address in the form in which it is compared and kept for comparison.
///
/// Blanks around it do not count. The domain is compared in its ASCII form. Before the `@` neither capitals
/// count, as with nearly all servers, nor whether an accent is a character of its own (NFC); everything else
/// does: what dots and `+words` mean is the business of the server that has the mailbox.
pub fn normal_address(address: &str) -> String {
    let ascii = address_with_ascii_domain(address);
    let address = ascii.as_deref().unwrap_or(address.trim());
    match address.rsplit_once('@') {
        Some((mailbox, domain)) => format!("{}@{}", folded(mailbox), folded(domain)),
        None => folded(address),
    }
}

/// `text` composed and in small letters. With a character that would become ASCII by that, such as the sign
/// for kelvin, it stays as it is: mail servers tell the two apart.
fn folded(text: &str) -> String {
    if text.chars().any(becomes_ascii) {
        return text.to_owned();
    }
    let composed: String = text.nfc().collect();
    composed.to_lowercase().nfc().collect()
}

fn becomes_ascii(c: char) -> bool {
    !c.is_ascii() && (c.to_lowercase().any(|c| c.is_ascii()) || once(c).nfc().any(|c| c.is_ascii()))
}

/// Every form in which `address` may have been kept for comparison, the [normal one](normal_address) first:
/// before domains were kept in ASCII they were kept as people write them.
pub fn address_forms(address: &str) -> Vec<String> {
    let normal = normal_address(address);
    let written = normal.rsplit_once('@').and_then(|(mailbox, domain)| {
        let (domain, is_good) = idna::domain_to_unicode(domain);
        is_good.ok().map(|()| format!("{mailbox}@{domain}"))
    });
    let written = written.filter(|written| *written != normal);
    once(normal).chain(written).collect()
}

/// Whether mail to both addresses reaches the same box, as far as can be told from outside.
pub fn is_same_address(one: &str, other: &str) -> bool {
    normal_address(one) == normal_address(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_survives_the_habits_of_mail_servers() {
        let token = ReplyToken::parse("AB12cd").expect("good");
        assert_eq!(token.as_str(), "ab12cd");
        assert_eq!(ReplyToken::parse(token.as_str()), Ok(token));
    }

    #[test]
    fn what_could_break_out_of_an_address_is_no_token() {
        for bad in ["", "a b", "a@b", "a+b", "é", "a\r\nb", &"a".repeat(49)] {
            assert_eq!(ReplyToken::parse(bad), Err(InvalidReplyToken), "{bad:?}");
        }
    }

    #[test]
    fn a_token_does_not_reach_a_log_through_debug() {
        let token = ReplyToken::parse("secret").expect("good");
        assert!(!format!("{token:?}").contains("secret"));
    }

    #[test]
    fn addresses_are_compared_without_capitals_and_blanks() {
        assert!(is_same_address(" Lea@Example.test", "lea@example.TEST "));
        assert!(!is_same_address("lea@example.test", "lea@example.test.evil"));
    }

    #[test]
    fn the_domain_of_an_address_is_the_same_however_it_is_written() {
        let table = [
            ("lea@café.fr", "lea@xn--caf-dma.fr"),
            ("Lea@CAFÉ.FR", "lea@XN--CAF-DMA.fr"),
            // The accent as a character of its own, and dots and letters as keyboards in Japan write them.
            ("lea@cafe\u{301}.fr", "lea@caf\u{e9}.fr"),
            ("lea@ｃａｆé。fr", "lea@café.fr"),
            ("Léa@bücher.example", "léa@xn--bcher-kva.example"),
            ("lea@straße.example", "lea@xn--strae-oqa.example"),
            ("le\u{301}a@cafe.fr", "l\u{e9}a@cafe.fr"),
            ("LE\u{301}A@cafe.fr", "l\u{e9}a@cafe.fr"),
            ("LÉA@cafe.fr", "léa@cafe.fr"),
            ("ΛΕΑΣ@cafe.fr", "λεας@cafe.fr"),
            ("LE\u{301}A", "l\u{e9}a"),
        ];
        for (one, other) in table {
            assert!(is_same_address(one, other), "{one} and {other}");
            assert_eq!(normal_address(one), normal_address(other), "{one}");
        }
        for (one, other) in [
            ("lea@café.fr", "lea@cafe.fr"),
            ("léa@cafe.fr", "lea@cafe.fr"),
            ("l.ea@cafe.fr", "lea@cafe.fr"),
            // Letters that only become ASCII when they are composed, or made small, are others.
            ("\u{212a}ate@cafe.fr", "kate@cafe.fr"),
            ("\u{212a}ate@cafe.fr", "Kate@cafe.fr"),
            ("\u{212a}ate", "kate"),
            ("L\u{130}a@cafe.fr", "lia@cafe.fr"),
            ("L\u{130}a@cafe.fr", "li\u{307}a@cafe.fr"),
            ("lea\u{1fef}@cafe.fr", "lea`@cafe.fr"),
            ("lea+1@cafe.fr", "lea@cafe.fr"),
            ("lea@xn--caf-dma.fr@evil.test", "lea@café.fr"),
            ("", "lea@cafe.fr"),
            ("lea", "lea@cafe.fr"),
        ] {
            assert!(!is_same_address(one, other), "{one} and {other}");
        }
    }

    #[test]
    fn mail_goes_to_a_domain_in_ascii() {
        let ascii = |address| address_with_ascii_domain(address);
        assert_eq!(ascii(" Léa@CAFÉ.fr ").as_deref(), Some("Léa@xn--caf-dma.fr"));
        assert_eq!(ascii("\"a@b\"@Example.test").as_deref(), Some("\"a@b\"@example.test"));
        for bad in ["", "lea", "@example.test", "lea@", "lea@\u{ad}", "lea@xn--a-\u{e9}.fr"] {
            assert_eq!(ascii(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn the_directory_keeps_an_address_as_it_came_unless_its_domain_has_accents() {
        for same in ["Lea@Example.TEST", "léa@example.test", "nonsense", "lea@\u{ad}"] {
            assert_eq!(directory_address(same), same);
        }
        assert_eq!(directory_address("Lea@Café.FR"), "Lea@xn--caf-dma.fr");
        let long = format!("{}@{}.fr", "x".repeat(200), "é".repeat(51));
        assert_eq!(directory_address(&long), long, "in ASCII it is too long");
    }

    #[test]
    fn what_was_kept_before_is_found_as_well() {
        assert_eq!(address_forms("Lea@Café.fr"), ["lea@xn--caf-dma.fr", "lea@café.fr"]);
        assert_eq!(address_forms("Lea@Example.test"), ["lea@example.test"]);
        assert_eq!(address_forms("nonsense"), ["nonsense"]);
    }
}
