//! The sockets of one session.

use std::{
    collections::VecDeque,
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll},
};

use super::{Outcome, Work, handle, say_goodbye};
use crate::{
    mailbox::Key,
    namespace::{DisconnectReason, Handler},
    socket::{Event, Socket},
};

/// Sockets that may be leaving at once; only a client that comes and goes faster than its handlers
/// can say goodbye gets there.
const MAX_LEAVING: usize = 16;

/// Every socket of a session, those that are leaving included.
pub(super) struct NamespaceSockets {
    list: Vec<NamespaceSocket>,
    max_events: usize,
    max_bytes: usize,
    next_key: u64,
    /// Namespaces the application disconnected. What the client sent before it heard of that
    /// is ignored.
    dismissed: Vec<Arc<str>>,
}

/// Where a packet for some namespace goes.
pub(super) enum Target<'a> {
    Connected(&'a mut NamespaceSocket),
    /// A socket the client does not know to be gone.
    Dismissed,
    Nobody,
}

impl NamespaceSockets {
    pub(super) fn new(max_events: usize, max_bytes: usize) -> Self {
        Self {
            list: Vec::new(),
            max_events: max_events.max(1),
            max_bytes: max_bytes.max(1),
            next_key: 0,
            dismissed: Vec::new(),
        }
    }

    /// Whether so much waits for handlers that no more should be read.
    pub(super) fn is_full(&self) -> bool {
        let events: usize = self.list.iter().map(|socket| socket.inbox.len()).sum();
        let bytes: usize = self.list.iter().map(|socket| socket.inbox_bytes).sum();
        let leaving = self.list.iter().filter(|member| !member.is_present());
        events >= self.max_events || bytes >= self.max_bytes || leaving.count() >= MAX_LEAVING
    }

    /// Whether the next event of some socket waits for the client to take its answers.
    pub(super) fn is_held_up(&self) -> bool {
        self.list.iter().any(NamespaceSocket::is_held_up)
    }

    /// Goes on with the events that waited for that, as far as they need not any more.
    pub(super) fn proceed(&mut self) {
        self.list.iter_mut().for_each(NamespaceSocket::proceed);
    }

    pub(super) fn is_anyone_present(&self) -> bool {
        self.list.iter().any(NamespaceSocket::is_present)
    }

    /// Whether a socket holds `namespace`, or is about to.
    pub(super) fn holds(&self, namespace: &str) -> bool {
        self.list.iter().any(|member| member.is_present() && member.socket.namespace() == namespace)
    }

    pub(super) fn next_key(&mut self) -> Key {
        self.next_key += 1;
        Key(self.next_key)
    }

    pub(super) fn add(&mut self, member: NamespaceSocket) {
        self.dismissed.retain(|namespace| **namespace != *member.socket.namespace());
        // Most clients enter one namespace; a vector that grows by itself makes room for four.
        self.list.reserve_exact(1);
        self.list.push(member);
    }

    pub(super) fn addressee(&mut self, namespace: &str) -> Target<'_> {
        let connected = self
            .list
            .iter_mut()
            .find(|member| member.is_connected() && member.socket.namespace() == namespace);
        match connected {
            Some(member) => Target::Connected(member),
            None if self.dismissed.iter().any(|gone| **gone == *namespace) => Target::Dismissed,
            None => Target::Nobody,
        }
    }

    /// Sends a socket off by the application's wish.
    pub(super) fn dismiss(&mut self, key: Key) {
        if let Some(member) = self.find(key) {
            member.leave(DisconnectReason::ServerNamespaceDisconnect);
            let namespace = member.socket.shared_namespace();
            self.dismissed.push(namespace);
        }
    }

    pub(super) fn find(&mut self, key: Key) -> Option<&mut NamespaceSocket> {
        self.list.iter_mut().find(|member| member.socket.key() == key)
    }

    pub(super) fn remove(&mut self, key: Key) -> Option<NamespaceSocket> {
        let position = self.list.iter().position(|member| member.socket.key() == key)?;
        Some(self.list.swap_remove(position))
    }

    /// Waits until the work of some socket is done. Giving up waiting loses nothing.
    pub(super) async fn next(&mut self) -> (Key, Outcome) {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<(Key, Outcome)> {
        for member in &mut self.list {
            if let Poll::Ready(outcome) = member.poll(cx) {
                return Poll::Ready((member.socket.key(), outcome));
            }
        }
        Poll::Pending
    }

    /// Sends every socket off and waits until each handler has had its last call. A decision still
    /// pending is waited for, because the application may have begun to count on it.
    pub(super) async fn finish(&mut self, reason: DisconnectReason) {
        for member in &mut self.list {
            member.leave(reason);
        }
        while !self.list.is_empty() {
            let (key, outcome) = self.next().await;
            self.settle(key, outcome);
        }
    }

    fn settle(&mut self, key: Key, outcome: Outcome) {
        let Some(member) = self.find(key) else { return };
        match outcome {
            Outcome::Accepted(accepted) => member.accept(accepted.handler),
            Outcome::Handled(handler) => member.rest(handler),
            Outcome::HandlerPanicked(handler) => {
                tracing::error!("a handler panicked while its session ended");
                member.give_up(handler);
            }
            Outcome::DecisionPanicked => {
                tracing::error!("a namespace panicked while its session ended");
                self.remove(key);
            }
            Outcome::Refused(_) | Outcome::Undecided | Outcome::Left => {
                self.remove(key);
            }
        }
    }
}

// One socket of a session: its handler, and the events that wait for it.

/// A socket and everything it is owed.
pub(super) struct NamespaceSocket {
    pub(super) socket: Socket,
    status: Status,
    inbox: VecDeque<Event>,
    inbox_bytes: usize,
    /// The handler while it rests; while it works, [`work`](Self::work) has it.
    handler: Option<Box<dyn Handler>>,
    work: Option<Work>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Deciding,
    Connected,
    /// Takes no more events, and says goodbye when those it has are handled.
    Leaving(DisconnectReason),
}

impl NamespaceSocket {
    pub(super) fn deciding(socket: Socket, decision: Work) -> Self {
        Self {
            socket,
            status: Status::Deciding,
            inbox: VecDeque::new(),
            inbox_bytes: 0,
            handler: None,
            work: Some(decision),
        }
    }

    /// Whether it holds its namespace, connected or about to be.
    pub(super) fn is_present(&self) -> bool {
        !matches!(self.status, Status::Leaving(_))
    }

    pub(super) fn is_connected(&self) -> bool {
        self.status == Status::Connected
    }

    /// Enters the namespace, unless the session ended meanwhile.
    pub(super) fn accept(&mut self, handler: Box<dyn Handler>) {
        if self.status == Status::Deciding {
            self.status = Status::Connected;
        }
        self.rest(handler);
    }

    /// Whether its next event waits for the client to take the answers to those before. One that is
    /// leaving gets none any more.
    pub(super) fn is_held_up(&self) -> bool {
        self.handler.is_some()
            && self.is_connected()
            && !self.inbox.is_empty()
            && !self.socket.takes_events()
    }

    pub(super) fn receive(&mut self, event: Event) {
        self.inbox_bytes += event.size_bytes();
        self.inbox.push_back(event);
        self.proceed();
    }

    /// Leaves the namespace. The first reason counts.
    pub(super) fn leave(&mut self, reason: DisconnectReason) {
        if self.is_present() {
            self.status = Status::Leaving(reason);
            self.proceed();
        }
    }

    /// Takes the handler back from finished work, and goes on to the next.
    pub(super) fn rest(&mut self, handler: Box<dyn Handler>) {
        self.handler = Some(handler);
        self.proceed();
    }

    /// Takes the handler back from a panic. What it has not seen, it shall not see.
    pub(super) fn give_up(&mut self, handler: Box<dyn Handler>) {
        self.inbox.clear();
        self.inbox_bytes = 0;
        self.leave(DisconnectReason::HandlerPanicked);
        self.rest(handler);
    }

    /// Goes on with the work under way.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Outcome> {
        let Some(work) = &mut self.work else {
            return Poll::Pending;
        };
        let outcome = std::task::ready!(work.as_mut().poll(cx));
        self.work = None;
        Poll::Ready(outcome)
    }

    /// Goes on to the next event, if there is one and its answer may be given.
    pub(super) fn proceed(&mut self) {
        if self.is_held_up() {
            return;
        }
        let Some(handler) = self.handler.take() else {
            return;
        };
        if let Some(event) = self.inbox.pop_front() {
            self.inbox_bytes -= event.size_bytes();
            self.work = Some(handle(handler, event));
        } else if let Status::Leaving(reason) = self.status {
            self.work = Some(say_goodbye(handler, reason));
        } else {
            self.handler = Some(handler);
        }
    }
}
