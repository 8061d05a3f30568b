use std::fmt;

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

/// An e-mail address in the form in which it is compared and kept for comparison: servers do not keep
/// capitals apart.
pub fn normal_address(address: &str) -> String {
    address.trim().to_lowercase()
}

/// Whether mail to both addresses reaches the same box.
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
}
