//! What ties the sockets of a session to the task that runs it: they may be on any thread, it stays
//! on one.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

use crate::{
    config::Config,
    frame::Frame,
    mailbox::{Delivery, Key, Mailbox, Outgoing, Refused},
    reason::DisconnectReason,
};

/// The shared state of one session.
#[derive(Debug)]
pub(crate) struct SessionHandle {
    state: Mutex<State>,
    wake: Notify,
    opened: Instant,
    /// When the client was last heard, in milliseconds since `opened`.
    heard_after_ms: AtomicU64,
}

#[derive(Debug)]
struct State {
    mailbox: Mailbox,
    /// Sockets the application disconnected and the session does not know of yet.
    dismissed: Vec<Key>,
    ending: Option<DisconnectReason>,
    shut: bool,
}

/// What happened outside of the session since it last asked.
#[derive(Debug, Default)]
pub(crate) struct Signals {
    pub(crate) dismissed: Vec<Key>,
    pub(crate) ending: Option<DisconnectReason>,
}

impl SessionHandle {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            state: Mutex::new(State {
                mailbox: Mailbox::new(config.mailbox_messages, config.mailbox_bytes),
                dismissed: Vec::new(),
                ending: None,
                shut: false,
            }),
            wake: Notify::new(),
            opened: Instant::now(),
            heard_after_ms: AtomicU64::new(0),
        }
    }

    /// The client was heard just now, or is not read and so cannot be.
    pub(crate) fn heard(&self) {
        let after_ms = u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.heard_after_ms.store(after_ms, Relaxed);
    }

    /// How long ago the client was last heard.
    pub(crate) fn silent_for(&self) -> Duration {
        let heard_after = Duration::from_millis(self.heard_after_ms.load(Relaxed));
        self.opened.elapsed().saturating_sub(heard_after)
    }

    /// Takes one frame of a socket. Losing a durable one ends the session.
    pub(crate) fn post(&self, key: Key, frame: Frame, worth: Delivery) -> Result<(), Refused> {
        let mut state = self.lock();
        let outcome = state.mailbox.post(key, frame, worth);
        let outcome = state.judge(outcome);
        drop(state);
        self.wake.notify_one();
        outcome
    }

    /// Disconnects one socket by the application's wish.
    pub(crate) fn dismiss(&self, key: Key) {
        let mut state = self.lock();
        if state.mailbox.dismiss(key) {
            state.dismissed.push(key);
        }
        drop(state);
        self.wake.notify_one();
    }

    /// Disconnects every socket, then ends the session.
    pub(crate) fn dismiss_all(&self) {
        let mut state = self.lock();
        state.mailbox.dismiss_all();
        state.end(DisconnectReason::ServerNamespaceDisconnect);
        drop(state);
        self.wake.notify_one();
    }

    /// Ends the session, without a word to its sockets.
    pub(crate) fn end(&self, reason: DisconnectReason) {
        self.lock().end(reason);
        self.wake.notify_one();
    }

    /// Ends the session because the server stops.
    pub(crate) fn shut(&self) {
        let mut state = self.lock();
        state.end(DisconnectReason::ServerShutdown);
        state.shut = true;
        drop(state);
        self.wake.notify_one();
    }

    /// Whether the server stops.
    pub(crate) fn is_shut(&self) -> bool {
        self.lock().shut
    }

    /// Waits until there is something to send, or news.
    pub(crate) async fn changed(&self) {
        self.wake.notified().await;
    }

    pub(crate) fn news(&self) -> Signals {
        let mut state = self.lock();
        Signals { dismissed: std::mem::take(&mut state.dismissed), ending: state.ending }
    }

    pub(crate) fn enter(&self, key: Key, namespace: Arc<str>) {
        self.lock().mailbox.enter(key, namespace);
    }

    /// See [`Mailbox::admit`].
    pub(crate) fn admit(
        &self,
        key: Key,
        replay: Vec<Frame>,
        answer: Frame,
    ) -> Result<bool, Refused> {
        let mut state = self.lock();
        let outcome = state.mailbox.admit(key, replay, answer);
        state.judge(outcome)
    }

    /// See [`Mailbox::answer`].
    pub(crate) fn answer(&self, frame: Frame) -> Result<(), Refused> {
        let mut state = self.lock();
        let outcome = state.mailbox.answer(frame);
        state.judge(outcome)
    }

    /// Takes a frame that belongs to no socket, from any thread.
    pub(crate) fn send(&self, frame: Frame) -> Result<(), Refused> {
        let outcome = self.answer(frame);
        self.wake.notify_one();
        outcome
    }

    pub(crate) fn remove(&self, key: Key) {
        self.lock().mailbox.remove(key);
    }

    pub(crate) fn pop(&self) -> Option<Outgoing> {
        self.lock().mailbox.pop()
    }

    /// See [`Mailbox::takes_events`].
    pub(crate) fn takes_events(&self) -> bool {
        self.lock().mailbox.takes_events()
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.lock().mailbox.is_idle()
    }

    /// Takes nothing more, and forgets what waits.
    pub(crate) fn discard(&self) {
        let mut state = self.lock();
        state.mailbox.close();
        state.mailbox.clear();
    }

    /// Every change below leaves the state sound even if its thread dies halfway.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The first reason counts.
    fn end(&mut self, reason: DisconnectReason) {
        self.mailbox.close();
        self.ending.get_or_insert(reason);
    }

    fn judge<T>(&mut self, outcome: Result<T, Refused>) -> Result<T, Refused> {
        if let Err(Refused::Full) = outcome {
            tracing::warn!(
                mailbox.messages = self.mailbox.messages(),
                mailbox.bytes = self.mailbox.bytes(),
                "a client reads too slowly; its session ends"
            );
            self.end(DisconnectReason::SlowReader);
        }
        outcome
    }
}
