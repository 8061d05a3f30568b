//! The actor of one session, the same behind both front doors (ADR 22): a task that owns the
//! session, a bounded mailbox, commands handled one after another, and one supervised end.
//!
//! A front door reads what its client sends with [`SessionHandle::read`], hands it to the actor with
//! [`SessionHandle::handle`], and ends the session with [`SessionHandle::end`]. How answers reach the client
//! is its
//! [`ReplyChannel`].

use std::panic::AssertUnwindSafe;

// Of the channels at hand the smallest: a few words for each session, where `tokio`'s takes most of a
// kilobyte.
use domain::ids::UserId;
use futures_channel::{mpsc, oneshot};
use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use serde_json::Value;
use socketio::NotKept;
use tokio::task::JoinHandle;

use super::{
    commands::{self, Answer, Command, EventName, FIELDS, FIELDS_OF_REFUSED, error_event},
    events::OutgoingEvent,
    session::Session,
    takeover::{ActiveSession, SessionLease},
};
use crate::{
    error::{Code, Failure},
    input::Object,
    limits::Limits,
    texts,
};

/// Messages in the mailbox of one session beyond the one that each sender may always leave there: none.
/// A front door waits for the answer to a command before it hands in the next. What a client sends
/// ahead waits in its connection, or in the bounded inbox of its Socket.IO session.
const MAILBOX_MESSAGES_MAX: usize = 0;

/// What the actor is asked for.
enum Message {
    Command { name: EventName, command: Command, reply: oneshot::Sender<Reply> },
    End { reason: String },
}

/// What became of a command.
type Reply = Result<Value, Failure>;

/// An event of a client as its front door received it.
pub(super) struct Received<'a> {
    pub(super) name: &'a str,
    /// Its size.
    pub(super) bytes: usize,
    /// Why it is refused unread, if it is.
    pub(super) not_kept: Option<NotKept>,
}

/// What a client asked for: an event that was read, of which nothing else is kept.
pub(super) struct Request {
    name: EventName,
    command: Result<Command, Failure>,
    /// The key that the client gave its message, if it can be read.
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
    limits: Limits,
    user: UserId,
}

impl SessionHandle {
    /// Starts the actor of `session`, on the runtime of the caller. With `lease` its client recovers, where
    /// that is offered; what the session had joined is remembered there when it ends.
    pub(super) fn spawn(session: Session, lease: Option<SessionLease<ActiveSession>>) -> Self {
        let (mailbox, messages) = mpsc::channel(MAILBOX_MESSAGES_MAX);
        let (limits, user) = (session.context.limits.clone(), session.caller.user.clone());
        let actor = tokio::spawn(SessionActor { session, messages, lease }.run());
        Self { mailbox, actor, limits, user }
    }

    /// Reads an event, after it was counted: whatever it turns out to be, it was work. `payload` reads the
    /// fields that it is asked for. `None` for an event that is not of our protocol.
    pub(super) fn read(
        &self,
        received: &Received<'_>,
        payload: impl FnOnce(&[&str]) -> Object,
    ) -> Option<Request> {
        let Received { name, bytes, not_kept } = received;
        let name = EventName::parse(name);
        let counted = self.count(name, *bytes).and_then(|()| not_kept.map_or(Ok(()), refused));
        let name = name?;
        let payload = payload(if counted.is_ok() { FIELDS } else { FIELDS_OF_REFUSED });
        let command = counted.and_then(|()| commands::command(name, &payload));
        let command = command.and_then(|command| {
            // One was counted above.
            let more = command.cost().saturating_sub(1);
            if more > 0 {
                self.limits.allow_commands(&self.user, more)?;
            }
            Ok(command)
        });
        let client_message_id = commands::client_message_id(&payload).map(Into::into);
        Some(Request { name, command, client_message_id })
    }

    fn count(&self, name: Option<EventName>, bytes: usize) -> Result<(), Failure> {
        if name.is_some_and(EventName::marks_as_read) {
            self.limits.allow_read(&self.user)?;
        } else {
            self.limits.allow_commands(&self.user, 1)?;
        }
        Ok(self.limits.allow_command_bytes(&self.user, bytes)?)
    }

    /// Has an event handled and sends the answer to it: an acknowledgement where the client asked for
    /// one (`ack_id`), else an `error` event if it failed. Returns when that is done; a command that has
    /// begun is completed even if this is dropped.
    ///
    /// # Errors
    /// [`ActorStopped`]; nothing was answered.
    pub(super) async fn handle<R: ReplyChannel>(
        &mut self,
        replies: &R,
        request: Request,
        ack_id: Option<R::AckId>,
    ) -> Result<(), ActorStopped> {
        let Request { name, command, client_message_id } = request;
        let outcome = match command {
            Ok(command) => self.ask(name, command).await?,
            Err(failure) => Err(failure),
        };
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

    async fn ask(&mut self, name: EventName, command: Command) -> Result<Reply, ActorStopped> {
        let (reply, answer) = oneshot::channel();
        let message = Box::new(Message::Command { name, command, reply });
        self.mailbox.feed(message).await.map_err(|_| ActorStopped)?;
        answer.await.map_err(|_| ActorStopped)
    }

    /// Ends the session for this reason, after the command that is handled, and waits until it has ended.
    pub(super) async fn end(self, reason: String) {
        let Self { mut mailbox, actor, .. } = self;
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
                    Message::Command { name, command, reply } => {
                        // In a box, so that an idle session has no room for it.
                        let handled = Box::pin(self.session.dispatch(command));
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
}

/// What an event is answered that was not kept.
fn refused(why: NotKept) -> Result<(), Failure> {
    Err(match why {
        NotKept::TooLarge => Failure::new(Code::PayloadTooLarge, texts::EVENT_TOO_LARGE),
        NotKept::NoRoom => Failure::busy(),
    })
}
