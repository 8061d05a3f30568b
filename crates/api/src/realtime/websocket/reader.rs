//! The reading task of a connection: authentication, then one command after another.

use std::{
    cell::Cell,
    collections::BTreeMap,
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
use futures_util::Stream;
use serde::Serialize;
use serde_json::{Map, Value, value::RawValue};
use tokio::time::timeout;

use super::writer::{CloseReason, Outbox};
use crate::{
    error::Failure,
    input::{Lossy, Object},
    realtime::{
        actor::{ReplyChannel, SessionHandle},
        commands::Answer,
        events::{Failed, OutgoingEvent, ServerEvent as _},
        session::{ConnectAttempt, Context, Session},
    },
    texts::Language,
};

/// The event that every connection begins with.
const AUTH: &str = "auth";

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
            Ok(frame) => self.begin(frame).await,
            Err(close_reason) => Err(close_reason),
        };
        match begun {
            Ok(session) => {
                let mut session = SessionHandle::spawn(session, None);
                let close_reason = self.run_commands(&mut session).await;
                self.outbox.end(close_reason);
                session.end(close_reason.to_string()).await;
            }
            Err(close_reason) => self.outbox.end(close_reason),
        }
    }

    /// The first frame, which has to be `auth`. One that cannot be read may be sent again, once the
    /// client has taken enough of the refusals so far.
    async fn authentication(&mut self) -> Result<ClientFrame, CloseReason> {
        loop {
            let frame = self.next().await?;
            if frame.event != AUTH {
                return Err(CloseReason::BAD_MESSAGE);
            }
            match frame.data.check() {
                Ok(()) => return Ok(frame),
                Err(failure) => {
                    self.answers_have_left().await?;
                    self.refuse(&failure);
                }
            }
        }
    }

    async fn begin(
        &self,
        ClientFrame { data, id, .. }: ClientFrame,
    ) -> Result<Session, CloseReason> {
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
        let failed =
            Failed { message: &message, code, event: AUTH, details, client_message_id: None };
        if let Some(event) = failed.encode() {
            self.post(event.json_line());
        }
    }

    async fn run_commands(&mut self, session: &mut SessionHandle) -> CloseReason {
        loop {
            let handled = match self.next().await {
                Ok(frame) => self.run_command(session, frame).await,
                Err(close_reason) => Err(close_reason),
            };
            if let Err(close_reason) = handled {
                return close_reason;
            }
        }
    }

    async fn run_command(
        &self,
        session: &mut SessionHandle,
        ClientFrame { event, data, id }: ClientFrame,
    ) -> Result<(), CloseReason> {
        self.answers_have_left().await?;
        self.outbox.liveness().beat(true);
        let handled = session.handle(self, &event, data, id).await;
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

    /// The next frame of the client, or why there is none.
    async fn next(&mut self) -> Result<ClientFrame, CloseReason> {
        loop {
            let message = tokio::select! {
                () = self.outbox.ended() => None,
                message = self.stream.recv() => message,
            };
            self.gauge.reset();
            self.outbox.liveness().beat(false);
            match message {
                Some(Ok(AggregatedMessage::Text(line))) => {
                    return ClientFrame::parse(&line).ok_or(CloseReason::BAD_MESSAGE);
                }
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
#[derive(Debug)]
pub(super) struct ClientFrame {
    pub(super) event: String,
    /// Empty unless it was an object.
    pub(super) data: Object,
    /// The id of the acknowledgement that is asked for.
    pub(super) id: Option<Value>,
}

impl ClientFrame {
    /// Reads a line; `None` unless it is an object with an `event` that is text, and an `id`, if
    /// any, that is a number or short text. What cannot be read in its `data`, or an `id` that cannot,
    /// is for the answer to name.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let parts: BTreeMap<Lossy, &RawValue> = serde_json::from_str(line).ok()?;
        let part = |name: &str| parts.get(&Lossy(name.to_owned())).map(|part| part.get());
        let Lossy(event) = serde_json::from_str(part("event")?).ok()?;
        let mut data = part("data").and_then(Object::parse).unwrap_or_default();
        let id = match part("id").map(|json| (json, serde_json::from_str(json))) {
            None | Some((_, Ok(Value::Null))) => None,
            Some((_, Ok(Value::Number(number)))) => Some(Value::Number(number)),
            Some((_, Ok(Value::String(text)))) if text.len() <= ID_BYTES_MAX => {
                Some(Value::String(text))
            }
            Some((_, Ok(_))) => return None,
            Some((json, Err(_))) => {
                data.add_invalid("id", json);
                None
            }
        };
        Some(Self { event, data, id })
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

// Bounds what a client may send before it has said one whole message.
//
// The WebSocket reader collects a frame in memory before it looks at its length, so a header that
// announces gigabytes would be believed; here the bytes are counted on their way in.

/// What may arrive together with the end of a message: the beginning of the next ones, and headers.
const SLACK_BYTES: usize = 131_072;

/// Passes bytes on, until there are too many since the last whole message.
pub(super) struct ByteBudget {
    payload: web::Payload,
    bytes_max: usize,
    pub(super) gauge: ByteGauge,
}

/// Counts the bytes since the last whole message.
#[derive(Clone, Default)]
pub(super) struct ByteGauge(Rc<Cell<usize>>);

impl ByteGauge {
    /// A message is whole.
    fn reset(&self) {
        self.0.set(0);
    }
}

impl ByteBudget {
    pub(super) fn new(payload: web::Payload, message_bytes_max: usize) -> Self {
        let bytes_max = message_bytes_max.saturating_add(SLACK_BYTES);
        Self { payload, bytes_max, gauge: ByteGauge::default() }
    }
}

impl Stream for ByteBudget {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Option<Self::Item>> {
        let next = ready!(Pin::new(&mut self.payload).poll_next(cx));
        if let Some(Ok(bytes)) = &next {
            let counted = self.gauge.0.get().saturating_add(bytes.len());
            self.gauge.0.set(counted);
            if counted > self.bytes_max {
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
        assert_eq!((bare.event.as_str(), bare.id), ("sync", None));
        assert!(bare.data.fields.is_empty() && bare.data.check().is_ok());
        let full = ClientFrame::parse(r#"{"id":7,"event":"a","data":{"x":1},"more":[]}"#);
        let full = full.expect("a good line");
        assert_eq!((full.id, full.data.fields.get("x")), (Some(json!(7)), Some(&json!(1))));
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
        assert_eq!((half.event.as_str(), half.id), ("a", Some(json!(7))));
        assert_eq!(half.data.fields.get("k"), Some(&json!("v")));
        assert!(half.data.check().is_err());
        let nameless = ClientFrame::parse(r#"{"event":"a","id":"\ud83d"}"#).expect("a line");
        assert!(nameless.id.is_none() && nameless.data.check().is_err());
    }

    #[test]
    fn an_acknowledgement_bears_the_id_of_what_it_answers() {
        let data = json!({ "a": 1 });
        let line = acknowledgement(&json!("k"), &Answer::Done { ok: true, data: &data });
        assert_eq!(line.as_deref(), Some(r#"{"ack":"k","ok":true,"data":{"a":1}}"#));
    }
}
