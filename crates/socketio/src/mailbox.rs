//! What waits to be sent on one session, within bounds.
//!
//! One queue for all sockets of a session, whole frames only, so that nothing can slip between a
//! packet and its attachments. It knows neither transports nor threads.

#[cfg(test)]
mod tests;

use std::{collections::VecDeque, sync::Arc};

use crate::{frame::Frame, packet::disconnect_text};

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
pub(crate) enum Worth {
    /// It may not: rather than lose it, the session ends.
    Durable,
    /// It may, once the mailbox is more than half full.
    Volatile,
}

/// The outgoing frames of one session.
#[derive(Debug)]
pub(crate) struct Mailbox {
    max_messages: usize,
    max_bytes: usize,
    sockets: Vec<Entry>,
    queue: VecDeque<Frame>,
    /// Frames of sockets whose CONNECT is not answered yet.
    held: Vec<(Key, Frame)>,
    bytes: usize,
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
            bytes: 0,
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
        self.check_room(&answer, Worth::Durable)?;
        for frame in replay.into_iter().chain([answer]) {
            self.push(frame);
        }
        for (_, frame) in self.held.extract_if(.., |(owner, _)| *owner == key) {
            self.queue.push_back(frame);
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
    pub(crate) fn post(&mut self, key: Key, frame: Frame, worth: Worth) -> Result<(), Refused> {
        let stage = self.stage(key).filter(|_| !self.closed);
        let stage = stage.ok_or(Refused::Closed)?;
        self.check_room(&frame, worth)?;
        self.bytes += frame.size_bytes();
        if stage == Stage::Connected {
            self.queue.push_back(frame);
        } else {
            self.held.push((key, frame));
        }
        Ok(())
    }

    /// Takes an answer of the session itself.
    pub(crate) fn answer(&mut self, frame: Frame) -> Result<(), Refused> {
        if self.closed {
            return Err(Refused::Closed);
        }
        self.check_room(&frame, Worth::Durable)?;
        self.push(frame);
        Ok(())
    }

    /// Forgets a socket, and what was held back for it.
    pub(crate) fn remove(&mut self, key: Key) {
        self.sockets.retain(|entry| entry.key != key);
        for (_, frame) in self.held.extract_if(.., |(owner, _)| *owner == key) {
            self.bytes -= frame.size_bytes();
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
        self.push(farewell);
        self.remove(key);
        true
    }

    /// Disconnects every connected socket.
    pub(crate) fn dismiss_all(&mut self) {
        for entry in std::mem::take(&mut self.sockets) {
            if entry.stage == Stage::Connected {
                self.push(farewell(&entry.namespace));
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
        self.bytes = 0;
    }

    /// The next frame to send.
    pub(crate) fn pop(&mut self) -> Option<Frame> {
        let Some(frame) = self.queue.pop_front() else {
            // Most sessions are idle most of the time, and a queue never shrinks by itself.
            self.queue = VecDeque::new();
            return None;
        };
        self.bytes -= frame.size_bytes();
        Some(frame)
    }

    /// How many frames wait.
    pub(crate) fn messages(&self) -> usize {
        self.queue.len() + self.held.len()
    }

    /// How many bytes wait.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether nothing waits to be sent now.
    pub(crate) fn is_idle(&self) -> bool {
        self.queue.is_empty()
    }

    fn stage(&self, key: Key) -> Option<Stage> {
        let entry = self.sockets.iter().find(|entry| entry.key == key)?;
        Some(entry.stage)
    }

    fn push(&mut self, frame: Frame) {
        self.bytes += frame.size_bytes();
        self.queue.push_back(frame);
    }

    fn check_room(&self, frame: &Frame, worth: Worth) -> Result<(), Refused> {
        let (messages, bytes) = (self.messages(), self.bytes);
        let (messages_after, bytes_after) =
            (messages + 1, bytes.saturating_add(frame.size_bytes()));
        match worth {
            _ if messages == 0 => Ok(()),
            Worth::Volatile
                if messages_after > self.max_messages / 2 || bytes_after > self.max_bytes / 2 =>
            {
                Err(Refused::Dropped)
            }
            Worth::Durable
                if messages_after > self.max_messages || bytes_after > self.max_bytes =>
            {
                Err(Refused::Full)
            }
            _ => Ok(()),
        }
    }
}

fn farewell(namespace: &Arc<str>) -> Frame {
    Frame::of_text(Arc::clone(namespace), disconnect_text(namespace), Vec::new())
}
