use std::{fmt, iter::once};

use unicode_normalization::UnicodeNormalization as _;

use crate::participant::EMAIL_MAX_CHARS;

/// The most characters of a reply token: with a prefix it fits the local part of an address (RFC
/// 5321, 4.5.3.1.1).
const REPLY_TOKEN_MAX_CHARS: usize = 48;

/// The text is no reply token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a reply token has 1 to 48 characters of a-z 0-9")]
pub struct InvalidReplyToken;

/// Identifies a person and a conversation in the Reply-To address of a mail. It cannot be guessed;
/// its `Debug` hides it. Lower case only, because mail servers may not preserve case.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ReplyToken(String);

impl ReplyToken {
    /// Parses a token, lower-casing it.
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

/// `address` with its domain in lower-case ASCII form (IDNA 2008 by UTS 46): `léa@Café.fr` is
/// `léa@xn--caf-dma.fr`. The part before the last `@` is unchanged. `None` without an `@` or with
/// an impossible domain.
pub fn address_with_ascii_domain(address: &str) -> Option<String> {
    let (mailbox, domain) = address.trim().rsplit_once('@')?;
    let domain = if domain.is_ascii() {
        domain.to_ascii_lowercase()
    } else {
        idna::domain_to_ascii(domain).ok()?
    };
    (!mailbox.is_empty() && !domain.is_empty()).then(|| format!("{mailbox}@{domain}"))
}

/// `address` as the directory stores it: unchanged, except that a domain beyond ASCII is converted,
/// so that addresses can be compared. If it would exceed [`EMAIL_MAX_CHARS`] by that it stays
/// unchanged: no mail can be sent to it.
pub fn directory_address(address: &str) -> String {
    let is_plain = address.rsplit_once('@').is_none_or(|(_, domain)| domain.is_ascii());
    let ascii = Some(address).filter(|_| !is_plain).and_then(address_with_ascii_domain);
    let ascii = ascii.filter(|ascii| ascii.chars().count() <= EMAIL_MAX_CHARS);
    ascii.unwrap_or_else(|| address.to_owned())
}

/// An e-mail address in the normal form used for comparison.
///
/// Surrounding whitespace is ignored and the domain is compared in ASCII. In the local part case is
/// ignored, as nearly all servers do, and characters are composed (NFC); everything else is
/// significant: dots and `+tags` are up to the server of the mailbox.
pub fn normal_address(address: &str) -> String {
    let ascii = address_with_ascii_domain(address);
    let address = ascii.as_deref().unwrap_or(address.trim());
    match address.rsplit_once('@') {
        Some((mailbox, domain)) => format!("{}@{}", folded(mailbox), folded(domain)),
        None => folded(address),
    }
}

/// `text` composed and lower-cased. Unchanged if a character would become ASCII by that, such as
/// the Kelvin sign: mail servers distinguish the two.
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

/// All forms in which `address` may be stored for comparison, the [normal form](normal_address)
/// first: domains used to be stored in Unicode.
pub fn address_forms(address: &str) -> Vec<String> {
    let normal = normal_address(address);
    let unicode_form = normal.rsplit_once('@').and_then(|(mailbox, domain)| {
        let (domain, is_good) = idna::domain_to_unicode(domain);
        is_good.ok().map(|()| format!("{mailbox}@{domain}"))
    });
    let unicode_form = unicode_form.filter(|unicode_form| *unicode_form != normal);
    once(normal).chain(unicode_form).collect()
}

/// Whether both addresses reach the same mailbox, as far as can be known.
pub fn is_same_address(one: &str, other: &str) -> bool {
    normal_address(one) == normal_address(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_in_any_case() {
        let token = ReplyToken::parse("AB12cd").expect("good");
        assert_eq!(token.as_str(), "ab12cd");
        assert_eq!(ReplyToken::parse(token.as_str()), Ok(token));
    }

    #[test]
    fn characters_that_are_unsafe_in_an_address_are_no_token() {
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
            // A decomposed accent, and full-width letters and dots of Japanese keyboards.
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
            // Letters that become ASCII only when composed or lower-cased are different ones.
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
    fn addresses_stored_in_the_old_form_are_found_as_well() {
        assert_eq!(address_forms("Lea@Café.fr"), ["lea@xn--caf-dma.fr", "lea@café.fr"]);
        assert_eq!(address_forms("Lea@Example.test"), ["lea@example.test"]);
        assert_eq!(address_forms("nonsense"), ["nonsense"]);
    }
}
