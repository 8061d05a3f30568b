//! The packets of Engine.IO 4 and Socket.IO 5 that a client of one namespace sends and receives.

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

use crate::{Fault, wait::within};

/// The namespace of the service.
const NAMESPACE: &str = "/messaging";

/// A text frame from the server.
#[derive(Debug, PartialEq)]
pub(super) enum Packet {
    /// The Engine.IO session is open.
    Open,
    /// A ping, to be answered with [`PONG`].
    Ping,
    /// No operation.
    Noop,
    /// The server closes the Engine.IO session.
    Close,
    /// The CONNECT was accepted.
    Connected {
        /// The recovery id, if the server supports recovery.
        pid: Option<String>,
    },
    /// The CONNECT was refused, with this reason.
    Refused(Value),
    /// The server disconnected us from the namespace.
    Disconnected,
    /// An event.
    Event {
        /// Its name.
        name: String,
        /// Its first argument, or null.
        data: Value,
        /// The last item of the packet, if it is a string: the offset, if recovery is on.
        last: Option<String>,
    },
    /// The acknowledgement of the event with this id.
    Ack {
        /// The acknowledgement id.
        id: u64,
        /// Its first argument, or null.
        data: Value,
    },
}

/// The answer to a ping.
pub(super) const PONG: &str = "3";

/// Connects to the namespace.
pub(super) fn connect(auth: &Value) -> String {
    format!("40{NAMESPACE},{auth}")
}

/// An event with its arguments; with an id it requests an acknowledgement.
pub(super) fn event(name: &str, arguments: &[Value], ack: Option<u64>) -> String {
    let mut array = vec![Value::from(name)];
    array.extend_from_slice(arguments);
    let number = ack.map(|id| id.to_string()).unwrap_or_default();
    format!("42{NAMESPACE},{number}{}", Value::Array(array))
}

/// An event that requests an acknowledgement, with its name and arguments as JSON.
pub(super) fn encoded_event(arguments: &str, ack: u64) -> String {
    format!("42{NAMESPACE},{ack}{arguments}")
}

/// Reads a text frame from the server.
pub(super) fn decode(frame: &str) -> Result<Packet, Fault> {
    let unknown = || Fault::new(format!("the server sent an unexpected frame: {frame}"));
    let mut characters = frame.chars();
    match characters.next() {
        Some('0') => Ok(Packet::Open),
        Some('1') => Ok(Packet::Close),
        Some('2') => Ok(Packet::Ping),
        Some('4') => decode_message(characters.as_str()).ok_or_else(unknown),
        Some('6') => Ok(Packet::Noop),
        _ => Err(unknown()),
    }
}

fn decode_message(text: &str) -> Option<Packet> {
    let kind = text.chars().next()?;
    let rest = text.get(1..)?.strip_prefix(NAMESPACE)?;
    // The comma may be missing when nothing follows.
    let rest = rest.strip_prefix(',').unwrap_or(rest);
    let json = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    let number = rest.strip_suffix(json)?;
    let value = || serde_json::from_str::<Value>(json).ok();
    match kind {
        '0' => {
            let pid = value().and_then(|answer| answer["pid"].as_str().map(str::to_owned));
            Some(Packet::Connected { pid })
        }
        '1' => Some(Packet::Disconnected),
        '2' => {
            let value = value()?;
            let last = value.as_array()?.last().and_then(Value::as_str).map(str::to_owned);
            let mut arguments = arguments(value)?;
            let name = arguments.next()?.as_str()?.to_owned();
            let data = arguments.next().unwrap_or_default();
            Some(Packet::Event { name, data, last })
        }
        '3' => Some(Packet::Ack {
            id: number.parse().ok()?,
            data: arguments(value()?)?.next().unwrap_or_default(),
        }),
        '4' => Some(Packet::Refused(value()?)),
        _ => None,
    }
}

fn arguments(value: Value) -> Option<impl Iterator<Item = Value>> {
    match value {
        Value::Array(arguments) => Some(arguments.into_iter()),
        _ => None,
    }
}

// A raw WebSocket to the server.

/// A WebSocket with full control over frames. It sends nothing automatically.
#[derive(Debug)]
pub struct Frames(WebSocketStream<MaybeTlsStream<TcpStream>>);

/// A frame from the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// Text.
    Text(String),
    /// Bytes.
    Binary(Vec<u8>),
    /// The connection was closed or lost.
    End,
}

impl Frames {
    /// Opens a WebSocket of Engine.IO 4, for an existing session if there is one.
    ///
    /// # Errors
    /// When the server refuses it.
    pub async fn open(url: &str, sid: Option<&str>) -> Result<Self, Fault> {
        let sid = sid.map(|sid| format!("&sid={sid}")).unwrap_or_default();
        Self::open_at(url, &format!("/socket.io/?EIO=4&transport=websocket{sid}")).await
    }

    /// Opens a WebSocket for clients without Socket.IO.
    ///
    /// # Errors
    /// When the server refuses it.
    pub async fn open_plain(url: &str) -> Result<Self, Fault> {
        Self::open_at(url, "/messaging").await
    }

    async fn open_at(url: &str, path: &str) -> Result<Self, Fault> {
        let address = format!("{}{path}", url.replacen("http", "ws", 1));
        let opened = within("a WebSocket", connect_async(address)).await?;
        let (socket, _) = opened.map_err(Fault::while_doing("open a WebSocket"))?;
        Ok(Self(socket))
    }

    /// Sends a text frame.
    ///
    /// # Errors
    /// When the connection is lost.
    pub async fn say(&mut self, text: &str) -> Result<(), Fault> {
        self.send(Message::text(text)).await
    }

    /// Sends a binary frame.
    ///
    /// # Errors
    /// When the connection is lost.
    pub async fn say_bytes(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.send(Message::binary(bytes.to_vec())).await
    }

    async fn send(&mut self, message: Message) -> Result<(), Fault> {
        self.0.send(message).await.map_err(Fault::while_doing("send a frame"))
    }

    /// The next frame.
    ///
    /// # Errors
    /// When none arrives in time.
    pub async fn receive(&mut self) -> Result<Frame, Fault> {
        within("a frame", async {
            loop {
                match self.0.next().await {
                    Some(Ok(Message::Text(text))) => return Frame::Text(text.to_string()),
                    Some(Ok(Message::Binary(bytes))) => return Frame::Binary(bytes.to_vec()),
                    Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return Frame::End,
                }
            }
        })
        .await
    }

    /// The next text with this prefix; others are skipped.
    ///
    /// # Errors
    /// When the connection ends first.
    pub async fn wait_for_text(&mut self, prefix: &str) -> Result<String, Fault> {
        loop {
            match self.receive().await? {
                Frame::Text(text) if text.starts_with(prefix) => return Ok(text),
                Frame::End => return Err(Fault::new(format!("the end came before {prefix}"))),
                Frame::Text(_) | Frame::Binary(_) => {}
            }
        }
    }

    /// Waits until the server has closed the connection.
    ///
    /// # Errors
    /// When it does not close it in time.
    pub async fn ended(&mut self) -> Result<(), Fault> {
        while self.receive().await? != Frame::End {}
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_packet_of_a_session_is_read() {
        let event = |name: &str, data, last: Option<&str>| Packet::Event {
            name: name.to_owned(),
            data,
            last: last.map(str::to_owned),
        };
        let connected = |pid: Option<&str>| Packet::Connected { pid: pid.map(str::to_owned) };
        let table = [
            (r#"0{"sid":"a"}"#, Packet::Open),
            ("2", Packet::Ping),
            (r#"40/messaging,{"sid":"b"}"#, connected(None)),
            (r#"40/messaging,{"sid":"b","pid":"c"}"#, connected(Some("c"))),
            ("41/messaging,", Packet::Disconnected),
            ("41/messaging", Packet::Disconnected),
            (r#"42/messaging,["a",{"b":1}]"#, event("a", json!({"b":1}), None)),
            (r#"42/messaging,["a",1,"z"]"#, event("a", json!(1), Some("z"))),
            (r#"42/messaging,["a"]"#, event("a", Value::Null, Some("a"))),
            (r#"43/messaging,12[{"ok":true}]"#, Packet::Ack { id: 12, data: json!({"ok":true}) }),
            (r#"44/messaging,{"message":"no"}"#, Packet::Refused(json!({"message":"no"}))),
        ];
        for (frame, packet) in table {
            assert_eq!(decode(frame).expect(frame), packet);
        }
    }

    #[test]
    fn a_frame_of_another_namespace_is_a_fault() {
        assert!(decode(r#"42["a"]"#).is_err());
    }

    #[test]
    fn an_event_carries_its_number_and_arguments() {
        let text = event("send", &[json!({"a": 1})], Some(7));
        assert_eq!(text, r#"42/messaging,7["send",{"a":1}]"#);
    }
}
