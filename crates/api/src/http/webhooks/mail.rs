use std::borrow::Cow;

use domain::{
    mail::{ReplyToken, is_same_address, service::MailReply},
    text::{is_blank, tidied},
};
use serde_json::{Value, value::RawValue};
use socketio::packet::replace_lone_surrogates;

use super::form::Fields;
use crate::mail::UnsubscribeLinks;

/// A reply to one of our mails.
pub(super) struct Mail<'a> {
    token: ReplyToken,
    sender: String,
    message_id: String,
    text: Cow<'a, str>,
    /// How many files came with it.
    pub(super) files: u32,
}

/// Why a mail is no reply to one of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoReply {
    /// A program wrote it: somebody is on holiday, or a mail came back.
    Automatic,
    /// It was not sent to an address that we gave anybody.
    NoAddress,
    /// Its header was cut or is no JSON, so that nobody can tell whether a program wrote it.
    UnreadableHeaders,
}

impl<'a> Mail<'a> {
    /// What Mailgun says of the mail.
    ///
    /// # Errors
    /// [`NoReply`].
    pub(super) fn of(fields: &'a Fields) -> Result<Self, NoReply> {
        let headers = Headers::of(fields)?;
        if headers.tell_of_a_program() || fields.get("sender").is_some_and(str::is_empty) {
            return Err(NoReply::Automatic);
        }
        let token = fields.get("recipient").and_then(token).ok_or(NoReply::NoAddress)?;
        let said = |name| fields.get(name).filter(|text| !is_blank(text));
        Ok(Self {
            token,
            sender: said("from").or_else(|| said("sender")).map(bare_address).unwrap_or_default(),
            message_id: headers
                .get("message-id")
                .or_else(|| fields.get("Message-Id"))
                .unwrap_or_default()
                .to_owned(),
            text: without_our_links(match said("stripped-text") {
                Some(new) => new,
                None => said("body-plain").filter(|body| !only_quotes(body)).unwrap_or_default(),
            }),
            files: fields.get("attachment-count").and_then(|n| n.parse().ok()).unwrap_or(0),
        })
    }

    pub(super) fn reply(&self) -> MailReply<'_> {
        MailReply {
            token: &self.token,
            sender: &self.sender,
            message_id: &self.message_id,
            text: &self.text,
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

/// The address alone of a `From` field (RFC 5322, 3.4), which may have names and comments around it; empty
/// when it names several people. Of a malformed field every address in it counts, wherever it stands.
fn bare_address(from: &str) -> String {
    let addresses: Vec<String> = match mailboxes(from) {
        Some(mailboxes) => mailboxes.iter().filter_map(|mailbox| address(mailbox)).collect(),
        None => from.split(is_no_address).filter_map(address).collect(),
    };
    let Some((first, others)) = addresses.split_first() else { return String::new() };
    let is_one = others.iter().all(|other| is_same_address(first, other));
    if is_one { first.clone() } else { String::new() }
}

fn address(text: &str) -> Option<String> {
    let (name, domain) = text.rsplit_once('@')?;
    let (name, domain) = (name.trim(), domain.trim());
    (!name.is_empty() && !domain.is_empty()).then(|| format!("{name}@{domain}"))
}

/// Whether `c` stands in no address that is not quoted.
fn is_no_address(c: char) -> bool {
    c.is_whitespace() || matches!(c, '<' | '>' | '(' | ')' | '"' | ',' | ';' | ':' | '\\')
}

/// What stands for an address in each mailbox of a list: what is in its angle brackets, or else all of it but
/// its comments. `None` when the list is malformed: a quote, a comment or a bracket does not end or does not
/// begin, or something stands behind an address in brackets.
fn mailboxes(list: &str) -> Option<Vec<String>> {
    let (mut comments, mut quoted, mut escaped, mut in_angle) = (0_u32, false, false, false);
    let mut mailboxes = vec![String::new()];
    let mut has_angle = false;
    for c in list.chars() {
        let is_inside = quoted || comments > 0;
        let is_literal = escaped;
        escaped = c == '\\' && is_inside && !is_literal;
        let current = mailboxes.last_mut()?;
        match c {
            _ if is_literal => {}
            '"' if comments == 0 => quoted = !quoted,
            '(' if !quoted => comments += 1,
            ')' if comments > 0 && !quoted => {
                comments -= 1;
                continue;
            }
            '<' if !is_inside => {
                if has_angle {
                    return None;
                }
                current.clear();
                (in_angle, has_angle) = (true, true);
                continue;
            }
            '>' if !is_inside => {
                if !in_angle {
                    return None;
                }
                in_angle = false;
                continue;
            }
            ',' if !is_inside && !in_angle => {
                has_angle = false;
                mailboxes.push(String::new());
                continue;
            }
            _ => {}
        }
        if comments > 0 {
            continue;
        }
        if in_angle || !has_angle {
            mailboxes.last_mut()?.push(c);
        } else if !c.is_whitespace() {
            return None;
        }
    }
    (!quoted && comments == 0 && !in_angle).then_some(mailboxes)
}

/// How many lines mail programs take at the most to say whom they quote.
const ATTRIBUTION_LINES_MAX: usize = 3;

/// Whether a mail says nothing but what it quotes, and whom, as one does that came for its pictures. In doubt
/// it says something: a quote too many is read over, and a message that is lost is lost.
fn only_quotes(body: &str) -> bool {
    let mut lines = body.lines().map(str::trim).filter(|line| !is_blank(line)).peekable();
    let mut above = Vec::new();
    while let Some(line) = lines.next_if(|line| !line.starts_with('>')) {
        above.push(line);
    }
    lines.peek().is_some()
        && (above.is_empty() || is_attribution(&above))
        && lines.all(|line| line.starts_with('>'))
}

/// How mail programs end the line above a quote, before its colon.
const WROTE: [&str; 7] =
    ["a écrit", "wrote", "schrieb", "ha scritto", "escribió", "escreveu", "schreef"];

/// Whether `lines` are what mail programs write above a quote: they end in a colon, and have the address of
/// who is quoted in angle brackets, or say that somebody wrote, and when to the minute.
fn is_attribution(lines: &[&str]) -> bool {
    let text = tidied(&lines.join(" ")).to_lowercase();
    let mut brackets = text.split('<').skip(1).filter_map(|rest| rest.split_once('>'));
    let has_address = brackets.any(|(inside, _)| address(inside).is_some());
    let says_who_wrote = WROTE.iter().any(|wrote| text.contains(wrote));
    lines.len() <= ATTRIBUTION_LINES_MAX
        && text.ends_with(':')
        && (has_address || says_who_wrote && has_date_and_time(&text))
}

/// Whether a day with its year, or in numbers, and a time to the minute are in `text`.
fn has_date_and_time(text: &str) -> bool {
    let mut numbers: Vec<(&str, &str)> = Vec::new();
    let mut rest = text.trim_start_matches(|c: char| !c.is_ascii_digit());
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (number, behind) = rest.split_at(end);
        let end = behind.find(|c: char| c.is_ascii_digit()).unwrap_or(behind.len());
        numbers.push((number, behind[..end].trim()));
        rest = &behind[end..];
    }
    let has_time = numbers.windows(2).any(|pair| {
        let [(hour, between), (minute, _)] = pair else { return false };
        matches!(*between, ":" | "h") && hour.len() <= 2 && minute.len() == 2
    });
    let has_date = numbers.windows(3).any(|day| {
        let [(_, first), (_, second), _] = day else { return false };
        first == second && matches!(*first, "/" | "." | "-")
    });
    let has_year = numbers.iter().any(|(number, _)| {
        number.len() == 4 && (number.starts_with("19") || number.starts_with("20"))
    });
    has_time && (has_date || has_year)
}

/// Our own mail, quoted, has a link with which everybody who sees it could end the mail of whoever answers.
fn without_our_links(text: &str) -> Cow<'_, str> {
    if !UnsubscribeLinks::is_in(text) {
        return Cow::Borrowed(text);
    }
    let kept: Vec<_> = text.lines().filter(|line| !UnsubscribeLinks::is_in(line)).collect();
    Cow::Owned(kept.join("\n"))
}

/// The field in which Mailgun tells the header of a mail.
const MESSAGE_HEADERS: &str = "message-headers";

/// A line of the header; `None` when it is none. A value that is no text counts as it is written.
fn header_line(json: &RawValue) -> Option<(String, String)> {
    let mut parts = serde_json::from_str::<Vec<Value>>(json.get()).ok()?.into_iter();
    let Value::String(name) = parts.next()? else { return None };
    match parts.next()? {
        Value::String(value) => Some((name, value)),
        value => Some((name, value.to_string())),
    }
}

/// The header of a mail, line by line.
struct Headers(Vec<(String, String)>);

impl Headers {
    /// The lines that can be read: JSON pairs of a name and a value. What was too long to be kept whole is no
    /// JSON.
    ///
    /// # Errors
    /// [`NoReply::UnreadableHeaders`].
    fn of(fields: &Fields) -> Result<Self, NoReply> {
        let Some(json) = fields.get(MESSAGE_HEADERS) else { return Ok(Self(Vec::new())) };
        // Bytes of a header that are no text come as halves of characters.
        let whole = replace_lone_surrogates(json);
        let lines: Vec<&RawValue> = serde_json::from_str(whole.as_deref().unwrap_or(json))
            .map_err(|_| NoReply::UnreadableHeaders)?;
        Ok(Self(lines.into_iter().filter_map(header_line).collect()))
    }

    /// The first line of this name.
    fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let lines = self.0.iter().filter(move |(known, _)| known.trim().eq_ignore_ascii_case(name));
        lines.map(|(_, value)| value.trim())
    }

    /// Whether a program wrote the mail by itself: an answer of somebody on holiday, a report, a bounce. The
    /// marks are those of RFC 3834 and those that programs had before it, or have in spite of it.
    ///
    /// What only says that no program shall answer (`X-Auto-Response-Suppress`), or how to leave a list
    /// (`List-Unsubscribe`, `List-Id`, `Feedback-ID`), is no mark: Exchange, mail gateways and newsletter
    /// services put it into mail that people write, and a message of theirs that is lost is worse than an
    /// automatic one that is shown.
    fn tell_of_a_program(&self) -> bool {
        MARKS.iter().any(|(name, mark)| self.all(name).any(|value| mark.is_on(value)))
    }
}

/// What a header line has to say to be the mark of a program.
#[derive(Clone, Copy)]
enum Mark {
    /// Its first word is another one than `no` (RFC 3834, section 5).
    NotNo,
    /// It is there, unless it denies what its name says.
    Said,
    /// Its first word is one of these.
    Word(&'static [&'static str]),
    /// It contains this.
    Holds(&'static str),
    /// It has no address, or that of the mail server itself.
    Nobody,
}

/// Words of `Precedence` with which no person writes.
const NOT_BY_HAND: Mark = Mark::Word(&["bulk", "junk", "list", "auto_reply", "auto-reply"]);

/// Header lines that programs leave in what they write by themselves.
const MARKS: [(&str, Mark); 17] = [
    ("auto-submitted", Mark::NotNo),
    ("precedence", NOT_BY_HAND),
    ("x-precedence", NOT_BY_HAND),
    // So spelled by cPanel.
    ("preference", Mark::Word(&["auto_reply"])),
    ("x-auto-reply", Mark::Said),
    ("x-autoreply", Mark::Said),
    ("x-autoreply-from", Mark::Said),
    ("x-mail-autoreply", Mark::Said),
    ("x-autorespond", Mark::Said),
    ("x-autoresponse", Mark::Said),
    ("x-autogenerated", Mark::Said),
    ("x-fc-machinegenerated", Mark::Said),
    ("x-ms-exchange-inbox-rules-loop", Mark::Said),
    ("x-post-messageclass", Mark::Holds("autoresponder")),
    ("delivered-to", Mark::Word(&["autoresponder"])),
    ("return-path", Mark::Nobody),
    ("content-type", Mark::Word(&["multipart/report"])),
];

impl Mark {
    fn is_on(self, value: &str) -> bool {
        let value = value.to_ascii_lowercase();
        let word = first_word(&value);
        match self {
            Self::NotNo => word != "no",
            Self::Said => !matches!(word, "no" | "false" | "0" | "off" | "none"),
            Self::Word(words) => words.contains(&word),
            Self::Holds(part) => value.contains(part),
            Self::Nobody => {
                let address: String = value.chars().filter(|c| !c.is_whitespace()).collect();
                matches!(address.as_str(), "<>" | "<mailer-daemon>")
            }
        }
    }
}

/// The first word of a value, without comments before it and parameters behind it.
fn first_word(value: &str) -> &str {
    let mut rest = value.trim_start();
    while let Some((_, behind)) = rest.strip_prefix('(').and_then(|rest| rest.split_once(')')) {
        rest = behind.trim_start();
    }
    let is_end = |c: char| c.is_whitespace() || matches!(c, ';' | '(' | ',');
    rest.split(is_end).next().unwrap_or_default()
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
        for from in [
            "c1@mail.test",
            " c1@mail.test ",
            "Léa <c1@mail.test>",
            "\"a <b@c>\" <c1@mail.test>",
            "c1@mail.test (Léa)",
            "(Léa (au salon)) c1@mail.test",
            "c1@mail.test (b@c, \\) <d@e>)",
            "Léa (salon) <c1@mail.test> (d@e)",
            "c1(Léa)@mail.test",
            "c1 @ mail.test",
            "=?utf-8?Q?L=C3=A9a=2C_salon?= <c1@mail.test>",
            "=?utf-8?B?TMOpYQ==?=\r\n <c1@mail.test>",
            "\"Roux, Léa\" <c1@mail.test>",
            "\"Léa \\\"R, <b@c>\\\"\" <c1@mail.test>",
            "Roux, Léa <c1@mail.test>",
            "c1@mail.test <c1@mail.test>",
            "C1@mail.test, Léa <c1@mail.test>",
            "Léa :( <c1@mail.test>",
            "Léa \"R <c1@mail.test>",
            "<c1@mail.test>",
        ] {
            assert!(is_same_address(&bare_address(from), "c1@mail.test"), "{from}");
        }
        assert_eq!(bare_address("c1@mail.test <evil@mail.test>"), "evil@mail.test");
        assert_eq!(bare_address("\"c1@mail.test\" <evil@mail.test>"), "evil@mail.test");
        assert_eq!(bare_address("(c1@mail.test) evil@mail.test"), "evil@mail.test");
        assert_eq!(bare_address("\"a b\"@mail.test"), "\"a b\"@mail.test");
        assert_eq!(bare_address("Léa <léa@café.fr> (b)"), "léa@café.fr");
        for nobody in
            ["", "Léa", "<>", "()", "c1@mail.test, evil@mail.test", "a <c1@mail.test>, <b@c>"]
        {
            assert_eq!(bare_address(nobody), "", "{nobody}");
        }
    }

    #[test]
    fn a_malformed_sender_that_names_two_people_is_nobody() {
        for two in [
            "evil@mail.test (<c1@mail.test>",
            "\"x <evil@mail.test> <c1@mail.test>",
            "evil@mail.test \"<c1@mail.test>",
            "<evil@mail.test><c1@mail.test>",
            "<c1@mail.test><evil@mail.test>",
            "<c1@mail.test> evil@mail.test",
            "<evil@mail.test <c1@mail.test>",
            "<evil@mail.test> x <c1@mail.test>",
            "evil@mail.test> <c1@mail.test",
            "(evil@mail.test <c1@mail.test>",
            "(a\\) evil@mail.test <c1@mail.test>",
        ] {
            assert_eq!(bare_address(two), "", "{two}");
        }
        for one in [
            "c1@mail.test (<c1@mail.test>",
            "\"x <C1@mail.test> <c1@mail.test>",
            "<c1@mail.test",
            "c1@mail.test>",
            "<c1@mail.test>>",
            "<<c1@mail.test>>",
            "<c1@mail.test> x",
        ] {
            assert!(is_same_address(&bare_address(one), "c1@mail.test"), "{one}");
        }
    }

    #[test]
    fn an_empty_from_is_no_sender() {
        let parts =
            [("recipient", "reply+tok1@mail.test"), ("from", " "), ("sender", "c1@mail.test")];
        let fields = Fields::made_of(parts.into_iter());
        assert_eq!(Mail::of(&fields).map(|mail| mail.sender), Ok("c1@mail.test".to_owned()));
    }

    /// Whether a mail with this line in its header is taken for a program's, whatever stands around it.
    fn is_automatic(name: &str, value: &str) -> bool {
        let lines = serde_json::json!([["Received", "x"], [name, value], ["Message-Id", "<a@b>"]]);
        let fields = mail_with(&[("message-headers", &lines.to_string())]);
        match Mail::of(&fields) {
            Ok(_) => false,
            Err(reason) => {
                assert_eq!(reason, NoReply::Automatic, "{name}: {value}");
                true
            }
        }
    }

    #[test]
    fn what_a_program_writes_by_itself_is_no_answer() {
        for (name, value) in [
            ("Auto-Submitted", "auto-replied"),
            ("auto-submitted", " Auto-Generated; owner=x"),
            ("AUTO-SUBMITTED", "(by vacation) auto-replied (rejected)"),
            ("Auto-Submitted", "auto-notified"),
            // A word of its own, not `no`.
            ("Auto-Submitted", "notification"),
            ("Auto-Submitted", "yes"),
            ("Precedence", "bulk"),
            ("Precedence", "JUNK"),
            ("Precedence", "list"),
            ("Precedence", "auto_reply"),
            ("X-Precedence", "bulk"),
            ("X-Precedence", "auto_reply"),
            ("Preference", "auto_reply"),
            ("X-Autoreply", "yes"),
            ("X-AutoReply-From", "c1@mail.test"),
            ("X-Auto-Reply", "1"),
            ("X-Mail-Autoreply", "c1@mail.test"),
            ("X-Autorespond", "Re: Nouveau message"),
            ("X-Autoresponse", "yes"),
            ("X-Autogenerated", "Reply"),
            ("X-FC-MachineGenerated", "true"),
            ("X-POST-MessageClass", "9; Autoresponder"),
            ("X-MS-Exchange-Inbox-Rules-Loop", "c1@mail.test"),
            ("Delivered-To", "Autoresponder"),
            ("Return-Path", "<>"),
            ("Return-Path", " < > "),
            ("Return-Path", "<MAILER-DAEMON>"),
            ("Content-Type", "multipart/report; report-type=delivery-status; boundary=x"),
            ("Content-Type", "Multipart/Report; report-type=disposition-notification"),
        ] {
            assert!(is_automatic(name, value), "{name}: {value}");
        }
        let bounce = mail_with(&[("sender", "")]);
        assert_eq!(Mail::of(&bounce).err(), Some(NoReply::Automatic));
        // The second line of a name counts as much as the first.
        let twice = r#"[["Auto-Submitted", "no"], ["Auto-Submitted", "auto-replied"]]"#;
        let twice = mail_with(&[("message-headers", twice)]);
        assert_eq!(Mail::of(&twice).err(), Some(NoReply::Automatic));
    }

    #[test]
    fn what_people_write_passes_however_much_it_looks_like_a_program_s() {
        for (name, value) in [
            ("Auto-Submitted", "no"),
            ("Auto-Submitted", " NO (typed by hand)"),
            ("Auto-Submitted", "(x) no; owner=y"),
            ("Precedence", "first-class"),
            ("Precedence", "normal"),
            ("Precedence", "special-delivery"),
            ("X-Precedence", "normal"),
            ("X-Auto-Response-Suppress", "DR, RN, NRN, OOF, AutoReply"),
            ("X-Auto-Response-Suppress", "All"),
            ("List-Unsubscribe", "<mailto:leave@gateway.test>"),
            ("List-Id", "<equipe.salon.test>"),
            ("Feedback-ID", "1:gateway"),
            ("X-Autoreply", "no"),
            ("X-FC-MachineGenerated", "false"),
            ("X-POST-MessageClass", "1; Letter"),
            ("Delivered-To", "autoresponder@mail.test"),
            ("Return-Path", "<c1@mail.test>"),
            ("Content-Type", "multipart/mixed; boundary=\"multipart/report\""),
            ("Content-Type", "multipart/alternative; boundary=x"),
            ("Subject", "Re: Auto-Submitted: auto-replied"),
            ("X-Mailer", "Autoresponder"),
        ] {
            assert!(!is_automatic(name, value), "{name}: {value}");
        }
    }

    #[test]
    fn the_text_is_what_mailgun_found_new_and_all_of_it_if_it_found_nothing() {
        let body = "Oui\n> Samedi ?";
        let link = "https://messages.test/mail/unsubscribe?person=c1&signature=abc";
        let quoted = format!("Oui\n> Samedi ?\n> Stop : <{link}>\n> Fin");
        let table = [
            (Some("Oui"), Some(body), "Oui"),
            (None, Some(body), body),
            (Some(""), Some(body), body),
            (Some(" \r\n\u{200b}\u{feff}"), Some(body), body),
            (Some("\u{200e}\u{2800}"), Some(body), body),
            (Some("Oui"), None, "Oui"),
            // Who answers beneath the quote is heard.
            (Some(""), Some("> Samedi ?\n\nOui"), "> Samedi ?\n\nOui"),
            (Some(""), Some("D'accord pour :\n> Samedi"), "D'accord pour :\n> Samedi"),
            // What came for its pictures says nothing.
            (Some(""), Some("> Samedi ?"), ""),
            (
                Some(""),
                Some(
                    "\nLe lun. 5 janv. 2026 à 10:00, Encre\n<x@y.fr> a écrit :\n\n> Samedi ?\n>\n",
                ),
                "",
            ),
            (Some(""), Some("On Mon, Jan 5, 2026 at 10:00 AM Encre wrote:\n> Samedi ?"), ""),
            (Some(""), None, ""),
            (None, None, ""),
            // Our way out of all mail is nobody else's.
            (Some(""), Some(&quoted), "Oui\n> Samedi ?\n> Fin"),
            (Some(link), Some(body), ""),
        ];
        for (new, body, text) in table {
            let new = new.map(|new| ("stripped-text", new));
            let parts: Vec<_> =
                new.into_iter().chain(body.map(|body| ("body-plain", body))).collect();
            let fields = mail_with(&parts);
            let read = Mail::of(&fields).map(|mail| mail.text.into_owned());
            assert_eq!(read.as_deref(), Ok(text), "{parts:?}");
        }
    }

    fn text_of(body: &str) -> String {
        let fields = mail_with(&[("stripped-text", ""), ("body-plain", body)]);
        let mail = Mail::of(&fields).map(|mail| mail.text.into_owned());
        mail.expect("a reply")
    }

    #[test]
    fn what_people_write_is_not_taken_for_the_line_above_a_quote() {
        for body in [
            "Mon numéro est le 06 12 34 56 78 :",
            "Voici 3 photos:",
            "Mes disponibilités pour le 12:\n> Samedi ?",
            "Samedi 12 à 14:30 :\n> Samedi ?",
            "Le 05/01/2026 à 14:30 :\n> Samedi ?",
            "Léa a écrit 3 fois :\n> Samedi ?",
            "On Mon, Jan 5, 2026 at 10:00 AM Encre wrote:",
            "Voir :\n> Le 5 janv. 2026 à 10:00, Encre <x@y.fr> a écrit :\n> Samedi ?",
        ] {
            assert_eq!(text_of(body), body);
        }
        for quote in [
            "Le 05/01/2026 à 10:00, Encre a écrit :\n> Samedi ?",
            "Le 5 janv. 2026 à 10 h 05, Encre a écrit\u{a0}:\n> Samedi ?",
            "On 1/5/26 10:00 AM, Encre wrote:\n> Samedi ?",
            "Encre <x@y.fr> a écrit :\n\n> Samedi ?",
            "Am 5. Januar 2026 10:00:00 schrieb Encre <x@y.fr>:\n> Samedi ?",
            ">Samedi ?",
        ] {
            assert_eq!(text_of(quote), "", "{quote}");
        }
    }

    #[test]
    fn our_way_out_is_found_in_a_link_that_a_gateway_rewrote() {
        let once =
            "https%3A%2F%2Fmessages.test%2Fmail%2Funsubscribe%3Fperson%3Dc1%26signature%3Dabc";
        let links = [
            format!("https://eur01.safelinks.test/?url={once}&data=05"),
            format!("https://gateway.test/?u={}", once.replace('%', "%25")),
            "https://urldefense.test/v2/url?u=https-3A__messages.test_mail_unsubscribe-3Fperson-3Dc1-26signature-3Dabc&d=DwMF"
                .to_owned(),
            "https://gateway.test/?u=https%3a%2f%2fmessages.test%2fmail%2funsubscribe%3fperson%3dc1".to_owned(),
            "<https://messages.test/mail/%75nsubscribe?person=c1&signature=abc>".to_owned(),
        ];
        for link in links {
            let body = format!("Oui\n> Stop : {link}\n> 100 % Fin_-3G%zz%");
            assert_eq!(text_of(&body), "Oui\n> 100 % Fin_-3G%zz%", "{link}");
        }
    }

    #[test]
    fn an_odd_entry_of_the_header_hides_no_mark_of_a_program() {
        let mark = r#"["Auto-Submitted", "auto-replied"]"#;
        for odd in [
            r#"["X-Spam-Score", 1.5]"#,
            r#"["A"]"#,
            "[]",
            "null",
            "7",
            r#""Subject""#,
            r#"{"Subject": "x"}"#,
            r#"["Subject", "x", "y"]"#,
            r#"["Subject", null]"#,
            r#"["X-Score", 1e999]"#,
            r#"["Subject", "\udce9t\udce9"]"#,
            r#"[["Subject"], "x"]"#,
        ] {
            for lines in [format!("[{odd}, {mark}]"), format!("[{mark}, {odd}]")] {
                let fields = mail_with(&[("message-headers", &lines)]);
                assert_eq!(Mail::of(&fields).err(), Some(NoReply::Automatic), "{odd}");
            }
            let lines = format!(r#"[{odd}, ["Message-Id", "<a@b>"]]"#);
            let fields = mail_with(&[("message-headers", &lines)]);
            let id = Mail::of(&fields).map(|mail| mail.message_id);
            assert_eq!(id, Ok("<a@b>".to_owned()), "{odd}");
        }
        let number = mail_with(&[("message-headers", r#"[["X-Auto-Reply", 1]]"#)]);
        assert_eq!(Mail::of(&number).err(), Some(NoReply::Automatic));
    }

    #[test]
    fn a_header_that_cannot_be_read_is_refused_because_it_may_hide_a_mark() {
        for bad in ["", "nonsense", "{}", "null", r#"[["A", "b"]"#, r#"[["A", "b"]] x"#] {
            let fields = mail_with(&[("message-headers", bad), ("Message-Id", "<c@d>")]);
            assert_eq!(Mail::of(&fields).err(), Some(NoReply::UnreadableHeaders), "{bad}");
        }
    }

    #[test]
    fn the_id_is_read_from_the_header_or_from_its_own_field() {
        let header = r#"[["Received", "x"], ["Message-ID", "<a@b>"]]"#;
        let in_header = mail_with(&[("message-headers", header), ("Message-Id", "<c@d>")]);
        assert_eq!(Mail::of(&in_header).map(|mail| mail.message_id), Ok("<a@b>".to_owned()));
        let alone = mail_with(&[("Message-Id", "<c@d>")]);
        assert_eq!(Mail::of(&alone).map(|mail| mail.message_id), Ok("<c@d>".to_owned()));
    }
}
