//! One Engine.IO session: one task that reads, decides, runs handlers and writes, and that nothing
//! can make wait, so that its heartbeat never stops.

mod ending;
mod incoming;
mod member;
mod members;
mod outcome;
mod work;

use std::{net::IpAddr, pin::Pin, sync::Arc};

use tokio::time::{Instant, Sleep, sleep_until};

use crate::{
    config::after,
    engine::{
        Beat, Heartbeat, PING,
        websocket::{Inlet, Outlet},
    },
    link::{Link, News},
    mailbox::Refused,
    namespace::Headers,
    packet::{Decoder, Limits},
    reason::DisconnectReason,
    server::Shared,
};

use ending::Ending;
use members::Members;

/// Who opened the session.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) remote: Option<IpAddr>,
    pub(crate) headers: Headers,
}

/// A session, from its opening to the last call of its last handler.
pub(crate) struct Session {
    server: Arc<Shared>,
    link: Arc<Link>,
    client: Client,
    decoder: Decoder,
    heartbeat: Heartbeat,
    patience: Patience,
    members: Members,
    /// Whether the last turn left the client unread because its events are still being handled.
    held_back: bool,
}

/// How long the session waits for a first namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Patience {
    Until(Instant),
    /// Time is up, but a decision is pending; a refusal ends the session.
    Exhausted,
    /// A namespace was connected.
    Rewarded,
}

impl Session {
    pub(crate) fn new(server: Arc<Shared>, link: Arc<Link>, client: Client) -> Self {
        let (config, opened) = (&server.config, Instant::now());
        Self {
            decoder: Decoder::new(Limits {
                max_attachments: config.max_attachments,
                max_packet_bytes: config.max_packet_bytes,
            }),
            heartbeat: Heartbeat::new(config, opened),
            patience: Patience::Until(after(opened, config.connect_timeout_ms)),
            members: Members::new(config.inbox_events, config.max_payload_bytes),
            held_back: false,
            server,
            link,
            client,
        }
    }

    /// Runs the session to its end.
    pub(crate) async fn run(mut self, mut inlet: Inlet, mut outlet: Outlet) {
        let ending = self.live(&mut inlet, &mut outlet).await;
        tracing::debug!(reason = %ending.reason, "a session ended");
        drop(inlet);
        let farewell = ending.carry_out(&self.link, outlet, self.server.config.close_timeout_ms);
        tokio::join!(farewell, self.members.finish(ending.reason));
    }

    async fn live(&mut self, inlet: &mut Inlet, outlet: &mut Outlet) -> Ending {
        let mut alarm = std::pin::pin!(sleep_until(self.deadline()));
        loop {
            if let Err(ending) = self.turn(inlet, outlet, alarm.as_mut()).await {
                return ending;
            }
        }
    }

    /// Sends what there is room for, then waits for one thing to happen.
    async fn turn(
        &mut self,
        inlet: &mut Inlet,
        outlet: &mut Outlet,
        mut alarm: Pin<&mut Sleep>,
    ) -> Result<(), Ending> {
        outlet.pump(|| self.link.pop())?;
        let is_reading = self.is_reading();
        if alarm.deadline() != self.deadline() {
            alarm.as_mut().reset(self.deadline());
        }
        tokio::select! {
            () = alarm => self.on_time(outlet),
            () = self.link.changed() => self.on_news(),
            done = self.members.next() => self.on_done(done),
            () = outlet.room(), if !outlet.is_ready() => Ok(()),
            () = outlet.gone(), if !is_reading => Err(Ending::lost()),
            incoming = inlet.next(), if is_reading => self.on_incoming(incoming, outlet),
        }
    }

    /// A client whose events pile up is not read, and so cannot be blamed for a missing pong.
    fn is_reading(&mut self) -> bool {
        let is_full = self.members.is_full();
        if self.held_back && !is_full {
            self.heartbeat.excuse(Instant::now());
        }
        self.held_back = is_full;
        !is_full
    }

    fn deadline(&self) -> Instant {
        match self.patience {
            Patience::Until(moment) => moment.min(self.heartbeat.deadline()),
            Patience::Exhausted | Patience::Rewarded => self.heartbeat.deadline(),
        }
    }

    fn on_time(&mut self, outlet: &mut Outlet) -> Result<(), Ending> {
        let now = Instant::now();
        match self.heartbeat.beat(now) {
            Beat::Steady => {}
            Beat::Ping => ping(outlet)?,
            // The client needs pings to stay, even though nobody reads its answers.
            Beat::Overdue if self.held_back => {
                self.heartbeat.excuse(now);
                ping(outlet)?;
            }
            Beat::Overdue => return Err(DisconnectReason::PingTimeout.into()),
        }
        if matches!(self.patience, Patience::Until(moment) if moment <= now) {
            self.patience = Patience::Exhausted;
        }
        self.check_patience()
    }

    fn check_patience(&self) -> Result<(), Ending> {
        if self.patience == Patience::Exhausted && !self.members.is_anyone_present() {
            return Err(DisconnectReason::ConnectTimeout.into());
        }
        Ok(())
    }

    fn on_news(&mut self) -> Result<(), Ending> {
        let News { dismissed, ending } = self.link.news();
        for key in dismissed {
            self.members.dismiss(key);
        }
        ending.map_or(Ok(()), |reason| Err(reason.into()))
    }
}

/// A client that has not even taken the pings before this one does not read.
fn ping(outlet: &mut Outlet) -> Result<(), Ending> {
    if outlet.urgent_text(PING)? {
        return Ok(());
    }
    Err(DisconnectReason::SlowReader.into())
}

/// The mailbox of a session refuses only when the session is about to end anyway.
impl From<Refused> for Ending {
    fn from(_: Refused) -> Self {
        DisconnectReason::SlowReader.into()
    }
}
