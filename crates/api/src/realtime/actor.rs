//! The actor of one session, the same behind both front doors (ADR 22): a task that owns the
//! session, a bounded mailbox, commands handled one after another, and one supervised end.
//!
//! A front door reads what its client sends, hands it to the actor with [`SessionHandle::handle`],
//! and ends the session with [`SessionHandle::end`]. How answers reach the client is its
//! [`ReplyChannel`].

use std::panic::AssertUnwindSafe;

// Of the channels at hand the smallest: a few words for each session, where `tokio`'s takes most of a
// kilobyte.
use futures_channel::{mpsc, oneshot};
use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::task::JoinHandle;

use super::{
    commands::{self, Answer, EventName, error_event},
    events::OutgoingEvent,
    session::Session,
    takeover::{ActiveSession, SessionLease},
};
use crate::{error::Failure, input::Object};

/// Messages in the mailbox of one session beyond the one that each sender may always leave there: none.
/// A front door waits for the answer to a command before it hands in the next. What a client sends
/// ahead waits in its connection, or in the bounded inbox of its Socket.IO session.
const MAILBOX_MESSAGES_MAX: usize = 0;

/// What the actor is asked for.
enum Message {
    Command { name: EventName, payload: Object, reply: oneshot::Sender<Reply> },
    End { reason: String },
}

/// What became of a command.
struct Reply {
    outcome: Result<Value, Failure>,
    /// The key that the client gave its message, if the command carries one.
    client_message_id: Option<String>,
}

/// The actor has stopped: a command panicked, this one or one before. The connection is to be closed.
#[derive(Debug, thiserror::Error)]
#[error("the actor of the session has stopped")]
pub(super) struct ActorStopped;

/// How a front door sends its client the answers to commands.
pub(super) trait ReplyChannel {
    /// Names the command that an acknowledgement answers.
    type AckId;

    /// Sends an acknowledgement. One that cannot be sent is dropped: the client is gone, and sends
    /// its command again under the same key.
    fn acknowledge(&self, id: Self::AckId, answer: &Answer<'_>);

    /// Sends the `error` event of a command for which no acknowledgement was asked.
    fn send_error(&self, event: &OutgoingEvent);
}

/// The way to the actor of one session. When it is dropped the session ends.
pub(super) struct SessionHandle {
    mailbox: mpsc::Sender<Box<Message>>,
    actor: JoinHandle<()>,
}

impl SessionHandle {
    /// Starts the actor of `session`, on the runtime of the caller. With `lease` its client recovers, where
    /// that is offered; what the session had joined is remembered there when it ends.
    pub(super) fn spawn(session: Session, lease: Option<SessionLease<ActiveSession>>) -> Self {
        let (mailbox, messages) = mpsc::channel(MAILBOX_MESSAGES_MAX);
        let actor = tokio::spawn(SessionActor { session, messages, lease }.run());
        Self { mailbox, actor }
    }

    /// Has the event `name` of the client handled and sends the answer to it: an acknowledgement
    /// where the client asked for one (`ack_id`), else an `error` event if it failed. An event that
    /// is not of our protocol is ignored. Returns when that is done; a command that has begun is
    /// completed even if this is dropped.
    ///
    /// # Errors
    /// [`ActorStopped`]; nothing was answered.
    pub(super) async fn handle<R: ReplyChannel>(
        &mut self,
        replies: &R,
        name: &str,
        payload: Object,
        ack_id: Option<R::AckId>,
    ) -> Result<(), ActorStopped> {
        let Some(name) = EventName::parse(name) else { return Ok(()) };
        let Reply { outcome, client_message_id } = self.ask(name, payload).await?;
        match (ack_id, &outcome) {
            (Some(id), _) => replies.acknowledge(id, &Answer::to(name, &outcome)),
            (None, Ok(_)) => {}
            (None, Err(failure)) => {
                if let Some(event) = error_event(name, client_message_id.as_deref(), failure) {
                    replies.send_error(&event);
                }
            }
        }
        Ok(())
    }

    async fn ask(&mut self, name: EventName, payload: Object) -> Result<Reply, ActorStopped> {
        let (reply, answer) = oneshot::channel();
        let message = Box::new(Message::Command { name, payload, reply });
        self.mailbox.feed(message).await.map_err(|_| ActorStopped)?;
        answer.await.map_err(|_| ActorStopped)
    }

    /// Ends the session for this reason, after the command that is handled, and waits until it has ended.
    pub(super) async fn end(self, reason: String) {
        let Self { mut mailbox, actor } = self;
        // An actor that has stopped has ended its session itself.
        let _ = mailbox.feed(Box::new(Message::End { reason })).await;
        if let Err(error) = actor.await {
            tracing::error!(%error, "the end of a session failed");
        }
    }
}

struct SessionActor {
    session: Session,
    messages: mpsc::Receiver<Box<Message>>,
    lease: Option<SessionLease<ActiveSession>>,
}

impl SessionActor {
    /// Handles messages until the session ends. After a panic nothing but its end is asked of the
    /// session, so that whatever the panic left half done is not seen.
    #[expect(
        clippy::manual_async_fn,
        reason = "an `async fn` has room for its arguments twice, and there are many sessions"
    )]
    fn run(mut self) -> impl Future<Output = ()> + Send {
        async move {
            let reason = loop {
                let Some(message) = self.messages.next().await else {
                    break "its connection is gone".to_owned();
                };
                match *message {
                    Message::Command { name, payload, reply } => {
                        // In a box, so that an idle session has no room for it.
                        let handled = Box::pin(self.handle(name, payload));
                        let Ok(done) = AssertUnwindSafe(handled).catch_unwind().await else {
                            tracing::error!(command = name.as_str(), "a command panicked");
                            break "a command panicked".to_owned();
                        };
                        // The front door may be gone; the command is done all the same.
                        drop(reply.send(done));
                    }
                    Message::End { reason } => break reason,
                }
            };
            // Remembered while the session still counts as one: a client that reconnects at this moment
            // finds the one or the other.
            if let Some(lease) = &self.lease {
                lease.remember(self.session.last_state());
            }
            self.session.end(&reason);
        }
    }

    async fn handle(&mut self, name: EventName, payload: Object) -> Reply {
        let outcome = self.session.dispatch(name, &payload).await;
        let client_message_id = commands::client_message_id(&payload).map(Into::into);
        Reply { outcome, client_message_id }
    }
}
