//! The way into a polling session, for requests that may be on any thread.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use bytestring::ByteString;
use tokio::sync::{mpsc, oneshot};

use crate::session::Session;

/// Requests that may wait for the session. A client in order has three at most.
const MAX_REQUESTS: usize = 8;

/// Where a session goes when another transport takes over.
pub(crate) type Handoff = oneshot::Sender<Session>;

/// What is asked of a polling session. One whose answer is dropped unsent was in vain.
#[derive(Debug)]
pub(crate) enum Request {
    /// Wants packets.
    Get(oneshot::Sender<String>),
    /// Brings packets, and wants to know when they are taken in.
    Post(ByteString, oneshot::Sender<()>),
    /// Broke the rules of the transport.
    Misuse,
    /// A WebSocket has, or has not after all, passed the probe.
    Probed(bool),
    /// The WebSocket takes over.
    Upgrade(Handoff),
}

/// The outer side of a polling session.
#[derive(Debug)]
pub(crate) struct PollingHandle {
    requests: mpsc::Sender<Request>,
    is_posting: AtomicBool,
    is_upgrading: AtomicBool,
}

/// The right to be the only one doing something, given back when dropped.
#[derive(Debug)]
pub(crate) struct Claim {
    door: Arc<PollingHandle>,
    flag: fn(&PollingHandle) -> &AtomicBool,
}

impl PollingHandle {
    /// A door, and the end at which the session listens.
    pub(crate) fn new() -> (Arc<Self>, mpsc::Receiver<Request>) {
        let (requests, listener) = mpsc::channel(MAX_REQUESTS);
        let door = Self {
            requests,
            is_posting: AtomicBool::new(false),
            is_upgrading: AtomicBool::new(false),
        };
        (Arc::new(door), listener)
    }

    /// Waits for packets. `None` when the session has none for this request, and never will.
    pub(crate) async fn get(&self) -> Option<String> {
        let (answer, packets) = oneshot::channel();
        self.ask(Request::Get(answer)).await;
        packets.await.ok()
    }

    /// Hands packets over. `false` when the session did not take them in.
    pub(crate) async fn post(&self, body: ByteString) -> bool {
        let (answer, taken) = oneshot::channel();
        self.ask(Request::Post(body, answer)).await;
        taken.await.is_ok()
    }

    /// Ends the session, for its client broke the rules.
    pub(crate) async fn misuse(&self) {
        self.ask(Request::Misuse).await;
    }

    pub(crate) async fn probed(&self, passed: bool) {
        self.ask(Request::Probed(passed)).await;
    }

    /// Takes the session out of polling. `None` when it ended first.
    pub(crate) async fn upgrade(&self) -> Option<Session> {
        let (heir, session) = oneshot::channel();
        self.ask(Request::Upgrade(heir)).await;
        session.await.ok()
    }

    /// Waits until the session is over, or has left for another transport.
    pub(crate) async fn closed(&self) {
        self.requests.closed().await;
    }

    /// The right to send packets. One request at a time has it.
    pub(crate) fn claim_post(self: &Arc<Self>) -> Option<Claim> {
        self.claim(|door| &door.is_posting)
    }

    /// The right to be the WebSocket that takes over.
    pub(crate) fn claim_upgrade(self: &Arc<Self>) -> Option<Claim> {
        self.claim(|door| &door.is_upgrading).filter(|_| !self.requests.is_closed())
    }

    fn claim(self: &Arc<Self>, flag: fn(&Self) -> &AtomicBool) -> Option<Claim> {
        let was_taken = flag(self).swap(true, Ordering::AcqRel);
        (!was_taken).then(|| Claim { door: Arc::clone(self), flag })
    }

    /// A session that is gone drops the request, and with it the means to answer.
    async fn ask(&self, request: Request) {
        drop(self.requests.send(request).await);
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        (self.flag)(&self.door).store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_right_is_one_requests_at_a_time() {
        let (door, _listener) = PollingHandle::new();
        let first = door.claim_post().expect("free");
        assert!(door.claim_post().is_none());
        assert!(door.claim_upgrade().is_some(), "another right");
        drop(first);
        assert!(door.claim_post().is_some());
    }

    #[test]
    fn nobody_takes_over_from_a_session_that_is_gone() {
        let (door, listener) = PollingHandle::new();
        drop(listener);
        assert!(door.claim_upgrade().is_none());
    }

    #[tokio::test]
    async fn a_request_to_a_session_that_is_gone_is_in_vain() {
        let (door, listener) = PollingHandle::new();
        drop(listener);
        assert_eq!(door.get().await, None);
        assert!(!door.post("4x".into()).await);
    }
}
