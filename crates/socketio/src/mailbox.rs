//! The bounded queue of outgoing frames of one session.
//!
//! One queue for all sockets of a session. It holds whole frames, so that no other frame can get
//! between a packet and its attachments. It is independent of transports and threads.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

use crate::{config::Config, frame::Frame, namespace::DisconnectReason, packet::disconnect_text};

/// Identifies a socket within its session. A reconnect to the same namespace gets a new key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key(pub(crate) u64);

/// Why a frame was not queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PostError {
    /// The socket is not part of the session, or no longer.
    Closed,
    /// The mailbox is too full for a volatile frame, which was dropped.
    Dropped,
    /// The mailbox is full, and the frame must not be lost.
    Full,
}

/// Whether a frame may be dropped when the mailbox is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// Never dropped: the session ends instead.
    Durable,
    /// Dropped when the mailbox is more than half full.
    Volatile,
    /// An answer to an event. Always queued: backpressure applies to the client's next event
    /// instead (see [`Mailbox::has_answer_room`]).
    Answer,
}

/// A queued frame.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) frame: Frame,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The reply to a CONNECT.
    ConnectReply,
    /// Requested by the client: an answer to an event, or the replay of missed events.
    Answer,
    /// Everything else; bounded by the mailbox.
    Backlog,
}

impl Outgoing {
    /// Whether this is the reply to a CONNECT, after which the transport should pause.
    pub(crate) fn is_connect_reply(&self) -> bool {
        self.kind == Kind::ConnectReply
    }
}

/// The number and size of queued frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Load {
    messages: usize,
    bytes: usize,
}

/// The outgoing frames of one session.
#[derive(Debug)]
pub(crate) struct Mailbox {
    max_messages: usize,
    max_bytes: usize,
    sockets: Vec<Entry>,
    queue: VecDeque<Outgoing>,
    /// Frames of sockets whose CONNECT is still pending.
    deferred: Vec<(Key, Outgoing)>,
    /// Frames other than answers, which count against the bounds.
    backlog: Load,
    answers: Load,
    closed: bool,
}

#[derive(Debug)]
struct Entry {
    key: Key,
    namespace: Arc<str>,
    state: ConnectState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ConnectState {
    Pending,
    /// Disconnected by the application before the reply to its CONNECT.
    PendingDisconnect,
    Connected,
}

impl Mailbox {
    pub(crate) fn new(max_messages: usize, max_bytes: usize) -> Self {
        Self {
            max_messages,
            max_bytes,
            sockets: Vec::new(),
            queue: VecDeque::new(),
            deferred: Vec::new(),
            backlog: Load::default(),
            answers: Load::default(),
            closed: false,
        }
    }

    /// Adds a socket whose CONNECT is pending. Its frames are deferred until [`Self::accept`].
    pub(crate) fn add_socket(&mut self, key: Key, namespace: Arc<str>) {
        // Most clients connect to one namespace; `push` alone would allocate room for four.
        self.sockets.reserve_exact(1);
        self.sockets.push(Entry { key, namespace, state: ConnectState::Pending });
    }

    /// Queues the `replay`, the reply to the CONNECT, and the deferred frames, in this order.
    /// Returns `false` if the application has disconnected the socket in the meantime; a DISCONNECT
    /// then follows.
    pub(crate) fn accept(
        &mut self,
        key: Key,
        replay: Vec<Frame>,
        answer: Frame,
    ) -> Result<bool, PostError> {
        if self.closed {
            return Err(PostError::Closed);
        }
        self.check_room(&answer, Delivery::Durable)?;
        for frame in replay {
            self.push(frame, Kind::Answer);
        }
        self.push(answer, Kind::ConnectReply);
        for (_, outgoing) in self.deferred.extract_if(.., |(owner, _)| *owner == key) {
            self.queue.push_back(outgoing);
        }
        let entry = self.sockets.iter_mut().find(|entry| entry.key == key);
        match entry {
            Some(entry) if entry.state == ConnectState::Pending => {
                entry.state = ConnectState::Connected;
                Ok(true)
            }
            Some(_) => {
                self.disconnect(key);
                Ok(false)
            }
            None => Err(PostError::Closed),
        }
    }

    /// Queues one frame of a socket.
    pub(crate) fn post(
        &mut self,
        key: Key,
        frame: Frame,
        delivery: Delivery,
    ) -> Result<(), PostError> {
        let state = self.state(key).filter(|_| !self.closed);
        let state = state.ok_or(PostError::Closed)?;
        self.check_room(&frame, delivery)?;
        let kind = if delivery == Delivery::Answer { Kind::Answer } else { Kind::Backlog };
        if state == ConnectState::Connected {
            self.push(frame, kind);
        } else {
            self.load(kind).add(&frame);
            self.deferred.push((key, Outgoing { frame, kind }));
        }
        Ok(())
    }

    /// Queues a frame of the session itself, such as a `CONNECT_ERROR`.
    pub(crate) fn post_control(&mut self, frame: Frame) -> Result<(), PostError> {
        if self.closed {
            return Err(PostError::Closed);
        }
        self.check_room(&frame, Delivery::Durable)?;
        self.push(frame, Kind::Backlog);
        Ok(())
    }

    /// Removes a socket and its deferred frames.
    pub(crate) fn remove(&mut self, key: Key) {
        self.sockets.retain(|entry| entry.key != key);
        let gone: Vec<_> = self.deferred.extract_if(.., |(owner, _)| *owner == key).collect();
        for (_, Outgoing { frame, kind }) in gone {
            self.load(kind).subtract(&frame);
        }
    }

    /// Disconnects a socket on behalf of the application. Returns whether it was connected; a
    /// pending socket is disconnected right after its CONNECT is answered.
    pub(crate) fn disconnect(&mut self, key: Key) -> bool {
        let Some(entry) = self.sockets.iter_mut().find(|entry| entry.key == key) else {
            return false;
        };
        if entry.state == ConnectState::Pending {
            entry.state = ConnectState::PendingDisconnect;
            return false;
        }
        // A DISCONNECT is exempt from the bounds: there is at most one per answered CONNECT.
        let disconnect_frame = disconnect_frame(&entry.namespace);
        self.push(disconnect_frame, Kind::Backlog);
        self.remove(key);
        true
    }

    /// Disconnects every connected socket.
    pub(crate) fn disconnect_all(&mut self) {
        for entry in std::mem::take(&mut self.sockets) {
            if entry.state == ConnectState::Connected {
                self.push(disconnect_frame(&entry.namespace), Kind::Backlog);
            }
        }
    }

    /// Refuses further frames. Queued frames can still be sent.
    pub(crate) fn close(&mut self) {
        self.closed = true;
    }

    /// Discards the queued frames.
    pub(crate) fn clear(&mut self) {
        self.queue = VecDeque::new();
        self.deferred = Vec::new();
        self.backlog = Load::default();
        self.answers = Load::default();
    }

    /// The next frame to send.
    pub(crate) fn pop(&mut self) -> Option<Outgoing> {
        let Some(outgoing) = self.queue.pop_front() else {
            // Releases the buffer: most sessions are idle most of the time.
            self.queue = VecDeque::new();
            return None;
        };
        self.load(outgoing.kind).subtract(&outgoing.frame);
        Some(outgoing)
    }

    /// Whether the client's next event may be handled: the queued answers must be below the bounds
    /// of the mailbox. They can exceed them by the answers to one event.
    pub(crate) fn has_answer_room(&self) -> bool {
        self.answers.messages == 0
            || (self.answers.messages < self.max_messages && self.answers.bytes < self.max_bytes)
    }

    /// The number of queued frames.
    pub(crate) fn messages(&self) -> usize {
        self.queue.len() + self.deferred.len()
    }

    /// The bytes of queued frames.
    pub(crate) fn bytes(&self) -> usize {
        self.backlog.bytes + self.answers.bytes
    }

    /// Whether there is no frame to send now; there may be deferred ones.
    pub(crate) fn is_queue_empty(&self) -> bool {
        self.queue.is_empty()
    }

    fn state(&self, key: Key) -> Option<ConnectState> {
        let entry = self.sockets.iter().find(|entry| entry.key == key)?;
        Some(entry.state)
    }

    fn push(&mut self, frame: Frame, kind: Kind) {
        self.load(kind).add(&frame);
        self.queue.push_back(Outgoing { frame, kind });
    }

    fn load(&mut self, kind: Kind) -> &mut Load {
        match kind {
            Kind::Answer => &mut self.answers,
            Kind::ConnectReply | Kind::Backlog => &mut self.backlog,
        }
    }

    fn check_room(&self, frame: &Frame, delivery: Delivery) -> Result<(), PostError> {
        let Load { messages, bytes } = self.backlog;
        let (messages_after, bytes_after) =
            (messages + 1, bytes.saturating_add(frame.size_bytes()));
        match delivery {
            Delivery::Answer => Ok(()),
            _ if messages == 0 => Ok(()),
            Delivery::Volatile
                if messages_after > self.max_messages / 2 || bytes_after > self.max_bytes / 2 =>
            {
                Err(PostError::Dropped)
            }
            Delivery::Durable
                if messages_after > self.max_messages || bytes_after > self.max_bytes =>
            {
                Err(PostError::Full)
            }
            _ => Ok(()),
        }
    }
}

impl Load {
    fn add(&mut self, frame: &Frame) {
        self.messages += 1;
        self.bytes += frame.size_bytes();
    }

    fn subtract(&mut self, frame: &Frame) {
        self.messages -= 1;
        self.bytes -= frame.size_bytes();
    }
}

fn disconnect_frame(namespace: &Arc<str>) -> Frame {
    Frame::of_text(Arc::clone(namespace), disconnect_text(namespace), Vec::new())
}

// Connects the sockets of a session, which may be on any thread, to the single task that runs it.

/// The shared state of one session.
#[derive(Debug)]
pub(crate) struct SessionHandle {
    state: Mutex<State>,
    wake: Notify,
    opened: Instant,
    /// When the client was last active, in milliseconds since `opened`.
    last_activity_ms: AtomicU64,
}

#[derive(Debug)]
struct State {
    mailbox: Mailbox,
    /// Sockets the application has disconnected, not yet processed by the session task.
    disconnected: Vec<Key>,
    end_reason: Option<DisconnectReason>,
    shut_down: bool,
}

/// Signals from other tasks, collected by the session task.
#[derive(Debug, Default)]
pub(crate) struct Signals {
    pub(crate) disconnected: Vec<Key>,
    pub(crate) end_reason: Option<DisconnectReason>,
}

impl SessionHandle {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            state: Mutex::new(State {
                mailbox: Mailbox::new(config.mailbox_messages, config.mailbox_bytes),
                disconnected: Vec::new(),
                end_reason: None,
                shut_down: false,
            }),
            wake: Notify::new(),
            opened: Instant::now(),
            last_activity_ms: AtomicU64::new(0),
        }
    }

    /// Records that the client was active just now, or that it could not be because the session
    /// does not read.
    pub(crate) fn record_activity(&self) {
        let after_ms = u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_activity_ms.store(after_ms, Relaxed);
    }

    /// The time since the client was last active.
    pub(crate) fn silent_for(&self) -> Duration {
        let last_activity = Duration::from_millis(self.last_activity_ms.load(Relaxed));
        self.opened.elapsed().saturating_sub(last_activity)
    }

    /// Queues one frame of a socket. Ends the session if there is no room for a durable one.
    pub(crate) fn post(&self, key: Key, frame: Frame, delivery: Delivery) -> Result<(), PostError> {
        let mut state = self.lock();
        let outcome = state.mailbox.post(key, frame, delivery);
        let outcome = state.end_if_full(outcome);
        drop(state);
        self.wake.notify_one();
        outcome
    }

    /// Disconnects one socket on behalf of the application.
    pub(crate) fn disconnect(&self, key: Key) {
        let mut state = self.lock();
        if state.mailbox.disconnect(key) {
            state.disconnected.push(key);
        }
        drop(state);
        self.wake.notify_one();
    }

    /// Disconnects every socket, then ends the session.
    pub(crate) fn disconnect_all(&self) {
        let mut state = self.lock();
        state.mailbox.disconnect_all();
        state.end(DisconnectReason::ServerNamespaceDisconnect);
        drop(state);
        self.wake.notify_one();
    }

    /// Ends the session without a DISCONNECT to its sockets.
    pub(crate) fn end(&self, reason: DisconnectReason) {
        self.lock().end(reason);
        self.wake.notify_one();
    }

    /// Ends the session because the server stops.
    pub(crate) fn shut_down(&self) {
        let mut state = self.lock();
        state.end(DisconnectReason::ServerShutdown);
        state.shut_down = true;
        drop(state);
        self.wake.notify_one();
    }

    /// Whether the server is stopping.
    pub(crate) fn is_shutting_down(&self) -> bool {
        self.lock().shut_down
    }

    /// Waits until there is a frame to send or a signal.
    pub(crate) async fn changed(&self) {
        self.wake.notified().await;
    }

    pub(crate) fn take_signals(&self) -> Signals {
        let mut state = self.lock();
        Signals {
            disconnected: std::mem::take(&mut state.disconnected),
            end_reason: state.end_reason,
        }
    }

    pub(crate) fn add_socket(&self, key: Key, namespace: Arc<str>) {
        self.lock().mailbox.add_socket(key, namespace);
    }

    /// See [`Mailbox::accept`].
    pub(crate) fn accept(
        &self,
        key: Key,
        replay: Vec<Frame>,
        answer: Frame,
    ) -> Result<bool, PostError> {
        let mut state = self.lock();
        let outcome = state.mailbox.accept(key, replay, answer);
        state.end_if_full(outcome)
    }

    /// See [`Mailbox::post_control`].
    pub(crate) fn post_control(&self, frame: Frame) -> Result<(), PostError> {
        let mut state = self.lock();
        let outcome = state.mailbox.post_control(frame);
        state.end_if_full(outcome)
    }

    /// Queues a frame that belongs to no socket. Callable from any thread: it wakes the session.
    pub(crate) fn send(&self, frame: Frame) -> Result<(), PostError> {
        let outcome = self.post_control(frame);
        self.wake.notify_one();
        outcome
    }

    pub(crate) fn remove(&self, key: Key) {
        self.lock().mailbox.remove(key);
    }

    pub(crate) fn pop(&self) -> Option<Outgoing> {
        self.lock().mailbox.pop()
    }

    /// See [`Mailbox::has_answer_room`].
    pub(crate) fn has_answer_room(&self) -> bool {
        self.lock().mailbox.has_answer_room()
    }

    pub(crate) fn is_queue_empty(&self) -> bool {
        self.lock().mailbox.is_queue_empty()
    }

    /// Refuses further frames and discards the queued ones.
    pub(crate) fn discard(&self) {
        let mut state = self.lock();
        state.mailbox.close();
        state.mailbox.clear();
    }

    /// Ignores poisoning: every change leaves the state consistent even if its thread panics.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Only the first reason is kept.
    fn end(&mut self, reason: DisconnectReason) {
        self.mailbox.close();
        self.end_reason.get_or_insert(reason);
    }

    fn end_if_full<T>(&mut self, outcome: Result<T, PostError>) -> Result<T, PostError> {
        if let Err(PostError::Full) = outcome {
            tracing::warn!(
                by_client = true,
                mailbox.messages = self.mailbox.messages(),
                mailbox.bytes = self.mailbox.bytes(),
                "a client reads too slowly; its session ends"
            );
            self.end(DisconnectReason::SlowReader);
        }
        outcome
    }
}

#[cfg(test)]
mod tests;
