//! A client that may come back: for the first time, or again.

use std::sync::Arc;

use socketio::{Accepted, Frame, RecoveryRequest, Socket};

use super::{
    super::{
        outbound,
        recovery::{LastState, RecoveryKey, RecoveryTokenIssuer, SessionLease, VerifiedRecovery},
        session::{AuthenticatedClient, Session},
        subscriptions::Subscriptions,
        told::OutgoingEvent,
    },
    MessagingNamespace,
    handler::SocketSession,
    outlet::SocketEventSink,
    tenant::{ActiveSession, PendingTakeover},
};
use crate::failure::Failure;

/// One client at the door.
pub(super) struct ConnectHandler<'a> {
    pub(super) door: &'a MessagingNamespace,
    pub(super) key: &'a RecoveryKey,
    pub(super) socket: Socket,
}

impl ConnectHandler<'_> {
    /// Lets the client go on where it was, if it proves that and it can be told what it missed;
    /// else it begins anew, and is told so if it was here before.
    pub(super) async fn receive(
        self,
        admitted: AuthenticatedClient,
        request: Option<&RecoveryRequest>,
    ) -> Result<Accepted, Failure> {
        let claim =
            request.and_then(|request| VerifiedRecovery::check(self.key, admitted.user(), request));
        match claim.filter(|claim| self.is_free(claim)) {
            Some(claim) => self.go_on(admitted, claim).await,
            None => self.begin(admitted, request.is_some()),
        }
    }

    /// Whether nobody is this session, or only one that a client which lost its connection would
    /// leave behind.
    fn is_free(&self, claim: &VerifiedRecovery) -> bool {
        let MessagingNamespace { context, holders } = self.door;
        let tenant = holders.tenant(&claim.socket_id);
        tenant.is_none_or(|tenant| tenant.may_be_replaced(context.clock.now()))
    }

    async fn go_on(
        self,
        admitted: AuthenticatedClient,
        mut claim: VerifiedRecovery,
    ) -> Result<Accepted, Failure> {
        let MessagingNamespace { context, holders } = self.door;
        let ticket = self.ticket(&claim.socket_id, &admitted);
        let is_held = holders.tenant(&claim.socket_id).is_some();
        let admitted = if is_held { admitted.in_place_of_another() } else { admitted };
        let session = self.enter(admitted, &ticket)?;
        let (hold, former) = holders.take(&claim.socket_id, self.tenant(&session));
        let former = former.map(|former| former.leaving(&context.hub));
        if let Some(rooms) = former.as_ref().and_then(PendingTakeover::rooms) {
            let at = context.clock.now();
            holders.remember(&claim.socket_id, LastState { rooms, at });
        }
        if let Some(parting) = holders.recall(&claim.socket_id) {
            claim.corrected_by(&parting);
        }
        let restored = session.restore(&claim.subscriptions, claim.at).await;
        // Not before its successor is in its rooms: nobody need hear that it went.
        drop(former);
        match restored {
            Ok(Some(replay)) => {
                let frames = frames(&ticket, &claim, &replay);
                let accepted = self.accept(session, &ticket, hold);
                Ok(accepted.recovered(claim.socket_id, frames))
            }
            Ok(None) => {
                drop(hold);
                self.begin(session.release(), true)
            }
            Err(failure) => {
                session.end(&"it could not be restored");
                Err(failure)
            }
        }
    }

    fn begin(self, admitted: AuthenticatedClient, was_here: bool) -> Result<Accepted, Failure> {
        let socket_id = self.socket.id().to_string();
        let ticket = self.ticket(&socket_id, &admitted);
        let session = self.enter(admitted, &ticket)?;
        let (hold, _nobody) = self.door.holders.take(&socket_id, self.tenant(&session));
        if was_here && let Some(told) = outbound::resync(None) {
            session.tell(&told);
        }
        Ok(self.accept(session, &ticket, hold))
    }

    fn tenant(&self, session: &Session) -> ActiveSession {
        let since = self.door.context.clock.now();
        ActiveSession { key: session.key(), socket: self.socket.clone(), since }
    }

    fn ticket(&self, socket_id: &str, admitted: &AuthenticatedClient) -> RecoveryTokenIssuer {
        let clock = self.door.context.clock.clone();
        RecoveryTokenIssuer::new(self.key.clone(), socket_id, admitted.user().clone(), clock)
    }

    fn enter(
        &self,
        admitted: AuthenticatedClient,
        ticket: &RecoveryTokenIssuer,
    ) -> Result<Session, Failure> {
        let (socket, ticket) = (self.socket.clone(), Some(ticket.clone()));
        Session::enter(&self.door.context, admitted, Arc::new(SocketEventSink { socket, ticket }))
    }

    fn accept(
        self,
        session: Session,
        ticket: &RecoveryTokenIssuer,
        hold: SessionLease<ActiveSession>,
    ) -> Accepted {
        let socket = self.socket;
        let accepted = Accepted::new(SocketSession { session, socket, hold: Some(hold) });
        accepted.with_pid(ticket.pid())
    }
}

/// What is told again, each with its offset. As long as not all of it was received, what happened
/// elsewhere has to be looked for as of the moment of the cut.
fn frames(
    ticket: &RecoveryTokenIssuer,
    claim: &VerifiedRecovery,
    replay: &[(OutgoingEvent, Subscriptions)],
) -> Vec<Frame> {
    let framed = replay.iter().filter_map(|(told, subscriptions)| {
        let offset = ticket.offset_as_of(subscriptions, claim.at);
        Some(told.frame()?.offset_by(&offset))
    });
    framed.collect()
}
