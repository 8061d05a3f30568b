//! A namespace with scripted decisions that records every call to it.

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

use super::{TIMEOUT, TestServer};

/// A recorded call.
#[derive(Debug)]
pub(crate) enum ProbeEvent {
    ConnectRequested(Socket),
    Connected(Socket),
    Event(Event),
    Disconnected(DisconnectReason),
}

/// How the namespace decides on CONNECTs.
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

/// The namespace. Events wait until the gate opens.
pub(crate) struct Probe {
    pub(crate) decision: Decision,
    pub(crate) events: mpsc::UnboundedSender<ProbeEvent>,
    pub(crate) gate: Arc<Semaphore>,
}

/// The test's view of a [`Probe`].
pub(crate) struct ProbeObserver {
    pub(crate) events: mpsc::UnboundedReceiver<ProbeEvent>,
    pub(crate) gate: Arc<Semaphore>,
}

pub(crate) fn probe(decision: Decision) -> (Probe, ProbeObserver) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let gate = Arc::new(Semaphore::new(0));
    let probe = Probe { decision, events: sender, gate: gate.clone() };
    let observer = ProbeObserver { events: receiver, gate };
    (probe, observer)
}

/// A server whose main namespace is a [`Probe`] with this decision.
pub(crate) fn probe_server(config: Config, decision: Decision) -> (TestServer, ProbeObserver) {
    let (probe, observer) = probe(decision);
    let server = Server::builder(config).namespace("/", probe).build();
    (TestServer::start(server), observer)
}

impl ProbeObserver {
    pub(crate) fn open_gate(&self) {
        self.gate.add_permits(1_000_000);
    }

    pub(crate) async fn next(&mut self) -> ProbeEvent {
        timeout(TIMEOUT, self.events.recv()).await.expect("something in time").expect("something")
    }

    pub(crate) async fn socket(&mut self) -> Socket {
        loop {
            if let ProbeEvent::Connected(socket) = self.next().await {
                return socket;
            }
        }
    }

    pub(crate) async fn event(&mut self) -> Event {
        match self.next().await {
            ProbeEvent::Event(event) => event,
            other => panic!("expected an event, got {other:?}"),
        }
    }

    pub(crate) async fn disconnected(&mut self) -> DisconnectReason {
        match self.next().await {
            ProbeEvent::Disconnected(reason) => reason,
            other => panic!("expected the end, got {other:?}"),
        }
    }

    /// Whether no further call was recorded.
    pub(crate) fn is_idle(&mut self) -> bool {
        self.events.try_recv().is_err()
    }
}

#[async_trait]
impl Namespace for Probe {
    async fn connect(&self, _: ConnectRequest, socket: Socket) -> Result<Accepted, Refusal> {
        record(&self.events, ProbeEvent::ConnectRequested(socket.clone()));
        match self.decision {
            Decision::Accept => {}
            Decision::AcceptLater => self.gate.acquire().await.expect("a gate").forget(),
            Decision::Panic => panic!("as configured"),
            Decision::NotNow => return Err(Refusal::not_now()),
            Decision::Refuse | Decision::RefuseLater => {
                if matches!(self.decision, Decision::RefuseLater) {
                    self.gate.acquire().await.expect("a gate").forget();
                }
                let data = json!({ "code": "token_expired" });
                return Err(Refusal::new("Not authorized").with_data(data));
            }
        }
        record(&self.events, ProbeEvent::Connected(socket));
        Ok(Accepted::new(ProbeHandler { events: self.events.clone(), gate: self.gate.clone() }))
    }
}

struct ProbeHandler {
    events: mpsc::UnboundedSender<ProbeEvent>,
    gate: Arc<Semaphore>,
}

#[async_trait]
impl Handler for ProbeHandler {
    async fn event(&mut self, event: Event) {
        self.gate.acquire().await.expect("a gate").forget();
        assert_ne!(event.name, "panic", "as configured");
        record(&self.events, ProbeEvent::Event(event));
    }

    async fn disconnected(self: Box<Self>, reason: DisconnectReason) {
        record(&self.events, ProbeEvent::Disconnected(reason));
    }
}

/// Ignores that the test may have dropped the receiver already.
fn record(events: &mpsc::UnboundedSender<ProbeEvent>, event: ProbeEvent) {
    drop(events.send(event));
}
