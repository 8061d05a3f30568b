//! Outgoing frames.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use bytestring::ByteString;
use serde::{Serialize, ser::Error as _};
use serde_json::{Value, value::RawValue};

use crate::packet::{RESERVED_EVENTS, event_text};

/// An event, encoded once for any number of sockets of one namespace. Cloning is cheap: all
/// recipients share the same bytes. `Debug` hides the content.
#[derive(Clone)]
pub struct Frame {
    namespace: Arc<str>,
    text: ByteString,
    attachments: Arc<[Bytes]>,
}

impl Frame {
    /// An event with one argument.
    ///
    /// # Errors
    /// When `arg` cannot be serialized as JSON, or the name `event` is reserved by the protocol.
    pub fn new(
        namespace: &str,
        event: &str,
        arg: &impl Serialize,
    ) -> Result<Self, serde_json::Error> {
        Self::event(namespace, event, &[arg], Vec::new())
    }

    /// An event with one argument, in which each [`Placeholder`](crate::Placeholder) refers to an
    /// attachment by index.
    ///
    /// # Errors
    /// When `arg` cannot be serialized as JSON, or the name `event` is reserved by the protocol.
    pub fn with_attachments(
        namespace: &str,
        event: &str,
        arg: &impl Serialize,
        attachments: Vec<Bytes>,
    ) -> Result<Self, serde_json::Error> {
        Self::event(namespace, event, &[arg], attachments)
    }

    /// An event with any number of arguments that are JSON already.
    ///
    /// # Errors
    /// When the name `event` is reserved by the protocol.
    pub fn from_raw(
        namespace: &str,
        event: &str,
        args: &[Box<RawValue>],
        attachments: Vec<Bytes>,
    ) -> Result<Self, serde_json::Error> {
        Self::event(namespace, event, args, attachments)
    }

    fn event(
        namespace: &str,
        event: &str,
        args: &[impl Serialize],
        attachments: Vec<Bytes>,
    ) -> Result<Self, serde_json::Error> {
        if RESERVED_EVENTS.contains(&event) {
            return Err(serde_json::Error::custom("reserved event name"));
        }
        let text = event_text(namespace, None, event, args, attachments.len())?;
        Ok(Self::of_text(namespace.into(), text, attachments))
    }

    /// The same event with `offset` as an additional last argument. A reconnecting client sends the
    /// offset of the last event it received. The other arguments are not encoded again, so each
    /// recipient can have its own offset.
    #[must_use]
    pub fn offset_by(&self, offset: &str) -> Self {
        let arguments = self.text.strip_suffix(']').unwrap_or(&self.text);
        let mut text = String::with_capacity(self.text.len() + offset.len() + 3);
        text.push_str(arguments);
        text.push(',');
        if offset.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
            text.extend(["\"", offset, "\""]);
        } else {
            text.push_str(&Value::from(offset).to_string());
        }
        text.push(']');
        Self {
            namespace: Arc::clone(&self.namespace),
            text: text.into(),
            attachments: Arc::clone(&self.attachments),
        }
    }

    /// See [`offset_by`](Self::offset_by).
    #[must_use]
    pub fn with_offset(self, offset: &str) -> Self {
        self.offset_by(offset)
    }

    /// A frame from an encoded packet.
    pub(crate) fn of_text(namespace: Arc<str>, text: String, attachments: Vec<Bytes>) -> Self {
        Self { namespace, text: text.into(), attachments: attachments.into() }
    }

    /// A single binary message, for bare Engine.IO only. Its text is empty and not sent.
    pub(crate) fn of_bytes(bytes: Bytes) -> Self {
        Self::of_text("/".into(), String::new(), vec![bytes])
    }

    /// The namespace; only its sockets can send this frame.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The text part of the packet as sent on the wire.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The size on the wire in bytes, attachments included.
    pub(crate) fn size_bytes(&self) -> usize {
        self.text.len() + self.attachments.iter().map(Bytes::len).sum::<usize>()
    }

    pub(crate) fn into_parts(self) -> (ByteString, Arc<[Bytes]>) {
        (self.text, self.attachments)
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame")
            .field("namespace", &self.namespace)
            .field("bytes", &self.size_bytes())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Placeholder;

    #[test]
    fn one_argument_becomes_an_array_behind_the_name() {
        let frame = Frame::new("/chat", "said", &"hi").expect("JSON");
        assert_eq!(frame.into_parts().0, r#"42/chat,["said","hi"]"#);
    }

    #[test]
    fn attachments_are_announced_and_counted() {
        let frame = Frame::with_attachments("/", "photo", &Placeholder(0), vec![vec![1, 2].into()])
            .expect("JSON");
        let text = r#"451-["photo",{"_placeholder":true,"num":0}]"#;
        assert_eq!(frame.size_bytes(), text.len() + 2);
        assert_eq!(frame.into_parts().0, text);
    }

    #[test]
    fn an_offset_is_one_more_argument_and_the_original_is_left_alone() {
        let frame =
            Frame::with_attachments("/chat", "said", &"hi]", vec![vec![1].into()]).expect("JSON");
        let first = frame.offset_by("a\"1");
        assert_eq!(first.text(), r#"451-/chat,["said","hi]","a\"1"]"#);
        assert_eq!(first.size_bytes(), first.text().len() + 1);
        assert_eq!(frame.text(), r#"451-/chat,["said","hi]"]"#);
        let bare = Frame::from_raw("/", "said", &[], Vec::new()).expect("JSON");
        assert_eq!(bare.with_offset("o").text(), r#"42["said","o"]"#);
    }

    #[test]
    fn a_reserved_name_is_refused() {
        assert!(Frame::new("/", "disconnect", &0).is_err());
    }
}
