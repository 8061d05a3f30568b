use domain::{mail::ReplyToken, usecase::MailReply};

use super::form::Fields;

/// A mail that answers one of ours.
pub(super) struct Mail<'a> {
    token: ReplyToken,
    sender: &'a str,
    message_id: String,
    text: &'a str,
    /// How many files came with it.
    pub(super) files: u32,
}

/// Why a mail answers none of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoReply {
    /// A program wrote it: somebody is on holiday, or a mail came back.
    Automatic,
    /// It was not sent to an address that we gave anybody.
    NoAddress,
}

impl<'a> Mail<'a> {
    /// What Mailgun says of the mail.
    ///
    /// # Errors
    /// [`NoReply`].
    pub(super) fn of(fields: &'a Fields) -> Result<Self, NoReply> {
        let headers = Headers::of(fields);
        if headers.tell_of_a_program() || fields.get("sender").is_some_and(str::is_empty) {
            return Err(NoReply::Automatic);
        }
        let token = fields.get("recipient").and_then(token).ok_or(NoReply::NoAddress)?;
        let text = fields.get("stripped-text").or_else(|| fields.get("body-plain"));
        Ok(Self {
            token,
            sender: fields.get("from").or_else(|| fields.get("sender")).map_or("", bare_address),
            message_id: headers
                .get("message-id")
                .or_else(|| fields.get("Message-Id"))
                .unwrap_or_default()
                .to_owned(),
            text: text.unwrap_or_default(),
            files: fields.get("attachment-count").and_then(|n| n.parse().ok()).unwrap_or(0),
        })
    }

    pub(super) fn reply(&self) -> MailReply<'_> {
        MailReply {
            token: &self.token,
            sender: self.sender,
            message_id: &self.message_id,
            text: self.text,
        }
    }
}

/// The token in the first address that has one: behind the `+` of the part before the `@`.
fn token(recipients: &str) -> Option<ReplyToken> {
    recipients.split(',').find_map(|recipient| {
        let (mailbox, _) = recipient.trim().rsplit_once('@')?;
        let (_, token) = mailbox.split_once('+')?;
        ReplyToken::parse(token).ok()
    })
}

/// The address alone, of what may have a name before it.
fn bare_address(from: &str) -> &str {
    let bare = from.rsplit_once('<').and_then(|(_, rest)| rest.split_once('>'));
    bare.map_or(from, |(address, _)| address).trim()
}

/// The header of a mail, line by line.
struct Headers(Vec<(String, String)>);

impl Headers {
    /// What cannot be read says nothing.
    fn of(fields: &Fields) -> Self {
        let lines = fields.get("message-headers").map(serde_json::from_str);
        Self(lines.and_then(Result::ok).unwrap_or_default())
    }

    fn get(&self, name: &str) -> Option<&str> {
        let mut lines = self.0.iter();
        let line = lines.find(|(known, _)| known.eq_ignore_ascii_case(name));
        line.map(|(_, value)| value.trim())
    }

    /// Whether a program wrote the mail by itself (RFC 3834, section 5, and what came before it).
    fn tell_of_a_program(&self) -> bool {
        let is = |name, words: &[&str]| {
            let value = self.get(name).map(str::to_ascii_lowercase);
            value.is_some_and(|value| words.contains(&value.as_str()))
        };
        let submitted = self.get("auto-submitted").map(str::to_ascii_lowercase);
        submitted.is_some_and(|word| !word.starts_with("no"))
            || is("precedence", &["bulk", "junk", "list", "auto_reply"])
            || self.get("x-autoreply").or_else(|| self.get("x-autorespond")).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail_with(parts: &[(&str, &str)]) -> Fields {
        let usual = [("recipient", "reply+tok1@mail.test"), ("from", "c1@mail.test")];
        Fields::made_of(usual.iter().chain(parts).copied())
    }

    #[test]
    fn the_token_stands_behind_the_plus() {
        let read = |to| token(to).map(|token| token.as_str().to_owned());
        assert_eq!(read("reply+Tok1@mail.test").as_deref(), Some("tok1"));
        assert_eq!(read("other@mail.test, reply+tok2@mail.test").as_deref(), Some("tok2"));
        for bad in ["", "reply@mail.test", "reply+@mail.test", "reply+a b@mail.test", "reply+tok1"]
        {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_sender_is_an_address_without_its_name() {
        for from in
            ["c1@mail.test", " c1@mail.test ", "Léa <c1@mail.test>", "\"a <b@c>\" <c1@mail.test>"]
        {
            assert_eq!(bare_address(from), "c1@mail.test", "{from}");
        }
        assert_eq!(bare_address("c1@mail.test <evil@mail.test>"), "evil@mail.test");
    }

    #[test]
    fn what_a_program_writes_by_itself_is_no_answer() {
        for header in [
            r#"[["Auto-Submitted", "auto-replied"]]"#,
            r#"[["auto-submitted", " Auto-Generated; owner=x"]]"#,
            r#"[["Precedence", "bulk"]]"#,
            r#"[["X-Autoreply", "yes"]]"#,
        ] {
            let fields = mail_with(&[("message-headers", header)]);
            assert_eq!(Mail::of(&fields).err(), Some(NoReply::Automatic), "{header}");
        }
        let bounce = mail_with(&[("sender", "")]);
        assert_eq!(Mail::of(&bounce).err(), Some(NoReply::Automatic));
        let own = mail_with(&[("message-headers", r#"[["Auto-Submitted", "no"]]"#)]);
        assert!(Mail::of(&own).is_ok());
    }

    #[test]
    fn the_text_is_what_mailgun_found_new_and_all_of_it_if_it_found_nothing_out() {
        let both = mail_with(&[("stripped-text", "Oui"), ("body-plain", "Oui\n> Samedi ?")]);
        assert_eq!(Mail::of(&both).map(|mail| mail.text), Ok("Oui"));
        let plain = mail_with(&[("body-plain", "Oui\n> Samedi ?")]);
        assert_eq!(Mail::of(&plain).map(|mail| mail.text), Ok("Oui\n> Samedi ?"));
        let nothing_new = mail_with(&[("stripped-text", ""), ("body-plain", "> Samedi ?")]);
        assert_eq!(Mail::of(&nothing_new).map(|mail| mail.text), Ok(""));
    }

    #[test]
    fn the_id_is_read_from_the_header_or_from_its_own_field() {
        let header = r#"[["Received", "x"], ["Message-ID", "<a@b>"]]"#;
        let in_header = mail_with(&[("message-headers", header), ("Message-Id", "<c@d>")]);
        assert_eq!(Mail::of(&in_header).map(|mail| mail.message_id), Ok("<a@b>".to_owned()));
        let alone = mail_with(&[("message-headers", "nonsense"), ("Message-Id", "<c@d>")]);
        assert_eq!(Mail::of(&alone).map(|mail| mail.message_id), Ok("<c@d>".to_owned()));
    }
}
