//! One Engine.IO session: one task that reads, decides, runs handlers and writes, and that nothing
//! can make wait, so that its heartbeat never stops.

mod clock;
mod ending;
mod incoming;
mod member;
mod members;
mod outcome;
mod upgrade;
mod work;

use std::{fmt, net::IpAddr, pin::Pin, sync::Arc};

use tokio::time::{Instant, Sleep, sleep_until};

use crate::{
    config::after,
    engine::{EngineHandler, EngineSocket, Handoff, Heartbeat, Incoming, Transport},
    link::{SessionHandle, Signals},
    mailbox::Refused,
    namespace::Headers,
    packet::{Decoder, Limits},
    reason::DisconnectReason,
    server::{Registration, Shared},
};

use clock::{ConnectDeadline, ping};
use ending::SessionEnd;
use members::NamespaceSockets;

pub(crate) use upgrade::upgrade;

/// Who opened the session.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) remote: Option<IpAddr>,
    pub(crate) headers: Headers,
}

/// A session, from its opening to the last call of its last handler. It may move to another thread
/// when its transport changes.
pub(crate) struct Session {
    server: Arc<Shared>,
    link: Arc<SessionHandle>,
    /// The place in the table, kept until everything is over.
    registration: Registration,
    client: Client,
    upper: Protocol,
    heartbeat: Heartbeat,
    patience: ConnectDeadline,
    members: NamespaceSockets,
    /// Whether the last turn left the client unread because its events are still being handled.
    held_back: bool,
    /// Whether the transport before this one left a ping unsent.
    owes_ping: bool,
}

/// What the messages of a session are for.
enum Protocol {
    SocketIo(Decoder),
    Bare(Box<dyn EngineHandler>),
}

impl Session {
    pub(crate) fn new(
        server: Arc<Shared>,
        link: Arc<SessionHandle>,
        registration: Registration,
        client: Client,
    ) -> Self {
        let (config, opened) = (&server.config, Instant::now());
        let (upper, patience) = if let Some(bare) = &server.bare {
            let socket = EngineSocket::new(Arc::clone(&link));
            (Protocol::Bare(bare.open(socket)), ConnectDeadline::Rewarded)
        } else {
            let decoder = Decoder::new(Limits {
                max_attachments: config.max_attachments,
                max_packet_bytes: config.max_packet_bytes,
            });
            let patience = ConnectDeadline::Until(after(opened, config.connect_timeout_ms));
            (Protocol::SocketIo(decoder), patience)
        };
        Self {
            upper,
            heartbeat: Heartbeat::new(config, opened),
            patience,
            members: NamespaceSockets::new(config.inbox_events, config.max_payload_bytes),
            held_back: false,
            owes_ping: false,
            server,
            link,
            registration,
            client,
        }
    }

    /// Runs the session to its end, or to where another transport takes over.
    #[expect(
        clippy::manual_async_fn,
        reason = "an `async fn` has room for its arguments twice, and there are many sessions"
    )]
    pub(crate) fn run(mut self, mut transport: impl Transport) -> impl Future<Output = ()> {
        async move {
            let outcome = self.live(&mut transport).await;
            // In a box of its own, or its room would be held as long as the session lives.
            Box::pin(self.leave(transport, outcome)).await;
        }
    }

    async fn leave(mut self, transport: impl Transport, outcome: Result<Handoff, SessionEnd>) {
        match outcome {
            Ok(heir) => {
                self.owes_ping = transport.owes_ping();
                drop(transport);
                if let Err(session) = heir.send(self) {
                    session.link.discard();
                    drop(session.finish(SessionEnd::lost()).await);
                }
            }
            Err(ending) => {
                let patience_ms = self.server.config.close_timeout_ms;
                let link = Arc::clone(&self.link);
                let farewell = transport.close(ending.farewell(patience_ms), &link);
                // The last words may wait for a request, which must find the session.
                let ((), registration) = tokio::join!(farewell, self.finish(ending));
                drop(registration);
            }
        }
    }

    /// Lets every handler have its last call. What is left is the place in the table.
    async fn finish(self, ending: SessionEnd) -> Registration {
        let Self { mut members, upper, registration, .. } = self;
        tracing::debug!(reason = %ending.reason, "a session ended");
        members.finish(ending.reason).await;
        if let Protocol::Bare(handler) = upper {
            handler.closed(ending.reason);
        }
        registration
    }

    async fn live(&mut self, transport: &mut impl Transport) -> Result<Handoff, SessionEnd> {
        if std::mem::take(&mut self.owes_ping) {
            ping(transport)?;
        }
        let mut alarm = std::pin::pin!(sleep_until(self.deadline()));
        loop {
            match self.turn(transport, alarm.as_mut()).await? {
                Some(Incoming::Upgrade(heir)) => return Ok(heir),
                Some(incoming) => self.on_incoming(incoming, transport)?,
                None => {}
            }
        }
    }

    /// Sends what there is room for, then waits for one thing to happen. Returns what came from
    /// the client.
    async fn turn(
        &mut self,
        transport: &mut impl Transport,
        mut alarm: Pin<&mut Sleep>,
    ) -> Result<Option<Incoming>, SessionEnd> {
        self.on_news()?;
        transport.pump(&self.link)?;
        self.members.proceed();
        let is_reading = self.is_reading();
        if alarm.deadline() != self.deadline() {
            alarm.as_mut().reset(self.deadline());
        }
        tokio::select! {
            () = alarm => self.on_time(transport)?,
            () = self.link.changed() => {}
            done = self.members.next() => self.on_done(done)?,
            incoming = transport.next(is_reading) => {
                if incoming.is_sign_of_life() {
                    self.link.heard();
                }
                return Ok(Some(incoming));
            }
        }
        Ok(None)
    }

    fn on_news(&mut self) -> Result<(), SessionEnd> {
        let Signals { dismissed, ending } = self.link.news();
        for key in dismissed {
            self.members.dismiss(key);
        }
        ending.map_or(Ok(()), |reason| Err(reason.into()))
    }
}

/// The mailbox of a session refuses only when the session is about to end anyway.
impl From<Refused> for SessionEnd {
    fn from(_: Refused) -> Self {
        DisconnectReason::SlowReader.into()
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
