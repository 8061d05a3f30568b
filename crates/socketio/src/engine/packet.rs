//! Engine.IO packets in text.

use serde::Serialize;

use crate::{config::Config, packet::ParseError, sid::EngineId};

/// "This transport ends."
pub(crate) const CLOSE: &str = "1";

/// The heartbeat.
pub(crate) const PING: &str = "2";

/// Ends a poll that has nothing to say.
pub(crate) const NOOP: &str = "6";

/// What a WebSocket that is to take over must say first, the answer to it, and what it says to
/// take over.
pub(crate) const PROBE_QUESTION: &str = "2probe";
pub(crate) const PROBE_ANSWER: &str = "3probe";
pub(crate) const UPGRADE: &str = "5";

/// What a client said, as far as the live transport of a session is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EnginePacket<'a> {
    /// The client ends the session.
    Close,
    /// The answer to a ping.
    Pong,
    /// A Socket.IO packet.
    Message(&'a str),
    /// A packet that means nothing here and harms nobody.
    Ignored,
}

impl<'a> EnginePacket<'a> {
    /// Reads one packet of a session whose transport is not being upgraded.
    ///
    /// # Errors
    /// An empty packet, an unknown type, or a ping, which only the server may send.
    pub(crate) fn parse(text: &'a str) -> Result<Self, ParseError> {
        match text.bytes().next() {
            None => Err(ParseError::Empty),
            Some(b'1') => Ok(Self::Close),
            Some(b'2') => Err(ParseError::ForbiddenEngineType),
            Some(b'3') => Ok(Self::Pong),
            Some(b'4') => Ok(Self::Message(&text[1..])),
            Some(b'0' | b'5' | b'6') => Ok(Self::Ignored),
            Some(_) => Err(ParseError::UnknownEngineType),
        }
    }
}

/// The first packet of a session: its id, the transports it may change to, and the settings the
/// client has to know.
///
/// # Errors
/// None that these values can cause.
pub(crate) fn open_text(
    id: &EngineId,
    upgrades: &[&str],
    config: &Config,
) -> Result<String, serde_json::Error> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Open<'a> {
        sid: &'a str,
        upgrades: &'a [&'a str],
        ping_interval: u64,
        ping_timeout: u64,
        max_payload: usize,
    }
    let open = Open {
        sid: id.expose(),
        upgrades,
        ping_interval: config.ping_interval_ms,
        ping_timeout: config.ping_timeout_ms,
        max_payload: config.max_payload_bytes,
    };
    Ok(format!("0{}", serde_json::to_string(&open)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_opening_has_exactly_the_five_keys_in_their_order() {
        let id = EngineId::random().expect("the system has randomness");
        let text = open_text(&id, &["websocket"], &Config::default()).expect("JSON");
        let expected = format!(
            r#"0{{"sid":"{}","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}}"#,
            id.expose()
        );
        assert_eq!(text, expected);
    }

    #[test]
    fn each_type_is_taken_for_what_it_is() {
        assert_eq!(EnginePacket::parse("1"), Ok(EnginePacket::Close));
        assert_eq!(EnginePacket::parse("3probe"), Ok(EnginePacket::Pong));
        assert_eq!(EnginePacket::parse("4é"), Ok(EnginePacket::Message("é")));
        for harmless in ["0", "5", "6"] {
            assert_eq!(EnginePacket::parse(harmless), Ok(EnginePacket::Ignored));
        }
    }

    #[test]
    fn what_is_no_packet_for_a_client_to_send_is_refused() {
        assert_eq!(EnginePacket::parse(""), Err(ParseError::Empty));
        for ping in ["2", "2probe"] {
            assert_eq!(EnginePacket::parse(ping), Err(ParseError::ForbiddenEngineType));
        }
        for unknown in ["7", "abc", "é", " 4x"] {
            assert_eq!(EnginePacket::parse(unknown), Err(ParseError::UnknownEngineType));
        }
    }
}
