//! One socket of a session: its handler, and the events that wait for it.

use std::{
    collections::VecDeque,
    task::{Context, Poll},
};

use super::work::{Outcome, Work, handle, say_goodbye};
use crate::{event::Event, namespace::Handler, reason::DisconnectReason, socket::Socket};

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

    pub(super) fn waiting_events(&self) -> usize {
        self.inbox.len()
    }

    pub(super) fn waiting_bytes(&self) -> usize {
        self.inbox_bytes
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
