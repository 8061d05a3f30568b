//! What is said to sessions: written as JSON once, and framed once for each kind of door, however
//! many sessions hear it.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use domain::{event::Event, id::ConversationId, seq::Seq};
use serde_json::value::RawValue;
use socketio::Frame;

use super::NAMESPACE;

/// Where something stands in a conversation's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogPosition {
    pub(crate) conversation: ConversationId,
    pub(crate) seq: Seq,
}

impl LogPosition {
    pub(super) fn of(event: &Event) -> Self {
        Self { conversation: event.conversation.clone(), seq: event.seq }
    }
}

/// Something said to sessions. Cheap to clone.
#[derive(Clone)]
pub(crate) struct OutgoingEvent(Arc<Inner>);

struct Inner {
    name: &'static str,
    data: Box<RawValue>,
    place: Option<LogPosition>,
    frame: OnceLock<Option<Frame>>,
    line: OnceLock<Arc<str>>,
}

impl OutgoingEvent {
    /// The event `name` with its payload. `place` is given for what a log holds: whoever heard it
    /// has heard that conversation up to there.
    pub(super) fn new(name: &'static str, data: Box<RawValue>, place: Option<LogPosition>) -> Self {
        let (frame, line) = (OnceLock::new(), OnceLock::new());
        Self(Arc::new(Inner { name, data, place, frame, line }))
    }

    pub(crate) fn name(&self) -> &'static str {
        self.0.name
    }

    /// The payload.
    pub(crate) fn data(&self) -> &RawValue {
        &self.0.data
    }

    /// Where it stands in a log; `None` for what no log holds.
    pub(crate) fn place(&self) -> Option<&LogPosition> {
        self.0.place.as_ref()
    }

    /// As Socket.IO says it; `None` when it cannot.
    pub(super) fn frame(&self) -> Option<&Frame> {
        let frame = || {
            let arguments = std::slice::from_ref(&self.0.data);
            Frame::from_raw(NAMESPACE, self.0.name, arguments, Vec::new())
                .inspect_err(|error| {
                    tracing::error!(event = self.0.name, %error, "cannot frame an event");
                })
                .ok()
        };
        self.0.frame.get_or_init(frame).as_ref()
    }

    /// As the plain WebSocket says it: `{"event":…,"data":…,"seq":…}`, without `seq` for what no
    /// log holds.
    pub(super) fn line(&self) -> &Arc<str> {
        let line = || {
            let Inner { name, data, place, .. } = &*self.0;
            match place {
                Some(LogPosition { seq, .. }) => {
                    format!(r#"{{"event":"{name}","data":{data},"seq":{seq}}}"#).into()
                }
                None => format!(r#"{{"event":"{name}","data":{data}}}"#).into(),
            }
        };
        self.0.line.get_or_init(line)
    }
}

/// Hides what is said.
impl fmt::Debug for OutgoingEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Told")
            .field("name", &self.0.name)
            .field("place", &self.0.place)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(place: Option<LogPosition>) -> OutgoingEvent {
        let data = RawValue::from_string(r#"{"a":[1.0,null]}"#.to_owned()).expect("JSON");
        OutgoingEvent::new("new-message", data, place)
    }

    fn fifth() -> LogPosition {
        let conversation = ConversationId::parse("c1").expect("a good id");
        LogPosition { conversation, seq: Seq::new(5).expect("not negative") }
    }

    #[test]
    fn each_door_has_its_own_words_for_the_same() {
        let told = told(Some(fifth()));
        let frame = told.frame().expect("a good name").text();
        assert_eq!(frame, r#"42/messaging,["new-message",{"a":[1.0,null]}]"#);
        assert_eq!(&**told.line(), r#"{"event":"new-message","data":{"a":[1.0,null]},"seq":5}"#);
    }

    #[test]
    fn what_no_log_holds_has_no_position() {
        assert_eq!(&**told(None).line(), r#"{"event":"new-message","data":{"a":[1.0,null]}}"#);
    }

    #[test]
    fn it_is_framed_once() {
        let (told, again) = (told(None), told(None));
        let shared = told.clone();
        assert!(Arc::ptr_eq(told.line(), shared.line()));
        assert!(!Arc::ptr_eq(told.line(), again.line()));
    }
}
