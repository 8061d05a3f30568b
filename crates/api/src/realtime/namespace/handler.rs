//! What a Socket.IO client says, and the answers to it.

use async_trait::async_trait;
use socketio::{Acknowledger, DisconnectReason, EmitError, Event, Handler, Socket};

use super::super::{
    answer::{Answer, error_event},
    inbound::{self, EventName},
    recovery::SessionLease,
    session::Session,
};
use super::tenant::ActiveSession;

/// A session behind a Socket.IO socket.
pub(super) struct SocketSession {
    pub(super) session: Session,
    pub(super) socket: Socket,
    /// The id by which the client comes back, where it can.
    pub(super) hold: Option<SessionLease<ActiveSession>>,
}

#[async_trait]
impl Handler for SocketSession {
    async fn event(&mut self, event: Event) {
        let Some(name) = EventName::parse(&event.name) else { return };
        let payload = inbound::payload(&event.args);
        let outcome = self.session.dispatch(name, &payload).await;
        match (event.ack, &outcome) {
            (Some(ack), _) => acknowledge(ack, &Answer::to(name, &outcome)),
            (None, Ok(_)) => {}
            (None, Err(failure)) => {
                let key = inbound::client_message_id(&payload);
                let error_event = error_event(name, key, failure);
                if let Some(frame) = error_event.as_ref().and_then(|told| told.frame()) {
                    lost(self.socket.send_answer(frame));
                }
            }
        }
    }

    async fn disconnected(self: Box<Self>, reason: DisconnectReason) {
        let parting = self.session.end(&reason);
        if let Some(hold) = self.hold {
            hold.release(parting);
        }
    }
}

fn acknowledge(ack: Acknowledger, answer: &Answer<'_>) {
    lost(ack.send(answer));
}

/// An answer does not reach a client that is gone or too slow; it asks again under the same key.
fn lost(sent: Result<(), EmitError>) {
    if let Err(error) = sent {
        tracing::debug!(%error, "an answer did not reach its session");
    }
}
