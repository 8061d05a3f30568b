//! The sockets of one session, one per namespace.

use std::{
    collections::VecDeque,
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll},
};

use super::{Outcome, PendingCall, call_disconnected, call_event};
use crate::{
    config::Config,
    mailbox::Key,
    namespace::{Accepted, DisconnectReason, Handler, Intake},
    socket::{Event, NotKept, Socket},
};

/// Maximum sockets that are disconnecting at once. Reached only by a client that connects and
/// disconnects faster than its handlers can finish.
const MAX_DISCONNECTING: usize = 16;

/// All sockets of a session, including those that are disconnecting.
pub(super) struct NamespaceSockets {
    entries: Vec<NamespaceSocket>,
    max_events: usize,
    max_bytes: usize,
    kept_event_members: &'static [&'static str],
    next_key: u64,
    /// Namespaces the application disconnected. Packets that the client sent before it received the
    /// DISCONNECT are ignored.
    disconnected: Vec<Arc<str>>,
}

/// The target of a packet for a namespace.
pub(super) enum Target<'a> {
    Connected(&'a mut NamespaceSocket),
    /// The application disconnected the socket; the client may not know yet.
    Disconnected,
    Unknown,
}

impl NamespaceSockets {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            entries: Vec::new(),
            max_events: config.inbox_events.max(1),
            max_bytes: config.max_payload_bytes.max(1),
            kept_event_members: config.kept_event_members,
            next_key: 0,
            disconnected: Vec::new(),
        }
    }

    /// Whether the inbox is full, so that the session must stop reading.
    pub(super) fn is_full(&self) -> bool {
        let events: usize = self.entries.iter().map(|entry| entry.inbox.len()).sum();
        let bytes: usize = self.entries.iter().map(|entry| entry.inbox_bytes).sum();
        let disconnecting = self.entries.iter().filter(|entry| !entry.is_active());
        events >= self.max_events
            || bytes >= self.max_bytes
            || disconnecting.count() >= MAX_DISCONNECTING
    }

    /// Whether the next event of any socket waits until earlier answers are sent.
    pub(super) fn waits_for_answers(&self) -> bool {
        self.entries.iter().any(NamespaceSocket::waits_for_answers)
    }

    /// Starts the next events that waited for earlier answers and need not wait any more.
    pub(super) fn start_next(&mut self) {
        self.entries.iter_mut().for_each(NamespaceSocket::start_next);
    }

    pub(super) fn has_active(&self) -> bool {
        self.entries.iter().any(NamespaceSocket::is_active)
    }

    /// Whether a socket is connected to `namespace`, or connecting.
    pub(super) fn contains(&self, namespace: &str) -> bool {
        self.entries.iter().any(|entry| entry.is_active() && entry.socket.namespace() == namespace)
    }

    pub(super) fn next_key(&mut self) -> Key {
        self.next_key += 1;
        Key(self.next_key)
    }

    pub(super) fn add(&mut self, mut entry: NamespaceSocket) {
        entry.kept_event_members = self.kept_event_members;
        self.disconnected.retain(|namespace| **namespace != *entry.socket.namespace());
        // Most clients connect to one namespace; `push` alone would allocate room for four.
        self.entries.reserve_exact(1);
        self.entries.push(entry);
    }

    pub(super) fn target(&mut self, namespace: &str) -> Target<'_> {
        let connected = self
            .entries
            .iter_mut()
            .find(|entry| entry.is_connected() && entry.socket.namespace() == namespace);
        match connected {
            Some(entry) => Target::Connected(entry),
            None if self.disconnected.iter().any(|gone| **gone == *namespace) => {
                Target::Disconnected
            }
            None => Target::Unknown,
        }
    }

    /// Disconnects a socket on behalf of the application.
    pub(super) fn disconnect(&mut self, key: Key) {
        if let Some(entry) = self.find(key) {
            entry.disconnect(DisconnectReason::ServerNamespaceDisconnect);
            let namespace = entry.socket.shared_namespace();
            self.disconnected.push(namespace);
        }
    }

    pub(super) fn find(&mut self, key: Key) -> Option<&mut NamespaceSocket> {
        self.entries.iter_mut().find(|entry| entry.socket.key() == key)
    }

    pub(super) fn remove(&mut self, key: Key) -> Option<NamespaceSocket> {
        let position = self.entries.iter().position(|entry| entry.socket.key() == key)?;
        Some(self.entries.swap_remove(position))
    }

    /// Waits until a handler call of any socket completes. Cancellation-safe.
    pub(super) async fn next(&mut self) -> (Key, Outcome) {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<(Key, Outcome)> {
        for entry in &mut self.entries {
            if let Poll::Ready(outcome) = entry.poll(cx) {
                return Poll::Ready((entry.socket.key(), outcome));
            }
        }
        Poll::Pending
    }

    /// Disconnects every socket and waits for the last call of each handler. Waits for pending
    /// `connect` calls too, because the application may already have registered the socket.
    pub(super) async fn finish(&mut self, reason: DisconnectReason) {
        for entry in &mut self.entries {
            entry.disconnect(reason);
        }
        while !self.entries.is_empty() {
            let (key, outcome) = self.next().await;
            self.on_outcome(key, outcome);
        }
    }

    fn on_outcome(&mut self, key: Key, outcome: Outcome) {
        let Some(entry) = self.find(key) else { return };
        match outcome {
            Outcome::Accepted(Accepted { handler, intake, .. }) => entry.accept(handler, intake),
            Outcome::Handled(handler) => entry.return_handler(handler),
            Outcome::HandlerPanicked(handler) => {
                tracing::error!("a handler panicked while its session ended");
                entry.fail(handler);
            }
            Outcome::ConnectPanicked => {
                tracing::error!("a namespace panicked while its session ended");
                self.remove(key);
            }
            Outcome::Refused(_) | Outcome::ConnectTimedOut | Outcome::Disconnected => {
                self.remove(key);
            }
        }
    }
}

// One socket of a session: its handler and its inbox.

/// A socket with its handler and its unhandled events.
pub(super) struct NamespaceSocket {
    pub(super) socket: Socket,
    status: Status,
    inbox: VecDeque<Event>,
    inbox_bytes: usize,
    /// Makes room for events.
    intake: Option<Arc<dyn Intake>>,
    kept_event_members: &'static [&'static str],
    /// The idle handler; while a call runs, [`call`](Self::call) owns it.
    handler: Option<Box<dyn Handler>>,
    call: Option<PendingCall>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Connecting,
    Connected,
    /// Accepts no more events; disconnects once the inbox is empty.
    Disconnecting(DisconnectReason),
}

impl NamespaceSocket {
    pub(super) fn connecting(socket: Socket, call: PendingCall) -> Self {
        Self {
            socket,
            status: Status::Connecting,
            inbox: VecDeque::new(),
            inbox_bytes: 0,
            intake: None,
            kept_event_members: &[],
            handler: None,
            call: Some(call),
        }
    }

    /// Whether it is connected or connecting.
    pub(super) fn is_active(&self) -> bool {
        !matches!(self.status, Status::Disconnecting(_))
    }

    pub(super) fn is_connected(&self) -> bool {
        self.status == Status::Connected
    }

    /// Marks the socket as connected, unless the session has ended in the meantime.
    pub(super) fn accept(&mut self, handler: Box<dyn Handler>, intake: Option<Arc<dyn Intake>>) {
        self.intake = intake;
        if self.status == Status::Connecting {
            self.status = Status::Connected;
        }
        self.return_handler(handler);
    }

    /// Whether its next event waits until earlier answers are sent. A disconnecting socket does not
    /// wait, since its answers are no longer sent.
    pub(super) fn waits_for_answers(&self) -> bool {
        self.handler.is_some()
            && self.is_connected()
            && !self.inbox.is_empty()
            && !self.socket.has_answer_room()
    }

    pub(super) fn receive(&mut self, mut event: Event) {
        if let Some(intake) = &self.intake {
            event.room = intake.make_room(event.size_bytes());
            if event.room.is_none() && event.not_kept.is_none() {
                event.empty(NotKept::NoRoom, self.kept_event_members);
            }
        }
        self.inbox_bytes += event.size_bytes();
        self.inbox.push_back(event);
        self.start_next();
    }

    /// Starts to disconnect. Only the first reason is kept.
    pub(super) fn disconnect(&mut self, reason: DisconnectReason) {
        if self.is_active() {
            self.status = Status::Disconnecting(reason);
            self.start_next();
        }
    }

    /// Takes the handler back after a call, and starts the next one.
    pub(super) fn return_handler(&mut self, handler: Box<dyn Handler>) {
        self.handler = Some(handler);
        self.start_next();
    }

    /// Takes the handler back after a panic, discards its events, and disconnects.
    pub(super) fn fail(&mut self, handler: Box<dyn Handler>) {
        self.inbox.clear();
        self.inbox_bytes = 0;
        self.disconnect(DisconnectReason::HandlerPanicked);
        self.return_handler(handler);
    }

    /// Polls the running call.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Outcome> {
        let Some(call) = &mut self.call else {
            return Poll::Pending;
        };
        let outcome = std::task::ready!(call.as_mut().poll(cx));
        self.call = None;
        Poll::Ready(outcome)
    }

    /// Starts the next call, unless the handler is busy or must wait for earlier answers.
    pub(super) fn start_next(&mut self) {
        if self.waits_for_answers() {
            return;
        }
        let Some(handler) = self.handler.take() else {
            return;
        };
        if let Some(event) = self.inbox.pop_front() {
            self.inbox_bytes -= event.size_bytes();
            self.call = Some(call_event(handler, event));
        } else if let Status::Disconnecting(reason) = self.status {
            self.call = Some(call_disconnected(handler, reason));
        } else {
            self.handler = Some(handler);
        }
    }
}
