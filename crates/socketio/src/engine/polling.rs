//! The HTTP long-polling transport: a waiting GET receives packets, a POST delivers them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use bytestring::ByteString;
use tokio::{
    sync::{mpsc, oneshot},
    task::coop::consume_budget,
    time::{Instant, sleep_until, timeout_at},
};

use super::{
    ClosePlan, Disconnected, Fault, Handoff, Incoming, Resumable, Transport,
    packet::{CLOSE, NOOP, PING, Part, Parts, push_frame, push_text},
};
use crate::{
    config::Config,
    mailbox::{Outgoing, SessionHandle},
};

/// How long a GET without packets waits once a WebSocket has passed the probe: the client upgrades
/// only after its pending GET has ended. If the upgrade happens first, the GET is refused.
const PROBED_GET_TIMEOUT: Duration = Duration::from_millis(100);

/// The transport as the session task sees it.
#[derive(Debug)]
pub(crate) struct Polling {
    requests: mpsc::Receiver<Request>,
    /// The latest request, applied at the next [`Transport::pump`].
    unhandled: Option<Request>,
    waiting_get: Option<WaitingGet>,
    post: Option<Post>,
    handoff: Option<Handoff>,
    is_probed: bool,
    has_pending_ping: bool,
    tombstone: Duration,
    max_body_bytes: Arc<AtomicUsize>,
}

/// A GET that waits for packets.
#[derive(Debug)]
struct WaitingGet {
    answer: oneshot::Sender<String>,
    noop_at: Option<Instant>,
}

/// A POST whose packets are being processed.
#[derive(Debug)]
struct Post {
    parts: Parts,
    done: oneshot::Sender<()>,
}

impl Polling {
    pub(crate) fn new(
        requests: mpsc::Receiver<Request>,
        handle: &PollingHandle,
        config: &Config,
    ) -> Self {
        Self {
            requests,
            unhandled: None,
            waiting_get: None,
            post: None,
            handoff: None,
            is_probed: false,
            has_pending_ping: false,
            tombstone: Duration::from_millis(config.polling_tombstone_ms),
            max_body_bytes: Arc::clone(&handle.max_body_bytes),
        }
    }

    /// Applies the latest request.
    fn apply_request(&mut self) {
        match self.unhandled.take() {
            None | Some(Request::ProtocolViolation) => {}
            Some(Request::Get(answer)) => {
                let noop_at = self.is_probed.then(|| Instant::now() + PROBED_GET_TIMEOUT);
                self.waiting_get = Some(WaitingGet { answer, noop_at });
            }
            Some(Request::Post(body, done)) => {
                self.post = Some(Post { parts: Parts::of(body), done });
            }
            Some(Request::Probed(passed)) => {
                self.is_probed = passed;
                if let Some(waiting_get) = &mut self.waiting_get {
                    waiting_get.noop_at = passed.then(Instant::now);
                }
            }
            Some(Request::Upgrade(handoff)) => {
                self.handoff = Some(handoff);
                self.waiting_get = None;
            }
        }
    }

    fn on_request(&mut self, request: Option<Request>) -> Incoming {
        match request {
            None => Incoming::Closed,
            Some(Request::Get(_)) if self.waiting_get.is_some() => Incoming::Fault(Fault::Protocol),
            Some(Request::ProtocolViolation) => Incoming::Fault(Fault::Protocol),
            // A late request of a client that has upgraded: refused, without ending the session.
            Some(Request::Get(_) | Request::Post(..)) if self.handoff.is_some() => {
                Incoming::Nothing
            }
            Some(request) => {
                self.unhandled = Some(request);
                Incoming::PollArrived
            }
        }
    }

    /// The next packet of the current POST. After the last one, the POST is answered.
    fn next_packet(&mut self) -> Option<Incoming> {
        match self.post.as_mut()?.parts.next() {
            Some(Ok(Part::Text(text))) => Some(Incoming::Text(text)),
            Some(Ok(Part::Binary(bytes))) => Some(Incoming::Binary(bytes)),
            Some(Err(error)) => Some(Incoming::Malformed(error)),
            None => {
                self.finish_post();
                None
            }
        }
    }

    fn finish_post(&mut self) {
        if let Some(post) = self.post.take()
            && post.done.send(()).is_err()
        {
            tracing::trace!("a client did not wait for the response to its POST");
        }
    }
}

impl Transport for Polling {
    fn pump(&mut self, session: &SessionHandle) -> Result<(), Disconnected> {
        self.apply_request();
        let Some(waiting_get) = self.waiting_get.take() else {
            return Ok(());
        };
        let mut body = String::new();
        if std::mem::take(&mut self.has_pending_ping) {
            push_text(&mut body, PING);
        }
        while let Some(Outgoing { frame, .. }) = session.pop() {
            push_frame(&mut body, frame);
        }
        if body.is_empty() {
            if waiting_get.noop_at.is_none_or(|noop_at| Instant::now() < noop_at) {
                self.waiting_get = Some(waiting_get);
                return Ok(());
            }
            push_text(&mut body, NOOP);
        }
        waiting_get.answer.send(body).map_err(|_| Disconnected)
    }

    /// The bound applies to the body of the next POST.
    fn bound_messages(&mut self, max_bytes: usize) {
        self.max_body_bytes.store(max_bytes, Ordering::Relaxed);
    }

    /// A pending ping stands for any number of pings.
    fn ping(&mut self) -> Result<bool, Disconnected> {
        self.has_pending_ping = true;
        Ok(true)
    }

    fn pong(&mut self, _: Bytes) -> Result<(), Disconnected> {
        Ok(())
    }

    fn has_pending_ping(&self) -> bool {
        self.has_pending_ping
    }

    async fn next(&mut self, reads: bool) -> Incoming {
        if reads && self.post.is_some() {
            // A body may hold very many packets: yield to other tasks.
            consume_budget().await;
            if let Some(packet) = self.next_packet() {
                return packet;
            }
        }
        if self.post.is_none()
            && let Some(handoff) = self.handoff.take()
        {
            return Incoming::Upgrade(handoff);
        }
        tokio::select! {
            request = self.requests.recv() => self.on_request(request),
            is_gone = get_ended(self.waiting_get.as_mut()) => if is_gone { Incoming::Closed } else { Incoming::Nothing },
        }
    }

    async fn close(self, plan: ClosePlan, session: &SessionHandle) {
        self.finish(plan, session).await;
    }
}

/// Waits until the client has given up the GET (`true`), or until its NOOP is due (`false`).
async fn get_ended(waiting_get: Option<&mut WaitingGet>) -> bool {
    let Some(WaitingGet { answer, noop_at }) = waiting_get else {
        return std::future::pending().await;
    };
    let Some(noop_at) = *noop_at else {
        answer.closed().await;
        return true;
    };
    tokio::select! {
        () = answer.closed() => true,
        () = sleep_until(noop_at) => false,
    }
}

// The handle through which HTTP requests, on any thread, reach a polling session.

/// Requests that may be queued for the session. A correct client has at most three.
const MAX_REQUESTS: usize = 8;

/// A request to a polling session. Dropping its sender unanswered refuses it.
#[derive(Debug)]
pub(crate) enum Request {
    /// A GET: wants packets.
    Get(oneshot::Sender<String>),
    /// A POST: delivers packets, and is answered when they are processed.
    Post(ByteString, oneshot::Sender<()>),
    /// A request that violates the transport protocol: ends the session.
    ProtocolViolation,
    /// A WebSocket has passed the probe (`true`), or has failed to upgrade after it (`false`).
    Probed(bool),
    /// The WebSocket takes over.
    Upgrade(Handoff),
}

/// The handle to a polling session for its HTTP requests.
#[derive(Debug)]
pub(crate) struct PollingHandle {
    requests: mpsc::Sender<Request>,
    is_posting: AtomicBool,
    is_upgrading: AtomicBool,
    /// Maximum bytes of the body of a POST.
    max_body_bytes: Arc<AtomicUsize>,
}

/// Marks a POST or an upgrade as running. Only one of each may run; released when dropped.
#[derive(Debug)]
pub(crate) struct ExclusiveGuard {
    handle: Arc<PollingHandle>,
    flag: fn(&PollingHandle) -> &AtomicBool,
}

impl PollingHandle {
    /// A handle, and the receiver of its requests for the session.
    pub(crate) fn new(max_body_bytes: usize) -> (Arc<Self>, mpsc::Receiver<Request>) {
        let (requests, listener) = mpsc::channel(MAX_REQUESTS);
        let handle = Self {
            requests,
            is_posting: AtomicBool::new(false),
            is_upgrading: AtomicBool::new(false),
            max_body_bytes: Arc::new(AtomicUsize::new(max_body_bytes)),
        };
        (Arc::new(handle), listener)
    }

    /// Maximum bytes of the body of a POST: fewer before a namespace is connected.
    pub(crate) fn max_body_bytes(&self) -> usize {
        self.max_body_bytes.load(Ordering::Relaxed)
    }

    /// Waits for packets. `None` when the session refuses the request or has ended.
    pub(crate) async fn get(&self) -> Option<String> {
        let (answer, packets) = oneshot::channel();
        self.send(Request::Get(answer)).await;
        packets.await.ok()
    }

    /// Delivers packets. `false` when the session did not process all of them.
    pub(crate) async fn post(&self, body: ByteString) -> bool {
        let (answer, done) = oneshot::channel();
        self.send(Request::Post(body, answer)).await;
        done.await.is_ok()
    }

    /// Ends the session because its client violated the protocol.
    pub(crate) async fn protocol_violation(&self) {
        self.send(Request::ProtocolViolation).await;
    }

    pub(crate) async fn probed(&self, passed: bool) {
        self.send(Request::Probed(passed)).await;
    }

    /// Takes over the session from polling. `None` when it ended first.
    pub(crate) async fn upgrade(&self) -> Option<Box<dyn Resumable>> {
        let (handoff, session) = oneshot::channel();
        self.send(Request::Upgrade(handoff)).await;
        session.await.ok()
    }

    /// Waits until the session has ended or moved to another transport.
    pub(crate) async fn closed(&self) {
        self.requests.closed().await;
    }

    /// Begins a POST. `None` while another one is running.
    pub(crate) fn try_acquire_post(self: &Arc<Self>) -> Option<ExclusiveGuard> {
        self.try_acquire(|handle| &handle.is_posting)
    }

    /// Begins an upgrade. `None` while another one is running, or when the session is gone.
    pub(crate) fn try_acquire_upgrade(self: &Arc<Self>) -> Option<ExclusiveGuard> {
        self.try_acquire(|handle| &handle.is_upgrading).filter(|_| !self.requests.is_closed())
    }

    fn try_acquire(self: &Arc<Self>, flag: fn(&Self) -> &AtomicBool) -> Option<ExclusiveGuard> {
        let was_held = flag(self).swap(true, Ordering::AcqRel);
        (!was_held).then(|| ExclusiveGuard { handle: Arc::clone(self), flag })
    }

    /// If the session is gone, the request is dropped, which refuses it.
    async fn send(&self, request: Request) {
        drop(self.requests.send(request).await);
    }
}

impl Drop for ExclusiveGuard {
    fn drop(&mut self) {
        (self.flag)(&self.handle).store(false, Ordering::Release);
    }
}

// How a polling session ends: the closing packets go to the waiting GET, or to one that comes later.

/// How long to wait, after a client's close, for the GET that it sent before: GET and POST use
/// different connections, so the close may arrive first.
const OVERTAKEN_GET_TIMEOUT: Duration = Duration::from_secs(2);

impl Polling {
    async fn finish(mut self, plan: ClosePlan, session: &SessionHandle) {
        if plan.is_client_close {
            self.finish_post();
        }
        let packets = closing_packets(plan, session);
        session.discard();
        let undelivered = match self.waiting_get.take() {
            Some(waiting_get) => waiting_get.answer.send(packets).err(),
            None => Some(packets),
        };
        let tombstone_time = self.tombstone_time(plan, session);
        // Refuses the other pending requests at once.
        (self.unhandled, self.post, self.handoff) = (None, None, None);
        if let (Some(packets), Some(tombstone_time)) = (undelivered, tombstone_time) {
            self.linger(packets, tombstone_time, session).await;
        }
    }

    /// How long the closing packets are kept for a client that has no waiting GET.
    fn tombstone_time(&self, plan: ClosePlan, session: &SessionHandle) -> Option<Duration> {
        if plan.is_client_close {
            return Some(OVERTAKEN_GET_TIMEOUT);
        }
        let time = if session.is_shutting_down() { plan.timeout } else { self.tombstone };
        plan.drains.then_some(time)
    }

    /// Waits for one GET, to answer it with the closing packets. Gives up when the server starts to
    /// stop in the meantime, so that the shutdown is not delayed.
    async fn linger(&mut self, mut packets: String, time: Duration, session: &SessionHandle) {
        let (deadline, was_shutting_down) = (Instant::now() + time, session.is_shutting_down());
        loop {
            let request = tokio::select! {
                request = timeout_at(deadline, self.requests.recv()) => request,
                () = session.changed() => {
                    if session.is_shutting_down() && !was_shutting_down {
                        return;
                    }
                    continue;
                }
            };
            match request {
                Ok(Some(Request::Get(answer))) => match answer.send(packets) {
                    Ok(()) => return,
                    Err(undelivered) => packets = undelivered,
                },
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => return,
            }
        }
    }
}

fn closing_packets(plan: ClosePlan, session: &SessionHandle) -> String {
    if plan.is_client_close {
        return NOOP.to_owned();
    }
    let mut packets = String::new();
    if plan.drains {
        while let Some(Outgoing { frame, .. }) = session.pop() {
            push_frame(&mut packets, frame);
        }
    }
    push_text(&mut packets, CLOSE);
    packets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_post_and_one_upgrade_may_run_at_a_time() {
        let (handle, _listener) = PollingHandle::new(1_000);
        let first = handle.try_acquire_post().expect("free");
        assert!(handle.try_acquire_post().is_none());
        assert!(handle.try_acquire_upgrade().is_some(), "another right");
        drop(first);
        assert!(handle.try_acquire_post().is_some());
    }

    #[test]
    fn nobody_takes_over_from_a_session_that_is_gone() {
        let (handle, listener) = PollingHandle::new(1_000);
        drop(listener);
        assert!(handle.try_acquire_upgrade().is_none());
    }

    #[tokio::test]
    async fn a_request_to_a_session_that_is_gone_is_in_vain() {
        let (handle, listener) = PollingHandle::new(1_000);
        drop(listener);
        assert_eq!(handle.get().await, None);
        assert!(!handle.post("4x".into()).await);
    }
}
