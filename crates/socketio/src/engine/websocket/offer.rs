//! Whether a client can be met on compression (RFC 7692, 7.1).

use actix_web::http::header::{self, HeaderMap, HeaderValue};

/// What is agreed on: every message is compressed by itself, so that nothing is kept between
/// messages, and an idle connection costs nothing.
pub(super) const ACCEPTED: HeaderValue = HeaderValue::from_static(
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
);

/// Whether any of the offers can be accepted in these terms.
pub(super) fn is_acceptable(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::SEC_WEBSOCKET_EXTENSIONS)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(suits)
}

fn suits(offer: &str) -> bool {
    let mut parts = offer.split(';').map(str::trim);
    parts.next() == Some("permessage-deflate") && parts.all(can_be_met)
}

/// A smaller window than the usual one cannot be had from the compressor.
fn can_be_met(parameter: &str) -> bool {
    let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
    match (name.trim(), value.trim().trim_matches('"')) {
        ("server_no_context_takeover" | "client_no_context_takeover", "") => true,
        ("client_max_window_bits", bits) => {
            bits.is_empty() || bits.parse().is_ok_and(|bits: u8| (8..=15).contains(&bits))
        }
        ("server_max_window_bits", bits) => bits == "15",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_offers_that_can_be_honoured_are_accepted() {
        for (offer, expected) in [
            ("permessage-deflate; client_max_window_bits", true),
            ("permessage-deflate", true),
            ("permessage-deflate; server_max_window_bits=15; client_max_window_bits=\"12\"", true),
            ("permessage-deflate; server_max_window_bits=10, permessage-deflate", true),
            ("permessage-deflate; server_max_window_bits=10", false),
            ("permessage-deflate; client_max_window_bits=16", false),
            ("permessage-deflate; who_knows", false),
            ("x-webkit-deflate-frame", false),
        ] {
            let mut headers = HeaderMap::new();
            let name = header::SEC_WEBSOCKET_EXTENSIONS;
            headers.insert(name, HeaderValue::from_static(offer));
            assert_eq!(is_acceptable(&headers), expected, "{offer}");
        }
    }
}
