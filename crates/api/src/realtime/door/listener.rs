//! The task that reads: who the client is, then one command after another.

use std::{net::IpAddr, sync::Arc, time::Duration};

use actix_ws::{AggregatedMessage, AggregatedMessageStream, ProtocolError};
use serde_json::{Map, Value};
use tokio::time::timeout;

use super::{
    super::{
        answer::{Answer, error_event},
        inbound::{self, EventName},
        outbound::{Failed, ServerEvent as _},
        session::{ConnectAttempt, Context, Session},
    },
    farewell::CloseReason,
    mailbox::Mailbox,
    meter::ByteGauge,
    speech::{ClientFrame, acknowledgement},
};
use crate::{failure::Failure, texts::Language};

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
        let introduced = timeout(patience, self.introduction()).await;
        let begun = match introduced.unwrap_or(Err(CloseReason::UNAUTHENTICATED)) {
            Ok(saying) => self.begin(saying).await,
            Err(farewell) => Err(farewell),
        };
        match begun {
            Ok(mut session) => {
                let farewell = self.obey_all(&mut session).await;
                self.mailbox.end(farewell);
                session.end(&farewell);
            }
            Err(farewell) => self.mailbox.end(farewell),
        }
    }

    /// The first thing the client says; it has to be who it is. If it says that in a way that cannot be
    /// read, it may say it again.
    async fn introduction(&mut self) -> Result<ClientFrame, CloseReason> {
        loop {
            let saying = self.next().await?;
            if saying.event != AUTH {
                return Err(CloseReason::BAD_MESSAGE);
            }
            match saying.data.check() {
                Ok(()) => return Ok(saying),
                Err(failure) => self.refuse(&failure),
            }
        }
    }

    async fn begin(
        &self,
        ClientFrame { data, id, .. }: ClientFrame,
    ) -> Result<Session, CloseReason> {
        let token = data.fields.get("token").and_then(Value::as_str);
        let newcomer = ConnectAttempt { token, address: self.address };
        match Session::begin(&self.context, newcomer, self.mailbox.clone()).await {
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
        if let Some(told) = failed.told() {
            self.post(told.line());
        }
    }

    async fn obey_all(&mut self, session: &mut Session) -> CloseReason {
        loop {
            match self.next().await {
                Ok(saying) => {
                    if let Err(farewell) = self.answers_have_left().await {
                        return farewell;
                    }
                    self.mailbox.pulse().beat(true);
                    self.dispatch(session, saying).await;
                    self.mailbox.pulse().beat(false);
                }
                Err(farewell) => return farewell,
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
                let key = inbound::client_message_id(&data);
                if let Some(told) = error_event(name, key, failure) {
                    self.post(told.line());
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
            self.mailbox.pulse().beat(false);
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
