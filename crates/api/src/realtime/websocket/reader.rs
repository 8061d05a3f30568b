//! The reading task of a connection: authentication, then one command after another.

use std::{
    cell::Cell,
    collections::BTreeMap,
    fmt,
    net::IpAddr,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{self, Poll, ready},
    time::Duration,
};

use actix_web::{error::PayloadError, web};
use actix_ws::{AggregatedMessage, AggregatedMessageStream, ProtocolError};
use bytes::Bytes;
use bytestring::ByteString;
use futures_util::Stream;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{MapAccess, Visitor},
};
use serde_json::{Map, Value, value::RawValue};
use socketio::{EventRoom, Intake, NotKept};
use tokio::time::timeout;

use super::writer::{CloseReason, Outbox};
#[cfg(any(test, feature = "fuzzing"))]
use crate::realtime::commands::EventName;
use crate::{
    error::Failure,
    input::{Lossy, Object},
    realtime::{
        actor::{Received, ReplyChannel, Request, SessionHandle},
        commands::{self, Answer, FIELDS},
        events::{Failed, OutgoingEvent, ServerEvent as _},
        session::{ConnectAttempt, Context, Session},
    },
    texts::Language,
};

/// The event that every connection begins with.
const AUTH: &str = "auth";

/// How many `auth` events that cannot be read are answered; the last answer ends the connection.
const UNREADABLE_AUTH_MAX: usize = 3;

/// One connection, as far as it is read.
pub(super) struct Reader {
    pub(super) context: Arc<Context>,
    pub(super) address: IpAddr,
    pub(super) stream: AggregatedMessageStream,
    pub(super) gauge: ByteGauge,
    pub(super) outbox: Arc<Outbox>,
}

impl Reader {
    /// Reads the connection to its end. A command that is under way is always carried out.
    pub(super) async fn listen(mut self) {
        let time_limit = Duration::from_millis(self.context.settings.socket.connect_timeout_ms);
        let authenticated = timeout(time_limit, self.authentication()).await;
        let begun = match authenticated.unwrap_or(Err(CloseReason::UNAUTHENTICATED)) {
            Ok((data, id)) => self.begin(data, id).await,
            Err(close_reason) => Err(close_reason),
        };
        match begun {
            Ok(session) => {
                self.gauge.bound(self.context.settings.socket.max_payload_bytes);
                let intake = session.intake();
                let mut session = SessionHandle::spawn(session, None);
                let close_reason = self.run_commands(&mut session, &*intake).await;
                self.outbox.end(close_reason);
                session.end(close_reason.to_string()).await;
            }
            Err(close_reason) => self.outbox.end(close_reason),
        }
    }

    /// The first frame, which has to be `auth`: its data, and its id. One that cannot be read may be sent
    /// again a few times, once the client has taken enough of the refusals so far.
    async fn authentication(&mut self) -> Result<(Object, Option<Value>), CloseReason> {
        for _ in 0..UNREADABLE_AUTH_MAX {
            let line = self.next().await?;
            let (data, id) = self.read_auth(&line)?;
            match data.check() {
                Ok(()) => return Ok((data, id)),
                Err(failure) => {
                    self.answers_have_left().await?;
                    self.refuse(&failure);
                }
            }
        }
        Err(CloseReason::BAD_MESSAGE)
    }

    fn read_auth(&self, line: &str) -> Result<(Object, Option<Value>), CloseReason> {
        let socket = &self.context.settings.socket;
        if line.len() > socket.max_connect_bytes {
            return Err(CloseReason::TOO_BIG);
        }
        let frame = ClientFrame::parse(line).filter(|frame| frame.event == AUTH);
        match frame {
            Some(frame) => Ok((frame.data(FIELDS), frame.id)),
            None if line.len() > socket.max_unconnected_bytes => Err(CloseReason::TOO_BIG),
            None => Err(CloseReason::BAD_MESSAGE),
        }
    }

    async fn begin(&self, data: Object, id: Option<Value>) -> Result<Session, CloseReason> {
        let token = data.fields.get("token").and_then(Value::as_str);
        let attempt = ConnectAttempt { token, address: self.address };
        match Session::begin(&self.context, attempt, self.outbox.clone()).await {
            Ok(session) => {
                let nothing = Value::Object(Map::new());
                if let Some(id) = id {
                    self.acknowledge(id, &Answer::Done { ok: true, data: &nothing });
                }
                Ok(session)
            }
            Err(failure) => {
                failure.log();
                self.refuse(&failure);
                Err(CloseReason::refusing(&failure))
            }
        }
    }

    fn refuse(&self, failure: &Failure) {
        let (message, code) = (failure.message(Language::French), failure.code().as_str());
        let details = failure.details(Language::French);
        let (client_message_id, retry_after_ms) = (None, failure.retry_after_ms());
        let failed = Failed {
            message: &message,
            code,
            event: AUTH,
            details,
            client_message_id,
            retry_after_ms,
        };
        if let Some(event) = failed.encode() {
            self.post(event.json_line());
        }
    }

    async fn run_commands(
        &mut self,
        session: &mut SessionHandle,
        intake: &dyn Intake,
    ) -> CloseReason {
        loop {
            let read = match self.next().await {
                Ok(line) => self.read_command(session, intake, &line),
                Err(close_reason) => Err(close_reason),
            };
            let handled = match read {
                Ok(command) => self.run_command(session, command).await,
                Err(close_reason) => Err(close_reason),
            };
            if let Err(close_reason) = handled {
                return close_reason;
            }
        }
    }

    fn read_command(
        &self,
        session: &SessionHandle,
        intake: &dyn Intake,
        line: &str,
    ) -> Result<ReadCommand, CloseReason> {
        let frame = ClientFrame::parse(line).ok_or(CloseReason::BAD_MESSAGE)?;
        let is_too_large = line.len() > self.context.settings.socket.max_event_bytes;
        let room = if is_too_large { None } else { intake.make_room(line.len()) };
        let not_kept = match (is_too_large, &room) {
            (true, _) => Some(NotKept::TooLarge),
            (false, None) => Some(NotKept::NoRoom),
            (false, Some(_)) => None,
        };
        let received = Received { name: &frame.event, bytes: line.len(), not_kept };
        let request = session.read(&received, |known| frame.data(known));
        Ok(ReadCommand { request, id: frame.id, _room: room })
    }

    async fn run_command(
        &self,
        session: &mut SessionHandle,
        ReadCommand { request, id, _room }: ReadCommand,
    ) -> Result<(), CloseReason> {
        let Some(request) = request else { return Ok(()) };
        self.answers_have_left().await?;
        self.outbox.liveness().beat(true);
        let handled = session.handle(self, request, id).await;
        self.outbox.liveness().beat(false);
        handled.map_err(|_stopped| CloseReason::FAILED)
    }

    /// Waits until the client has taken enough of the answers to its commands so far.
    async fn answers_have_left(&self) -> Result<(), CloseReason> {
        let socket = &self.context.settings.socket;
        let time_limit = Duration::from_millis(socket.ping_interval_ms + socket.ping_timeout_ms);
        tokio::select! {
            taken = timeout(time_limit, self.outbox.takes_commands()) => {
                taken.map_err(|_| CloseReason::SLOW_READER)
            }
            () = self.outbox.ended() => Err(CloseReason::LEFT),
        }
    }

    /// The next line of the client, or why there is none.
    async fn next(&mut self) -> Result<ByteString, CloseReason> {
        loop {
            let message = tokio::select! {
                () = self.outbox.ended() => None,
                message = self.stream.recv() => message,
            };
            self.gauge.reset();
            self.outbox.liveness().beat(false);
            match message {
                Some(Ok(AggregatedMessage::Text(line))) => return Ok(line),
                Some(Ok(AggregatedMessage::Ping(bytes))) => self.outbox.pong(bytes),
                Some(Ok(AggregatedMessage::Pong(_))) => {}
                Some(Ok(AggregatedMessage::Binary(_))) => return Err(CloseReason::BINARY),
                Some(Ok(AggregatedMessage::Close(_))) | None => return Err(CloseReason::LEFT),
                Some(Err(error)) => return Err(fault(&error)),
            }
        }
    }

    /// An answer does not reach a client that is gone or too slow; it asks again under the same
    /// key.
    fn post(&self, line: &Arc<str>) {
        if let Err(error) = self.outbox.answer(line) {
            tracing::debug!(%error, "an answer did not reach its session");
        }
    }
}

impl ReplyChannel for Reader {
    type AckId = Value;

    fn acknowledge(&self, id: Value, answer: &Answer<'_>) {
        if let Some(line) = acknowledgement(&id, answer) {
            self.post(&line);
        }
    }

    fn send_error(&self, event: &OutgoingEvent) {
        self.post(event.json_line());
    }
}

fn fault(error: &ProtocolError) -> CloseReason {
    match error {
        ProtocolError::Overflow => CloseReason::TOO_BIG,
        ProtocolError::Io(error) if error.kind() != std::io::ErrorKind::InvalidData => {
            CloseReason::TOO_BIG
        }
        _ => CloseReason::PROTOCOL,
    }
}

// The lines of the protocol: `{event, data, id?}` in, `{ack: id, ok, data | error}` out.

/// The longest `id` that is text, in bytes.
const ID_BYTES_MAX: usize = 64;

/// One frame of a client.
pub(super) struct ClientFrame<'a> {
    pub(super) event: String,
    data: Option<&'a str>,
    /// The id of the acknowledgement that is asked for.
    pub(super) id: Option<Value>,
    /// An id that cannot be read.
    unreadable_id: Option<&'a str>,
}

/// A command that was read, and its room among the events under way.
struct ReadCommand {
    /// `None` for an event that is not of our protocol, which is ignored.
    request: Option<Request>,
    id: Option<Value>,
    _room: Option<EventRoom>,
}

impl<'a> ClientFrame<'a> {
    /// Reads a line; `None` unless it is an object with an `event` that is text, and an `id`, if
    /// any, that is a number or short text. What cannot be read in its `data`, or an `id` that cannot,
    /// is for the answer to name. Other members are skipped.
    pub(super) fn parse(line: &'a str) -> Option<Self> {
        let FrameParts(parts) = serde_json::from_str(line).ok()?;
        let part = |name: &str| parts.get(name).map(|part| part.get());
        let Lossy(event) = serde_json::from_str(part("event")?).ok()?;
        let mut unreadable_id = None;
        let id = match part("id").map(|json| (json, serde_json::from_str(json))) {
            None | Some((_, Ok(Value::Null))) => None,
            Some((_, Ok(Value::Number(number)))) => Some(Value::Number(number)),
            Some((_, Ok(Value::String(text)))) if text.len() <= ID_BYTES_MAX => {
                Some(Value::String(text))
            }
            Some((_, Ok(_))) => return None,
            Some((json, Err(_))) => {
                unreadable_id = Some(json);
                None
            }
        };
        Some(Self { event, data: part("data"), id, unreadable_id })
    }

    /// The fields `known` of its data, which are none unless it is an object.
    pub(super) fn data(&self, known: &[&str]) -> Object {
        let mut data = commands::payload(self.data, known);
        if let Some(json) = self.unreadable_id {
            data.add_invalid("id", json);
        }
        data
    }
}

/// The members that frames have, by their names.
struct FrameParts<'a>(BTreeMap<&'static str, &'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for FrameParts<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = BTreeMap<&'static str, &'de RawValue>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a frame")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
                let mut parts = BTreeMap::new();
                while let Some((Lossy(name), value)) = members.next_entry()? {
                    let known = ["event", "data", "id"].into_iter().find(|known| *known == name);
                    parts.extend(known.map(|known| (known, value)));
                }
                Ok(parts)
            }
        }
        deserializer.deserialize_map(Members).map(Self)
    }
}

#[derive(Serialize)]
struct Acknowledgement<'a> {
    ack: &'a Value,
    #[serde(flatten)]
    answer: &'a Answer<'a>,
}

/// The acknowledgement called `id`.
pub(super) fn acknowledgement(id: &Value, answer: &Answer<'_>) -> Option<Arc<str>> {
    serde_json::to_string(&Acknowledgement { ack: id, answer })
        .inspect_err(|error| tracing::error!(%error, "cannot encode an acknowledgement"))
        .ok()
        .map(Into::into)
}

// For fuzzing: events as both front doors read them.

/// Reads an event with this payload, through both front doors. Both read the same.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn fuzz_event(name: &str, json: &str) {
    let Some(event) = EventName::parse(name) else { return };
    let read = |data: &Object| {
        let key = commands::client_message_id(data).map(str::to_owned);
        assert!(key.as_ref().is_none_or(|key| key.len() <= 64), "it is sent back");
        let command = commands::command(event, data);
        (key, command.map_err(|failure| failure.code()).map(|command| format!("{command:?}")))
    };
    let socketio = read(&commands::payload(Some(json), FIELDS));
    // Anything else would not be one member of a line.
    if serde_json::from_str::<&RawValue>(json).is_ok() {
        let line = format!(r#"{{"event":"{name}","data":{json}}}"#);
        let frame = ClientFrame::parse(&line).expect("a line with an event");
        assert_eq!(read(&frame.data(FIELDS)), socketio, "the plain front door reads the same");
    }
}

/// Reads a line of the plain front door.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn fuzz_frame(line: &str) {
    let Some(frame) = ClientFrame::parse(line) else { return };
    let data = frame.data(FIELDS);
    if let Some(event) = EventName::parse(&frame.event) {
        drop(commands::command(event, &data));
    }
    if let Some(id) = &frame.id {
        let answer = Answer::Done { ok: true, data: &Value::Null };
        let line = acknowledgement(id, &answer).expect("an id is JSON");
        assert!(line.starts_with(r#"{"ack":"#));
    }
}

// Bounds what a client may send before it has said one whole message.
//
// The WebSocket reader collects a frame in memory before it looks at its length, so a header that
// announces gigabytes would be believed; here the bytes are counted on their way in.

/// What may arrive together with the end of a message: the beginning of the next ones, and headers.
const SLACK_BYTES: usize = 131_072;

/// Passes bytes on, until there are too many since the last whole message.
pub(super) struct ByteBudget {
    payload: web::Payload,
    pub(super) gauge: ByteGauge,
}

/// Counts the bytes since the last whole message.
#[derive(Clone, Default)]
pub(super) struct ByteGauge {
    bytes: Rc<Cell<usize>>,
    bytes_max: Rc<Cell<usize>>,
}

impl ByteGauge {
    /// A message is whole.
    fn reset(&self) {
        self.bytes.set(0);
    }

    /// From now on a message may be so long.
    fn bound(&self, message_bytes_max: usize) {
        self.bytes_max.set(message_bytes_max.saturating_add(SLACK_BYTES));
    }
}

impl ByteBudget {
    pub(super) fn new(payload: web::Payload, message_bytes_max: usize) -> Self {
        let gauge = ByteGauge::default();
        gauge.bound(message_bytes_max);
        Self { payload, gauge }
    }
}

impl Stream for ByteBudget {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Option<Self::Item>> {
        let next = ready!(Pin::new(&mut self.payload).poll_next(cx));
        if let Some(Ok(bytes)) = &next {
            let counted = self.gauge.bytes.get().saturating_add(bytes.len());
            self.gauge.bytes.set(counted);
            if counted > self.gauge.bytes_max.get() {
                return Poll::Ready(Some(Err(PayloadError::Overflow)));
            }
        }
        Poll::Ready(next)
    }
}

#[cfg(test)]
mod frame_tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_has_an_event_and_the_rest_if_there_is_any() {
        let bare = ClientFrame::parse(r#"{"event":"sync"}"#).expect("a good line");
        assert_eq!((bare.event.as_str(), &bare.id), ("sync", &None));
        assert!(bare.data(FIELDS).fields.is_empty() && bare.data(FIELDS).check().is_ok());
        let full = ClientFrame::parse(r#"{"id":7,"event":"a","data":{"x":1},"more":[]}"#);
        let full = full.expect("a good line");
        assert_eq!(full.data(&["x"]).fields.get("x"), Some(&json!(1)));
        assert_eq!(full.id, Some(json!(7)));
    }

    #[test]
    fn what_is_no_line_of_ours_is_not_read() {
        let long = format!(r#"{{"event":"a","id":"{}"}}"#, "x".repeat(65));
        for line in ["", "[]", "{}", r#"{"event":7}"#, r#"{"event":"a","id":{}}"#, &long] {
            assert!(ClientFrame::parse(line).is_none(), "{line}");
        }
    }

    #[test]
    fn what_cannot_be_read_leaves_the_rest_of_a_line_readable() {
        let line = r#"{"event":"a","id":7,"data":{"k":"v","x":"\ud83d"},"more":"\ud83d"}"#;
        let half = ClientFrame::parse(line).expect("a line");
        assert_eq!((half.event.as_str(), &half.id), ("a", &Some(json!(7))));
        let data = half.data(&["k", "x"]);
        assert_eq!(data.fields.get("k"), Some(&json!("v")));
        assert!(data.check().is_err());
        let nameless = ClientFrame::parse(r#"{"event":"a","id":"\ud83d"}"#).expect("a line");
        assert!(nameless.id.is_none() && nameless.data(FIELDS).check().is_err());
    }

    #[test]
    fn an_acknowledgement_bears_the_id_of_what_it_answers() {
        let data = json!({ "a": 1 });
        let line = acknowledgement(&json!("k"), &Answer::Done { ok: true, data: &data });
        assert_eq!(line.as_deref(), Some(r#"{"ack":"k","ok":true,"data":{"a":1}}"#));
    }
}
