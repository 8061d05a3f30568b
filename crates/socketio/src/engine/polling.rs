//! The polling transport: answers for the GET that waits, packets from the POST that came.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
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

/// How long a GET without packets is held while a WebSocket is about to take over. If it takes over
/// meanwhile, the GET came too late; if not, its client waits for the GET to end.
const PROBED_GET: Duration = Duration::from_millis(100);

/// The session's side of polling.
#[derive(Debug)]
pub(crate) struct Polling {
    requests: mpsc::Receiver<Request>,
    /// A request not yet seen to.
    fresh: Option<Request>,
    held: Option<Held>,
    post: Option<Post>,
    handoff: Option<Handoff>,
    is_probed: bool,
    owes_ping: bool,
    tombstone: Duration,
}

/// A GET that waits for packets.
#[derive(Debug)]
struct Held {
    answer: oneshot::Sender<String>,
    until: Option<Instant>,
}

/// A POST whose packets are being taken in.
#[derive(Debug)]
struct Post {
    parts: Parts,
    taken: oneshot::Sender<()>,
}

impl Polling {
    pub(crate) fn new(requests: mpsc::Receiver<Request>, config: &Config) -> Self {
        Self {
            requests,
            fresh: None,
            held: None,
            post: None,
            handoff: None,
            is_probed: false,
            owes_ping: false,
            tombstone: Duration::from_millis(config.polling_tombstone_ms),
        }
    }

    /// Sees to the request that came last.
    fn settle(&mut self) {
        match self.fresh.take() {
            None | Some(Request::Misuse) => {}
            Some(Request::Get(answer)) => {
                let until = self.is_probed.then(|| Instant::now() + PROBED_GET);
                self.held = Some(Held { answer, until });
            }
            Some(Request::Post(body, taken)) => {
                self.post = Some(Post { parts: Parts::of(body), taken });
            }
            Some(Request::Probed(passed)) => {
                self.is_probed = passed;
                if let Some(held) = &mut self.held {
                    held.until = passed.then(Instant::now);
                }
            }
            Some(Request::Upgrade(handoff)) => {
                self.handoff = Some(handoff);
                self.held = None;
            }
        }
    }

    fn on_request(&mut self, request: Option<Request>) -> Incoming {
        match request {
            None => Incoming::Closed,
            Some(Request::Get(_)) if self.held.is_some() => Incoming::Fault(Fault::Protocol),
            Some(Request::Misuse) => Incoming::Fault(Fault::Protocol),
            // It came after the WebSocket took over, and harms nobody.
            Some(Request::Get(_) | Request::Post(..)) if self.handoff.is_some() => {
                Incoming::Nothing
            }
            Some(request) => {
                self.fresh = Some(request);
                Incoming::PollArrived
            }
        }
    }

    /// The next packet of the POST under way. After the last, its client is told.
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
            && post.taken.send(()).is_err()
        {
            tracing::trace!("a client did not wait to hear that its packets were taken in");
        }
    }
}

impl Transport for Polling {
    fn pump(&mut self, link: &SessionHandle) -> Result<(), Disconnected> {
        self.settle();
        let Some(held) = self.held.take() else {
            return Ok(());
        };
        let mut body = String::new();
        if std::mem::take(&mut self.owes_ping) {
            push_text(&mut body, PING);
        }
        while let Some(Outgoing { frame, .. }) = link.pop() {
            push_frame(&mut body, frame);
        }
        if body.is_empty() {
            if held.until.is_none_or(|until| Instant::now() < until) {
                self.held = Some(held);
                return Ok(());
            }
            push_text(&mut body, NOOP);
        }
        held.answer.send(body).map_err(|_| Disconnected)
    }

    /// A ping still waiting is as good as another one.
    fn ping(&mut self) -> Result<bool, Disconnected> {
        self.owes_ping = true;
        Ok(true)
    }

    fn pong(&mut self, _: Bytes) -> Result<(), Disconnected> {
        Ok(())
    }

    fn owes_ping(&self) -> bool {
        self.owes_ping
    }

    async fn next(&mut self, reads: bool) -> Incoming {
        if reads && self.post.is_some() {
            // A body may hold very many packets; others want to run as well.
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
            is_gone = over(self.held.as_mut()) => if is_gone { Incoming::Closed } else { Incoming::Nothing },
        }
    }

    async fn close(self, farewell: ClosePlan, link: &SessionHandle) {
        self.end(farewell, link).await;
    }
}

/// Waits until nobody waits for `held` any more (`true`), or its time is up.
async fn over(held: Option<&mut Held>) -> bool {
    let Some(Held { answer, until }) = held else {
        return std::future::pending().await;
    };
    let Some(until) = *until else {
        answer.closed().await;
        return true;
    };
    tokio::select! {
        () = answer.closed() => true,
        () = sleep_until(until) => false,
    }
}

// The way into a polling session, for requests that may be on any thread.

/// Requests that may wait for the session. A client in order has three at most.
const MAX_REQUESTS: usize = 8;

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
    pub(crate) async fn upgrade(&self) -> Option<Box<dyn Resumable>> {
        let (handoff, session) = oneshot::channel();
        self.ask(Request::Upgrade(handoff)).await;
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

// How a polling session ends: whoever polls is told, also somebody who comes a little later.

/// How long the GET that a client sent ahead of its close may come in behind it: the two are on
/// connections of their own.
const OVERTAKEN_GET: Duration = Duration::from_secs(2);

impl Polling {
    async fn end(mut self, farewell: ClosePlan, link: &SessionHandle) {
        if farewell.is_clients_wish {
            self.finish_post();
        }
        let words = last_words(farewell, link);
        link.discard();
        let unheard = match self.held.take() {
            Some(held) => held.answer.send(words).err(),
            None => Some(words),
        };
        let grave = self.grave(farewell, link);
        // Whatever else is under way is in vain, and its client must know at once.
        (self.fresh, self.post, self.handoff) = (None, None, None);
        if let (Some(words), Some(grave)) = (unheard, grave) {
            self.linger(words, grave, link).await;
        }
    }

    /// How long the last words are kept for a client that is not there to hear them.
    fn grave(&self, farewell: ClosePlan, link: &SessionHandle) -> Option<Duration> {
        if farewell.is_clients_wish {
            return Some(OVERTAKEN_GET);
        }
        let time = if link.is_shut() { farewell.patience } else { self.tombstone };
        farewell.drains.then_some(time)
    }

    /// Waits for one GET to tell it the last words. A server that stops meanwhile is not held up
    /// for a session that ended before.
    async fn linger(&mut self, mut words: String, time: Duration, link: &SessionHandle) {
        let (until, was_shut) = (Instant::now() + time, link.is_shut());
        loop {
            let request = tokio::select! {
                request = timeout_at(until, self.requests.recv()) => request,
                () = link.changed() => {
                    if link.is_shut() && !was_shut {
                        return;
                    }
                    continue;
                }
            };
            match request {
                Ok(Some(Request::Get(answer))) => match answer.send(words) {
                    Ok(()) => return,
                    Err(unheard) => words = unheard,
                },
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => return,
            }
        }
    }
}

fn last_words(farewell: ClosePlan, link: &SessionHandle) -> String {
    if farewell.is_clients_wish {
        return NOOP.to_owned();
    }
    let mut words = String::new();
    if farewell.drains {
        while let Some(Outgoing { frame, .. }) = link.pop() {
            push_frame(&mut words, frame);
        }
    }
    push_text(&mut words, CLOSE);
    words
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
