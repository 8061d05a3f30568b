//! What waits to be sent on one session, within bounds.
//!
//! One queue for all sockets of a session, whole frames only, so that nothing can slip between a
//! packet and its attachments. It knows neither transports nor threads.

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

/// Tells the sockets of one session apart, also those that follow each other in one namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key(pub(crate) u64);

/// Why a frame was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The socket is not, or no longer, part of the session.
    Closed,
    /// There is no room, and the frame is not worth the session.
    Dropped,
    /// There is no room for a frame that must not be lost.
    Full,
}

/// Whether a frame may be lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// It may not: rather than lose it, the session ends.
    Durable,
    /// It may, once the mailbox is more than half full.
    Volatile,
    /// It may not, and there is room for it: the client asked for it, and its next event waits
    /// until answers have left (see [`Mailbox::takes_events`]).
    Answer,
}

/// A frame that waits, or waited.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) frame: Frame,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The answer to a CONNECT.
    Admission,
    /// What the client asked for: an answer to an event, or the replay of what it missed.
    Answer,
    /// Everything else; the mailbox bounds it.
    Backlog,
}

impl Outgoing {
    /// Whether this lets a socket in. What follows it should not arrive in the same moment.
    pub(crate) fn is_admission(&self) -> bool {
        self.kind == Kind::Admission
    }
}

/// How much waits.
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
    /// Frames of sockets whose CONNECT is not answered yet.
    held: Vec<(Key, Outgoing)>,
    /// What nobody asked for.
    backlog: Load,
    answers: Load,
    closed: bool,
}

#[derive(Debug)]
struct Entry {
    key: Key,
    namespace: Arc<str>,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Undecided,
    /// The application disconnected it before it was even connected.
    UndecidedLeaving,
    Connected,
}

impl Mailbox {
    pub(crate) fn new(max_messages: usize, max_bytes: usize) -> Self {
        Self {
            max_messages,
            max_bytes,
            sockets: Vec::new(),
            queue: VecDeque::new(),
            held: Vec::new(),
            backlog: Load::default(),
            answers: Load::default(),
            closed: false,
        }
    }

    /// Adds a socket whose CONNECT is being decided. What it sends is held back.
    pub(crate) fn enter(&mut self, key: Key, namespace: Arc<str>) {
        // Most clients enter one namespace; a vector that grows by itself makes room for four.
        self.sockets.reserve_exact(1);
        self.sockets.push(Entry { key, namespace, stage: Stage::Undecided });
    }

    /// Sends the answer to a CONNECT, the `replay` in front of it, and what was held back behind
    /// it. Returns whether the socket stays; if not, the application has disconnected it meanwhile
    /// and the farewell is sent.
    pub(crate) fn admit(
        &mut self,
        key: Key,
        replay: Vec<Frame>,
        answer: Frame,
    ) -> Result<bool, Refused> {
        if self.closed {
            return Err(Refused::Closed);
        }
        self.check_room(&answer, Delivery::Durable)?;
        for frame in replay {
            self.push(frame, Kind::Answer);
        }
        self.push(answer, Kind::Admission);
        for (_, outgoing) in self.held.extract_if(.., |(owner, _)| *owner == key) {
            self.queue.push_back(outgoing);
        }
        let entry = self.sockets.iter_mut().find(|entry| entry.key == key);
        match entry {
            Some(entry) if entry.stage == Stage::Undecided => {
                entry.stage = Stage::Connected;
                Ok(true)
            }
            Some(_) => {
                self.dismiss(key);
                Ok(false)
            }
            None => Err(Refused::Closed),
        }
    }

    /// Takes one frame of a socket.
    pub(crate) fn post(&mut self, key: Key, frame: Frame, worth: Delivery) -> Result<(), Refused> {
        let stage = self.stage(key).filter(|_| !self.closed);
        let stage = stage.ok_or(Refused::Closed)?;
        self.check_room(&frame, worth)?;
        let kind = if worth == Delivery::Answer { Kind::Answer } else { Kind::Backlog };
        if stage == Stage::Connected {
            self.push(frame, kind);
        } else {
            self.load(kind).add(&frame);
            self.held.push((key, Outgoing { frame, kind }));
        }
        Ok(())
    }

    /// Takes an answer of the session itself.
    pub(crate) fn answer(&mut self, frame: Frame) -> Result<(), Refused> {
        if self.closed {
            return Err(Refused::Closed);
        }
        self.check_room(&frame, Delivery::Durable)?;
        self.push(frame, Kind::Backlog);
        Ok(())
    }

    /// Forgets a socket, and what was held back for it.
    pub(crate) fn remove(&mut self, key: Key) {
        self.sockets.retain(|entry| entry.key != key);
        let gone: Vec<_> = self.held.extract_if(.., |(owner, _)| *owner == key).collect();
        for (_, Outgoing { frame, kind }) in gone {
            self.load(kind).subtract(&frame);
        }
    }

    /// Disconnects a socket by the application's wish. Returns whether it was connected; a socket
    /// that is still undecided leaves right after it is admitted.
    pub(crate) fn dismiss(&mut self, key: Key) -> bool {
        let Some(entry) = self.sockets.iter_mut().find(|entry| entry.key == key) else {
            return false;
        };
        if entry.stage == Stage::Undecided {
            entry.stage = Stage::UndecidedLeaving;
            return false;
        }
        // A farewell is exempt from the bounds: there is one per answered CONNECT at most.
        let farewell = farewell(&entry.namespace);
        self.push(farewell, Kind::Backlog);
        self.remove(key);
        true
    }

    /// Disconnects every connected socket.
    pub(crate) fn dismiss_all(&mut self) {
        for entry in std::mem::take(&mut self.sockets) {
            if entry.stage == Stage::Connected {
                self.push(farewell(&entry.namespace), Kind::Backlog);
            }
        }
    }

    /// Takes nothing more. What waits can still be sent.
    pub(crate) fn close(&mut self) {
        self.closed = true;
    }

    /// Forgets what waits.
    pub(crate) fn clear(&mut self) {
        self.queue = VecDeque::new();
        self.held = Vec::new();
        self.backlog = Load::default();
        self.answers = Load::default();
    }

    /// The next frame to send.
    pub(crate) fn pop(&mut self) -> Option<Outgoing> {
        let Some(outgoing) = self.queue.pop_front() else {
            // Most sessions are idle most of the time, and a queue never shrinks by itself.
            self.queue = VecDeque::new();
            return None;
        };
        self.load(outgoing.kind).subtract(&outgoing.frame);
        Some(outgoing)
    }

    /// Whether so little of what the client asked for waits that its next event may be handled.
    /// Answers are in nobody's way otherwise: so they are bounded by as much as may wait besides,
    /// and by those to one event.
    pub(crate) fn takes_events(&self) -> bool {
        self.answers.messages == 0
            || (self.answers.messages < self.max_messages && self.answers.bytes < self.max_bytes)
    }

    /// How many frames wait.
    pub(crate) fn messages(&self) -> usize {
        self.queue.len() + self.held.len()
    }

    /// How many bytes wait.
    pub(crate) fn bytes(&self) -> usize {
        self.backlog.bytes + self.answers.bytes
    }

    /// Whether nothing waits to be sent now.
    pub(crate) fn is_idle(&self) -> bool {
        self.queue.is_empty()
    }

    fn stage(&self, key: Key) -> Option<Stage> {
        let entry = self.sockets.iter().find(|entry| entry.key == key)?;
        Some(entry.stage)
    }

    fn push(&mut self, frame: Frame, kind: Kind) {
        self.load(kind).add(&frame);
        self.queue.push_back(Outgoing { frame, kind });
    }

    fn load(&mut self, kind: Kind) -> &mut Load {
        match kind {
            Kind::Answer => &mut self.answers,
            Kind::Admission | Kind::Backlog => &mut self.backlog,
        }
    }

    fn check_room(&self, frame: &Frame, worth: Delivery) -> Result<(), Refused> {
        let Load { messages, bytes } = self.backlog;
        let (messages_after, bytes_after) =
            (messages + 1, bytes.saturating_add(frame.size_bytes()));
        match worth {
            Delivery::Answer => Ok(()),
            _ if messages == 0 => Ok(()),
            Delivery::Volatile
                if messages_after > self.max_messages / 2 || bytes_after > self.max_bytes / 2 =>
            {
                Err(Refused::Dropped)
            }
            Delivery::Durable
                if messages_after > self.max_messages || bytes_after > self.max_bytes =>
            {
                Err(Refused::Full)
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

fn farewell(namespace: &Arc<str>) -> Frame {
    Frame::of_text(Arc::clone(namespace), disconnect_text(namespace), Vec::new())
}

// What ties the sockets of a session to the task that runs it: they may be on any thread, it stays
// on one.

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

#[cfg(test)]
mod tests;
