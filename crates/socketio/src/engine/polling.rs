//! The polling transport: answers for the GET that waits, packets from the POST that came.

mod ending;

use std::time::Duration;

use bytes::Bytes;
use tokio::{
    sync::{mpsc, oneshot},
    task::coop::consume_budget,
    time::{Instant, sleep_until},
};

use super::{
    ClosePlan, Disconnected, Fault, Handoff, Incoming, Transport,
    door::Request,
    packet::{NOOP, PING},
    payload::{Part, Parts, push_frame, push_text},
};
use crate::{config::Config, link::SessionHandle, mailbox::Outgoing};

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
    heir: Option<Handoff>,
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
            heir: None,
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
            Some(Request::Upgrade(heir)) => {
                self.heir = Some(heir);
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
            Some(Request::Get(_) | Request::Post(..)) if self.heir.is_some() => Incoming::Nothing,
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
            && let Some(heir) = self.heir.take()
        {
            return Incoming::Upgrade(heir);
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
