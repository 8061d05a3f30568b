//! The part of a packet before its JSON:
//! `<type>[<attachments>-][<namespace>,][<ack id>]`.

use super::ParseError;

/// The type of a packet. Whether it is binary shows in [`Header::attachments`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Connect,
    Disconnect,
    Event,
    Ack,
    ConnectError,
}

/// A packet cut into its parts, none of them interpreted yet.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header<'a> {
    pub(super) kind: Kind,
    pub(super) attachments: usize,
    pub(super) namespace: &'a str,
    pub(super) id: Option<u64>,
    /// What follows the header; empty when nothing does.
    pub(super) json: &'a str,
}

impl<'a> Header<'a> {
    pub(super) fn cut(text: &'a str) -> Result<Self, ParseError> {
        let (kind, binary) = match text.bytes().next() {
            Some(b'0') => (Kind::Connect, false),
            Some(b'1') => (Kind::Disconnect, false),
            Some(b'2') => (Kind::Event, false),
            Some(b'3') => (Kind::Ack, false),
            Some(b'4') => (Kind::ConnectError, false),
            Some(b'5') => (Kind::Event, true),
            Some(b'6') => (Kind::Ack, true),
            _ => return Err(ParseError::UnknownType),
        };
        let (attachments, rest) =
            if binary { cut_attachments(&text[1..])? } else { (0, &text[1..]) };
        let (namespace, rest) = cut_namespace(rest);
        let (id, json) = cut_id(rest)?;
        Ok(Self { kind, attachments, namespace, id, json })
    }
}

fn cut_attachments(text: &str) -> Result<(usize, &str), ParseError> {
    let (digits, rest) = cut_digits(text);
    let rest =
        rest.strip_prefix('-').filter(|_| !digits.is_empty()).ok_or(ParseError::AttachmentCount)?;
    match digits.parse() {
        Ok(0) => Err(ParseError::AttachmentCount),
        Ok(count) => Ok((count, rest)),
        Err(_) => Err(ParseError::TooManyAttachments),
    }
}

fn cut_namespace(text: &str) -> (&str, &str) {
    if text.starts_with('/') { text.split_once(',').unwrap_or((text, "")) } else { ("/", text) }
}

fn cut_id(text: &str) -> Result<(Option<u64>, &str), ParseError> {
    let (digits, rest) = cut_digits(text);
    if digits.is_empty() {
        return Ok((None, rest));
    }
    let id = digits.parse().map_err(|_| ParseError::AckId)?;
    Ok((Some(id), rest))
}

fn cut_digits(text: &str) -> (&str, &str) {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_found_where_it_stands() {
        assert_eq!(
            Header::cut("51-/admin,456[\"x\"]"),
            Ok(Header {
                kind: Kind::Event,
                attachments: 1,
                namespace: "/admin",
                id: Some(456),
                json: "[\"x\"]",
            })
        );
    }

    #[test]
    fn the_comma_may_be_missing_when_nothing_follows() {
        let header = Header::cut("0/custom").expect("a header");
        assert_eq!((header.namespace, header.json), ("/custom", ""));
    }

    #[test]
    fn zero_is_an_id_like_any_other() {
        assert_eq!(Header::cut("20[]").expect("a header").id, Some(0));
    }
}
