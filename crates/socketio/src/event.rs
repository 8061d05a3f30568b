//! What a client said, and the answer to it.

use std::fmt;

use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    frame::Frame,
    packet::ack_text,
    socket::{EmitError, Socket},
};

/// An event from a client. `Debug` hides its arguments.
pub struct Event {
    /// The name of the event.
    pub name: String,
    /// The arguments: valid JSON, in the client's own words, nested at most 126 deep.
    pub args: Vec<Box<RawValue>>,
    /// The buffers that placeholders in `args` stand for, by number.
    pub attachments: Vec<Bytes>,
    /// Where the answer goes, when the client wants one.
    pub ack: Option<Acknowledger>,
}

impl Event {
    /// What it holds in memory, roughly, in bytes.
    pub(crate) fn size_bytes(&self) -> usize {
        let args: usize = self.args.iter().map(|arg| arg.get().len()).sum();
        let attachments: usize = self.attachments.iter().map(Bytes::len).sum();
        self.name.len() + args + attachments
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("name", &self.name)
            .field("args", &self.args.len())
            .field("attachments", &self.attachments.len())
            .field("ack", &self.ack.is_some())
            .finish()
    }
}

/// Answers one event, at most once. Dropping it leaves the event unanswered.
#[derive(Debug)]
#[must_use = "a client that asks for an answer waits for it"]
pub struct Acknowledger {
    socket: Socket,
    id: u64,
}

impl Acknowledger {
    pub(crate) fn new(socket: Socket, id: u64) -> Self {
        Self { socket, id }
    }

    /// Answers with one argument.
    ///
    /// # Errors
    /// See [`EmitError`]; the answer is then lost.
    pub fn send(self, arg: &impl Serialize) -> Result<(), EmitError> {
        self.answer(&[arg], Vec::new())
    }

    /// Answers with any number of arguments that are JSON already, and the attachments their
    /// placeholders stand for.
    ///
    /// # Errors
    /// See [`EmitError`]; the answer is then lost.
    pub fn send_raw(
        self,
        args: &[Box<RawValue>],
        attachments: Vec<Bytes>,
    ) -> Result<(), EmitError> {
        self.answer(args, attachments)
    }

    fn answer(self, args: &[impl Serialize], attachments: Vec<Bytes>) -> Result<(), EmitError> {
        let namespace = self.socket.shared_namespace();
        let text = ack_text(&namespace, self.id, args, attachments.len())?;
        self.socket.send_answer(&Frame::of_text(namespace, text, attachments))
    }
}
