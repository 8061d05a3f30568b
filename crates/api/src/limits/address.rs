//! Where somebody comes from, read from what trusted proxies wrote.

use std::{
    borrow::Cow,
    iter,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// The one header in which our proxies write whom they were called by. The other counts for nothing:
/// a proxy passes on what it does not know, and then anybody can write it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientAddressHeader {
    /// `X-Forwarded-For: 203.0.113.7, 198.51.100.1:4711`.
    #[default]
    XForwardedFor,
    /// RFC 7239: `Forwarded: for=203.0.113.7;proto=https, for="[2001:db8::1]:4711"`.
    Forwarded,
}

impl ClientAddressHeader {
    fn name(self) -> &'static str {
        match self {
            Self::XForwardedFor => "x-forwarded-for",
            Self::Forwarded => "forwarded",
        }
    }
}

/// Whom a connection that `peer` began comes from: the peer, or with `hops` trusted proxies the
/// address that the outermost of them was called from. `lines` finds the lines of a header by its
/// name, in their order. A header that says less than our proxies would have written did not pass
/// through them, so it counts for nothing; so does an address that a proxy hides or does not know.
pub(super) fn client<'a, L>(
    peer: Option<IpAddr>,
    lines: impl FnOnce(&'static str) -> L,
    header: ClientAddressHeader,
    hops: usize,
) -> IpAddr
where
    L: Iterator<Item = Cow<'a, str>>,
{
    let seen = || {
        let from_the_end = hops.checked_sub(1)?;
        let lines: Vec<_> = lines(header.name()).collect();
        let mut elements =
            lines.iter().rev().flat_map(|line| split_from_the_end(line, b',')).map(str::trim);
        // An empty element is none (RFC 9110, section 5.6.1.2).
        let element = elements.by_ref().filter(|element| !element.is_empty()).nth(from_the_end)?;
        match header {
            ClientAddressHeader::XForwardedFor => node(&unquoted(element)),
            ClientAddressHeader::Forwarded => forwarded_for(element),
        }
    };
    seen().or(peer).unwrap_or(Ipv4Addr::UNSPECIFIED.into())
}

/// The parts of `text` between separators outside of quotation marks, the last part first. Read from
/// the end because what our proxies appended is sound: an open quotation mark that a caller wrote
/// before it must not swallow it.
fn split_from_the_end(text: &str, separator: u8) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    iter::from_fn(move || {
        let text = rest?;
        let Some(at) = last_outside_of_quotes(text.as_bytes(), separator) else {
            return rest.take();
        };
        rest = Some(&text[..at]);
        Some(&text[at + 1..])
    })
}

fn last_outside_of_quotes(text: &[u8], separator: u8) -> Option<usize> {
    let mut quoted = false;
    for (at, byte) in text.iter().enumerate().rev() {
        match byte {
            b'"' if quoted && is_escaped(&text[..at]) => {}
            b'"' => quoted = !quoted,
            byte if *byte == separator && !quoted => return Some(at),
            _ => {}
        }
    }
    None
}

/// Whether the byte behind `before` stands behind a backslash that is not escaped itself.
fn is_escaped(before: &[u8]) -> bool {
    before.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

/// The node that an element of `Forwarded` says it is for; it must say so once.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let mut nodes = split_from_the_end(element, b';').filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then_some(value.trim())
    });
    let (value, None) = (nodes.next()?, nodes.next()) else {
        return None;
    };
    node(&unquoted(value))
}

/// A quoted string's content; anything else as it is.
fn unquoted(value: &str) -> Cow<'_, str> {
    let quoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
    let Some(quoted) = quoted else { return value.into() };
    let mut escapes = false;
    let mut is_content = |c: &char| {
        escapes = *c == '\\' && !escapes;
        !escapes
    };
    quoted.chars().filter(|c| is_content(c)).collect::<String>().into()
}

/// An address with or without a port, IPv6 with or without brackets. `unknown` and made-up names
/// (`_hidden`) are none.
fn node(text: &str) -> Option<IpAddr> {
    if let Some(bracketed) = text.strip_prefix('[') {
        let (address, port) = bracketed.split_once(']')?;
        return v6(address).filter(|_| port.is_empty() || is_port(port));
    }
    v6(text).or_else(|| {
        let (address, port) = text.split_at(text.find(':').unwrap_or(text.len()));
        let address: Ipv4Addr = address.parse().ok()?;
        (port.is_empty() || is_port(port)).then_some(address.into())
    })
}

/// The name of a network interface behind the address says nothing here.
fn v6(text: &str) -> Option<IpAddr> {
    let address = text.split_once('%').map_or(text, |(address, _)| address);
    address.parse::<Ipv6Addr>().ok().map(IpAddr::V6)
}

/// A colon and a number, or what stands for one (RFC 7239, section 6).
fn is_port(text: &str) -> bool {
    let Some(port) = text.strip_prefix(':') else { return false };
    let is_name = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    match port.strip_prefix('_') {
        Some(name) => !name.is_empty() && name.chars().all(is_name),
        None => (1..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

#[cfg(test)]
mod tests {
    use super::{ClientAddressHeader::*, *};

    const PEER: &str = "192.0.2.9";

    /// Whom a request with these lines of `X-Forwarded-For` and `Forwarded` comes from.
    fn seen(
        header: ClientAddressHeader,
        hops: usize,
        forwarded_for: &[&'static str],
        forwarded: &[&'static str],
    ) -> String {
        let lines = |name: &'static str| {
            let lines = if name == "x-forwarded-for" { forwarded_for } else { forwarded };
            lines.iter().copied().map(Cow::from)
        };
        client(PEER.parse().ok(), lines, header, hops).to_string()
    }

    fn by_x_forwarded_for(hops: usize, lines: &[&'static str]) -> String {
        seen(XForwardedFor, hops, lines, &[])
    }

    fn by_forwarded(hops: usize, lines: &[&'static str]) -> String {
        seen(Forwarded, hops, &[], lines)
    }

    #[test]
    fn without_a_proxy_nobody_can_pass_for_another_address() {
        assert_eq!(by_x_forwarded_for(0, &["198.51.100.1"]), PEER);
        assert_eq!(by_forwarded(0, &["for=198.51.100.1"]), PEER);
    }

    #[test]
    fn with_proxies_the_address_that_they_saw_counts_and_not_what_was_claimed_before() {
        for lines in [
            &["203.0.113.7, 198.51.100.1"][..],
            &["203.0.113.7", "198.51.100.1"],
            &["203.0.113.7,, 198.51.100.1 ,"],
            &["\u{fffd}\", 198.51.100.1"],
        ] {
            assert_eq!(by_x_forwarded_for(1, lines), "198.51.100.1", "{lines:?}");
        }
        for lines in [
            &["203.0.113.7, 198.51.100.1, 10.0.0.1"][..],
            &["203.0.113.7", "198.51.100.1, 10.0.0.1"],
            &["203.0.113.7, 198.51.100.1", "10.0.0.1"],
        ] {
            assert_eq!(by_x_forwarded_for(2, lines), "198.51.100.1", "{lines:?}");
        }
    }

    #[test]
    fn an_address_may_have_a_port_and_brackets() {
        let table = [
            ("203.0.113.7:4711", "203.0.113.7"),
            ("[2001:db8::1]:4711", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"),
            ("2001:db8::1:4711", "2001:db8::1:4711"),
            ("fe80::1%eth0", "fe80::1"),
            ("[fe80::1%eth0]:443", "fe80::1"),
            ("\"[2001:db8::1]:4711\"", "2001:db8::1"),
            ("::ffff:203.0.113.7", "::ffff:203.0.113.7"),
        ];
        for (text, address) in table {
            assert_eq!(by_x_forwarded_for(1, &[text]), address, "{text}");
        }
    }

    #[test]
    fn an_element_of_forwarded_names_its_node_among_other_things() {
        let table = [
            ("for=203.0.113.7", "203.0.113.7"),
            ("For=\"203.0.113.7:4711\";proto=https", "203.0.113.7"),
            ("proto=http;by=10.0.0.1;FOR=\"[2001:db8::1]:4711\"", "2001:db8::1"),
            ("for=\"[2001:db8::1]\" ; host=\"a;b,c\\\"d\"", "2001:db8::1"),
            ("for=\"[2001:db8::1]:_obscured\"", "2001:db8::1"),
            ("for=\"\\2\\0\\3.0.113.7\"", "203.0.113.7"),
            // Not to the letter of the standard, and never meant otherwise.
            ("for=[2001:db8::1]:4711", "2001:db8::1"),
            ("for=\"2001:db8::1\"", "2001:db8::1"),
            ("for=203.0.113.7:4711", "203.0.113.7"),
        ];
        for (text, address) in table {
            assert_eq!(by_forwarded(1, &[text]), address, "{text}");
        }
        for lines in [
            &["for=203.0.113.7, for=198.51.100.1;proto=https, for=\"[2001:db8::9]:1\""][..],
            &["for=203.0.113.7", "for=198.51.100.1", "for=10.0.0.1"],
            &["for=203.0.113.7, for=198.51.100.1", "for=unknown"],
        ] {
            assert_eq!(by_forwarded(2, lines), "198.51.100.1", "{lines:?}");
        }
    }

    #[test]
    fn an_open_quotation_mark_does_not_swallow_what_our_proxies_wrote() {
        for claimed in ["for=9.9.9.9, for=\"", "for=\"x\\", "\"", "for=9.9.9.9;x=\"\\\""] {
            let line = format!("{claimed}, for=198.51.100.1, for=\"[2001:db8::9]:1\"");
            let lines = |_| iter::once(Cow::from(&line));
            let address = client(PEER.parse().ok(), lines, Forwarded, 2);
            assert_eq!(address.to_string(), "198.51.100.1", "{claimed}");
        }
    }

    #[test]
    fn what_did_not_pass_our_proxies_or_is_hidden_is_known_by_its_peer() {
        assert_eq!(by_x_forwarded_for(1, &[]), PEER);
        assert_eq!(by_x_forwarded_for(2, &["198.51.100.1"]), PEER);
        for text in [
            "unknown",
            "_hidden",
            "",
            " ",
            ",",
            "203.0.113.7:",
            "203.0.113.7:x",
            "203.0.113.7:471100",
            "203.0.113.256",
            "[203.0.113.7]",
            "[2001:db8::1",
            "[2001:db8::1]4711",
            "2001:db8::1]:4711",
            "203.0.113.7 ; for=1",
            "for=203.0.113.7",
            "203.0.113.7:1:2",
        ] {
            assert_eq!(by_x_forwarded_for(1, &[text]), PEER, "{text}");
        }
        for text in [
            "for=unknown",
            "for=_hidden",
            "for=\"_hidden:4711\"",
            "for=",
            "for",
            "203.0.113.7",
            "by=203.0.113.7",
            "for=203.0.113.7;for=203.0.113.8",
            "for=\"203.0.113.7",
        ] {
            assert_eq!(by_forwarded(1, &["for=9.9.9.9", text]), PEER, "{text}");
        }
    }

    #[test]
    fn only_the_header_that_was_chosen_counts() {
        let both = (&["198.51.100.1"][..], &["for=203.0.113.7"][..]);
        assert_eq!(seen(XForwardedFor, 1, both.0, both.1), "198.51.100.1");
        assert_eq!(seen(Forwarded, 1, both.0, both.1), "203.0.113.7");
        assert_eq!(seen(XForwardedFor, 1, &[], both.1), PEER);
        assert_eq!(seen(Forwarded, 1, both.0, &[]), PEER);
    }
}
