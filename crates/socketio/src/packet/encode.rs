//! Encodes packets. Every text starts with `4`, the type of the Engine.IO message that carries it.

use bytes::Bytes;
use serde::{
    Serialize, Serializer,
    ser::{Error as _, SerializeStruct},
};
use serde_json::{Value, value::RawValue};

use super::Packet;

/// Refers to an attachment from inside the arguments of an event, by index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placeholder(
    /// The index of the attachment, from 0.
    pub usize,
);

impl Serialize for Placeholder {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Placeholder", 2)?;
        object.serialize_field("_placeholder", &true)?;
        object.serialize_field("num", &self.0)?;
        object.end()
    }
}

impl Packet {
    /// The messages that carry the packet: one text, starting with its Engine.IO type, and the
    /// attachments that follow it.
    ///
    /// # Errors
    /// Never for a packet with valid JSON.
    pub fn encode(&self) -> Result<(String, Vec<Bytes>), serde_json::Error> {
        Ok(match self {
            Self::Connect { namespace, data } => {
                let mut text = header('0', 0, namespace, None);
                text.push_str(data.as_deref().map_or("", RawValue::get));
                (text, Vec::new())
            }
            Self::Disconnect { namespace } => (disconnect_text(namespace), Vec::new()),
            Self::Event { namespace, id, name, args, attachments } => {
                let text = event_text(namespace, *id, name, args, attachments.len())?;
                (text, attachments.clone())
            }
            Self::LargeEvent { namespace, id, name, args, .. } => {
                (event_text(namespace, *id, name, args, 0)?, Vec::new())
            }
            Self::Ack { namespace, id, args, attachments } => {
                let text = ack_text(namespace, *id, args, attachments.len())?;
                (text, attachments.clone())
            }
            Self::ConnectError { namespace, data } => {
                let text = header('4', 0, namespace, None) + data.get();
                (text, Vec::new())
            }
        })
    }
}

/// Most packets are not longer, so that their text is allocated once.
const TYPICAL_BYTES: usize = 512;

/// `42["name",…]`, or `45…` when there are attachments.
pub(crate) fn event_text(
    namespace: &str,
    id: Option<u64>,
    name: &str,
    args: &[impl Serialize],
    attachments: usize,
) -> Result<String, serde_json::Error> {
    let kind = if attachments == 0 { '2' } else { '5' };
    let mut text = header(kind, attachments, namespace, id).into_bytes();
    text.push(b'[');
    serde_json::to_writer(&mut text, name)?;
    for arg in args {
        text.push(b',');
        serde_json::to_writer(&mut text, arg)?;
    }
    text.push(b']');
    as_text(text)
}

/// JSON is UTF-8.
fn as_text(bytes: Vec<u8>) -> Result<String, serde_json::Error> {
    String::from_utf8(bytes).map_err(serde_json::Error::custom)
}

/// `43<id>[…]`, or `46…` when there are attachments.
pub(crate) fn ack_text(
    namespace: &str,
    id: u64,
    args: &[impl Serialize],
    attachments: usize,
) -> Result<String, serde_json::Error> {
    let kind = if attachments == 0 { '3' } else { '6' };
    let mut text = header(kind, attachments, namespace, Some(id)).into_bytes();
    serde_json::to_writer(&mut text, args)?;
    as_text(text)
}

/// `40{"sid":"…"}`, with `pid` when there is one.
pub(crate) fn connect_text(namespace: &str, sid: &str, pid: Option<&str>) -> String {
    let mut text = header('0', 0, namespace, None);
    text.push_str(r#"{"sid":"#);
    text.push_str(&Value::from(sid).to_string());
    if let Some(pid) = pid {
        text.push_str(r#","pid":"#);
        text.push_str(&Value::from(pid).to_string());
    }
    text.push('}');
    text
}

/// `41`, or `41/ns,`.
pub(crate) fn disconnect_text(namespace: &str) -> String {
    header('1', 0, namespace, None)
}

/// `44{"message":…}`, with `data` when there is some.
pub(crate) fn connect_error_text(
    namespace: &str,
    message: &str,
    data: Option<&Value>,
) -> Result<String, serde_json::Error> {
    #[derive(Serialize)]
    struct ConnectError<'a> {
        message: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        data: Option<&'a Value>,
    }
    let body = serde_json::to_string(&ConnectError { message, data })?;
    Ok(header('4', 0, namespace, None) + &body)
}

fn header(kind: char, attachments: usize, namespace: &str, id: Option<u64>) -> String {
    let mut text = String::with_capacity(TYPICAL_BYTES);
    text.push('4');
    text.push(kind);
    if attachments > 0 {
        text.push_str(&attachments.to_string());
        text.push('-');
    }
    if namespace != "/" {
        text.push_str(namespace);
        text.push(',');
    }
    if let Some(id) = id {
        text.push_str(&id.to_string());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_placeholder_keeps_its_keys_in_order() {
        let text = serde_json::to_string(&Placeholder(1)).expect("JSON");
        assert_eq!(text, r#"{"_placeholder":true,"num":1}"#);
    }

    #[test]
    fn a_refusal_without_data_has_only_a_message() {
        let text = connect_error_text("/random", "Invalid namespace", None).expect("JSON");
        assert_eq!(text, r#"44/random,{"message":"Invalid namespace"}"#);
    }

    #[test]
    fn an_answer_may_hold_nothing() {
        let none: [Value; 0] = [];
        assert_eq!(ack_text("/admin", 7, &none, 0).expect("JSON"), "43/admin,7[]");
    }
}
