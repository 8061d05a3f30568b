use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::Value;

use crate::Fault;

/// A mail that a mail server took. Its `Debug` is for failed tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email {
    /// Whom it is for.
    pub to: String,
    /// Everything, header and body, as it was sent.
    pub source: String,
}

impl Email {
    pub(super) fn parse(mail: &Value) -> Result<Self, Fault> {
        let to = mail["to"][0].as_str().map(str::to_owned);
        let source = mail["text"].as_str().and_then(|text| BASE64_STANDARD.decode(text).ok());
        let source = source.and_then(|bytes| String::from_utf8(bytes).ok());
        match (to, source) {
            (Some(to), Some(source)) => Ok(Self { to, source }),
            _ => Err(Fault::new("a mail that cannot be read")),
        }
    }

    /// A line of the header, its continuations taken along; empty when there is none.
    pub fn header(&self, name: &str) -> String {
        let head = self.source.split("\r\n\r\n").next().unwrap_or_default();
        let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
        let is_named = |line: &&str| {
            line.split_once(':').is_some_and(|(found, _)| found.eq_ignore_ascii_case(name))
        };
        let line = unfolded.lines().find(is_named);
        let value = line.and_then(|line| line.split_once(':'));
        value.map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
    }

    /// Whether these ASCII words are in it, as quoted-printable has them (RFC 2045, 6.7).
    pub fn says(&self, words: &str) -> bool {
        self.source.replace("=\r\n", "").contains(words)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_header_is_found_whole_and_only_above_the_body() {
        let source =
            "Subject: one\r\n two\r\nmessage-id: <a@b>\r\n\r\nX-Body: no\r\nsoft=\r\nbreak";
        let mail = json!({ "to": ["lea@example.org"], "text": BASE64_STANDARD.encode(source) });
        let letter = Email::parse(&mail).expect("a mail");
        assert_eq!(letter.header("Subject"), "one two");
        assert_eq!(letter.header("Message-ID"), "<a@b>");
        assert_eq!(letter.header("X-Body"), "");
        assert!(letter.says("softbreak") && letter.to == "lea@example.org");
    }
}
