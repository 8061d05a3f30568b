//! The task that reads: who the client is, then one command after another.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use actix_ws::{AggregatedMessage, AggregatedMessageStream, ProtocolError};
use serde::Serialize;
use serde_json::{Map, Value, value::RawValue};
use tokio::time::{Instant, sleep_until, timeout};

use super::{ByteGauge, CloseReason, writer::Mailbox};
use crate::{
    error::Failure,
    input::{Lossy, Object},
    realtime::{
        commands::{self, Answer, EventName, error_event},
        events::{Failed, ServerEvent as _},
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
    pub(super) mailbox: Arc<Mailbox>,
}

impl Reader {
    /// Reads the connection to its end. A command that is under way is always carried out.
    pub(super) async fn listen(mut self) {
        let patience = Duration::from_millis(self.context.settings.socket.connect_timeout_ms);
        let authenticated = timeout(patience, self.authentication()).await;
        let begun = match authenticated.unwrap_or(Err(CloseReason::UNAUTHENTICATED)) {
            Ok(frame) => self.begin(frame).await,
            Err(close_reason) => Err(close_reason),
        };
        match begun {
            Ok(mut session) => {
                let close_reason = self.run_commands(&mut session).await;
                self.mailbox.end(close_reason);
                session.end(&close_reason);
            }
            Err(close_reason) => self.mailbox.end(close_reason),
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
        match Session::begin(&self.context, attempt, self.mailbox.clone()).await {
            Ok(session) => {
                let nothing = Value::Object(Map::new());
                self.acknowledge(id.as_ref(), &Answer::Done { ok: true, data: &nothing });
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
        if let Some(told) = failed.encode() {
            self.post(told.json_line());
        }
    }

    async fn run_commands(&mut self, session: &mut Session) -> CloseReason {
        loop {
            match self.next().await {
                Ok(frame) => {
                    if let Err(close_reason) = self.answers_have_left().await {
                        return close_reason;
                    }
                    self.mailbox.liveness().beat(true);
                    self.dispatch(session, frame).await;
                    self.mailbox.liveness().beat(false);
                }
                Err(close_reason) => return close_reason,
            }
        }
    }

    /// Waits until the client has taken enough of the answers to its commands so far.
    async fn answers_have_left(&self) -> Result<(), CloseReason> {
        let socket = &self.context.settings.socket;
        let patience = Duration::from_millis(socket.ping_interval_ms + socket.ping_timeout_ms);
        tokio::select! {
            taken = timeout(patience, self.mailbox.takes_commands()) => {
                taken.map_err(|_| CloseReason::SLOW_READER)
            }
            () = self.mailbox.ended() => Err(CloseReason::LEFT),
        }
    }

    async fn dispatch(&self, session: &mut Session, ClientFrame { event, data, id }: ClientFrame) {
        let Some(name) = EventName::parse(&event) else { return };
        let outcome = session.dispatch(name, &data).await;
        match (&id, &outcome) {
            (Some(_), _) => self.acknowledge(id.as_ref(), &Answer::to(name, &outcome)),
            (None, Ok(_)) => {}
            (None, Err(failure)) => {
                let key = commands::client_message_id(&data);
                if let Some(told) = error_event(name, key, failure) {
                    self.post(told.json_line());
                }
            }
        }
    }

    /// The next thing the client says, or why there is none.
    async fn next(&mut self) -> Result<ClientFrame, CloseReason> {
        loop {
            let message = tokio::select! {
                () = self.mailbox.ended() => None,
                message = self.stream.recv() => message,
            };
            self.gauge.reset();
            self.mailbox.liveness().beat(false);
            match message {
                Some(Ok(AggregatedMessage::Text(line))) => {
                    return ClientFrame::parse(&line).ok_or(CloseReason::BAD_MESSAGE);
                }
                Some(Ok(AggregatedMessage::Ping(bytes))) => self.mailbox.pong(bytes),
                Some(Ok(AggregatedMessage::Pong(_))) => {}
                Some(Ok(AggregatedMessage::Binary(_))) => return Err(CloseReason::BINARY),
                Some(Ok(AggregatedMessage::Close(_))) | None => return Err(CloseReason::LEFT),
                Some(Err(error)) => return Err(fault(&error)),
            }
        }
    }

    fn acknowledge(&self, id: Option<&Value>, answer: &Answer<'_>) {
        if let Some(line) = id.and_then(|id| acknowledgement(id, answer)) {
            self.post(&line);
        }
    }

    /// An answer does not reach a client that is gone or too slow; it asks again under the same
    /// key.
    fn post(&self, line: &Arc<str>) {
        if let Err(error) = self.mailbox.answer(line) {
            tracing::debug!(%error, "an answer did not reach its session");
        }
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

// The lines of the plain door: `{event, data, id?}` in, `{ack: id, ok, data | error}` out.

/// The longest `id` that is text, in bytes.
const ID_BYTES_MAX: usize = 64;

/// What a client says.
#[derive(Debug)]
pub(super) struct ClientFrame {
    pub(super) event: String,
    /// Empty unless it was an object.
    pub(super) data: Object,
    /// What the answer is to be called.
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

// Whether a client is alive.

/// The last sign of life of a client. Read from any thread.
pub(super) struct Liveness {
    born: Instant,
    /// In milliseconds since `born`.
    heard_after_ms: AtomicU64,
    /// While its command is carried out a client is not read, so its silence says nothing.
    is_unread: AtomicBool,
}

impl Liveness {
    pub(super) fn new() -> Self {
        let (heard_after_ms, is_unread) = (AtomicU64::new(0), AtomicBool::new(false));
        Self { born: Instant::now(), heard_after_ms, is_unread }
    }

    /// The client said something, or is not read from now on.
    pub(super) fn beat(&self, is_unread: bool) {
        let after_ms = u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.heard_after_ms.store(after_ms, Relaxed);
        self.is_unread.store(is_unread, Relaxed);
    }

    /// How long nothing was heard of the client, though it was read.
    pub(super) fn silent_for(&self) -> Duration {
        if self.is_unread.load(Relaxed) { Duration::ZERO } else { self.heard_at().elapsed() }
    }

    /// Waits until the client should have been heard within `patience`, and was not.
    pub(super) async fn lost(&self, patience: Duration) {
        loop {
            let due = self.heard_at() + patience;
            let now = Instant::now();
            if due > now {
                sleep_until(due).await;
            } else if self.is_unread.load(Relaxed) {
                sleep_until(now + patience).await;
            } else {
                return;
            }
        }
    }

    fn heard_at(&self) -> Instant {
        self.born + Duration::from_millis(self.heard_after_ms.load(Relaxed))
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

#[cfg(test)]
mod liveness_tests {
    use futures_util::FutureExt as _;
    use tokio::time::sleep;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_client_is_lost_when_it_was_silent_for_too_long() {
        let (liveness, began) = (Liveness::new(), Instant::now());
        sleep(PATIENCE / 2).await;
        liveness.beat(false);
        liveness.lost(PATIENCE).await;
        assert_eq!(began.elapsed(), PATIENCE * 3 / 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_is_not_read_cannot_be_lost() {
        let liveness = Liveness::new();
        liveness.beat(true);
        sleep(PATIENCE * 10).await;
        assert!(liveness.lost(PATIENCE).now_or_never().is_none());
        liveness.beat(false);
        liveness.lost(PATIENCE).await;
    }

    #[tokio::test(start_paused = true)]
    async fn silence_counts_from_the_last_sign_of_life_and_not_while_nobody_reads() {
        let liveness = Liveness::new();
        sleep(PATIENCE).await;
        assert_eq!(liveness.silent_for(), PATIENCE);
        liveness.beat(true);
        sleep(PATIENCE).await;
        assert_eq!(liveness.silent_for(), Duration::ZERO);
        liveness.beat(false);
        sleep(PATIENCE).await;
        assert_eq!(liveness.silent_for(), PATIENCE);
    }
}
