//! What a session does when the application has done its part.

use super::{ConnectDeadline, Session, SessionEnd, work::Outcome};
use crate::{
    connect::{Accepted, Refusal, Welcome},
    frame::Frame,
    mailbox::Key,
    packet::{connect_error_text, connect_text},
    reason::DisconnectReason,
};

impl Session {
    pub(super) fn on_done(&mut self, (key, outcome): (Key, Outcome)) -> Result<(), SessionEnd> {
        let Some(member) = self.members.find(key) else {
            return Ok(());
        };
        match outcome {
            Outcome::Accepted(Accepted { handler, welcome }) => {
                member.accept(handler);
                self.admit(key, welcome)
            }
            Outcome::Refused(refusal) if refusal.is_final() => self.turn_away(key, &refusal),
            // An answer would be the last word; only a lost connection brings the client back.
            Outcome::Refused(_) | Outcome::Undecided => {
                self.link.remove(key);
                self.members.remove(key);
                Err(DisconnectReason::Unavailable.into())
            }
            Outcome::DecisionPanicked => {
                tracing::error!("a namespace panicked over a connect; its session ends");
                self.members.remove(key);
                Err(DisconnectReason::HandlerPanicked.into())
            }
            Outcome::Handled(handler) => {
                member.rest(handler);
                Ok(())
            }
            Outcome::HandlerPanicked(handler) => {
                tracing::error!("a handler panicked; its session ends");
                member.give_up(handler);
                Err(DisconnectReason::HandlerPanicked.into())
            }
            Outcome::Left => {
                self.members.remove(key);
                Ok(())
            }
        }
    }

    fn admit(&mut self, key: Key, welcome: Welcome) -> Result<(), SessionEnd> {
        let Some(member) = self.members.find(key) else {
            return Ok(());
        };
        let namespace = member.socket.shared_namespace();
        let sid = welcome.socket_id.as_deref().unwrap_or(member.socket.id().as_str());
        let pid = welcome.pid.as_deref().filter(|_| self.server.config.recovery);
        let text = connect_text(&namespace, sid, pid);
        let answer = Frame::of_text(namespace, text, Vec::new());
        let stays = self.link.admit(key, welcome.replay, answer)?;
        self.patience = ConnectDeadline::Rewarded;
        if !stays {
            self.members.dismiss(key);
        }
        Ok(())
    }

    fn turn_away(&mut self, key: Key, refusal: &Refusal) -> Result<(), SessionEnd> {
        self.link.remove(key);
        if let Some(member) = self.members.remove(key) {
            self.refuse(member.socket.namespace(), refusal)?;
        }
        self.check_patience()
    }

    /// Tells the client that it may not enter `namespace`.
    pub(super) fn refuse(&self, namespace: &str, refusal: &Refusal) -> Result<(), SessionEnd> {
        match connect_error_text(namespace, &refusal.message, refusal.data.as_ref()) {
            Ok(text) => {
                let answer = Frame::of_text(namespace.into(), text, Vec::new());
                Ok(self.link.answer(answer)?)
            }
            Err(error) => {
                tracing::error!(%error, "a refusal has no JSON form; its session ends");
                Err(DisconnectReason::HandlerPanicked.into())
            }
        }
    }
}
