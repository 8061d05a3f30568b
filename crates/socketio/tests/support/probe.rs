//! A namespace that does as it is told and tells what happens to it.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::json;
use socketio::{
    Accepted, Config, ConnectRequest, DisconnectReason, Event, Handler, Namespace, Refusal, Server,
    Socket,
};
use tokio::{
    sync::{Semaphore, mpsc},
    time::timeout,
};

use super::{PATIENCE, Running};

/// What happened, in order.
#[derive(Debug)]
pub(crate) enum Happened {
    Asked(Socket),
    Connected(Socket),
    Event(Event),
    Disconnected(DisconnectReason),
}

/// How connects are decided.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    Accept,
    /// Accept once the gate opens.
    AcceptLater,
    Panic,
    Refuse,
    /// Refuse once the gate opens.
    RefuseLater,
    NotNow,
}

/// The namespace. Every event waits for the gate.
pub(crate) struct Probe {
    pub(crate) decision: Decision,
    pub(crate) happened: mpsc::UnboundedSender<Happened>,
    pub(crate) gate: Arc<Semaphore>,
}

/// The test's end of a [`Probe`].
pub(crate) struct Watcher {
    pub(crate) happened: mpsc::UnboundedReceiver<Happened>,
    pub(crate) gate: Arc<Semaphore>,
}

pub(crate) fn probe(decision: Decision) -> (Probe, Watcher) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let gate = Arc::new(Semaphore::new(0));
    let probe = Probe { decision, happened: sender, gate: gate.clone() };
    let watcher = Watcher { happened: receiver, gate };
    (probe, watcher)
}

/// A server whose main namespace decides like that.
pub(crate) fn probed(config: Config, decision: Decision) -> (Running, Watcher) {
    let (probe, watcher) = probe(decision);
    let server = Server::builder(config).namespace("/", probe).build();
    (Running::start(server), watcher)
}

impl Watcher {
    pub(crate) fn open_gate(&self) {
        self.gate.add_permits(1_000_000);
    }

    pub(crate) async fn next(&mut self) -> Happened {
        timeout(PATIENCE, self.happened.recv())
            .await
            .expect("something in time")
            .expect("something")
    }

    pub(crate) async fn socket(&mut self) -> Socket {
        loop {
            if let Happened::Connected(socket) = self.next().await {
                return socket;
            }
        }
    }

    pub(crate) async fn event(&mut self) -> Event {
        match self.next().await {
            Happened::Event(event) => event,
            other => panic!("expected an event, got {other:?}"),
        }
    }

    pub(crate) async fn disconnected(&mut self) -> DisconnectReason {
        match self.next().await {
            Happened::Disconnected(reason) => reason,
            other => panic!("expected the end, got {other:?}"),
        }
    }

    /// Whether nothing else has happened.
    pub(crate) fn is_quiet(&mut self) -> bool {
        self.happened.try_recv().is_err()
    }
}

#[async_trait]
impl Namespace for Probe {
    async fn connect(&self, _: ConnectRequest, socket: Socket) -> Result<Accepted, Refusal> {
        tell(&self.happened, Happened::Asked(socket.clone()));
        match self.decision {
            Decision::Accept => {}
            Decision::AcceptLater => self.gate.acquire().await.expect("a gate").forget(),
            Decision::Panic => panic!("as told"),
            Decision::NotNow => return Err(Refusal::not_now()),
            Decision::Refuse | Decision::RefuseLater => {
                if matches!(self.decision, Decision::RefuseLater) {
                    self.gate.acquire().await.expect("a gate").forget();
                }
                let data = json!({ "code": "token_expired" });
                return Err(Refusal::new("Not authorized").with_data(data));
            }
        }
        tell(&self.happened, Happened::Connected(socket));
        Ok(Accepted::new(Probing { happened: self.happened.clone(), gate: self.gate.clone() }))
    }
}

struct Probing {
    happened: mpsc::UnboundedSender<Happened>,
    gate: Arc<Semaphore>,
}

#[async_trait]
impl Handler for Probing {
    async fn event(&mut self, event: Event) {
        self.gate.acquire().await.expect("a gate").forget();
        assert_ne!(event.name, "panic", "as told");
        tell(&self.happened, Happened::Event(event));
    }

    async fn disconnected(self: Box<Self>, reason: DisconnectReason) {
        tell(&self.happened, Happened::Disconnected(reason));
    }
}

/// A test that has seen enough may be gone already.
fn tell(happened: &mpsc::UnboundedSender<Happened>, what: Happened) {
    drop(happened.send(what));
}
