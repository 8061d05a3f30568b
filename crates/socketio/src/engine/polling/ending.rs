//! How a polling session ends: whoever polls is told, also somebody who comes a little later.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::Polling;
use crate::{
    engine::{
        ClosePlan,
        door::Request,
        packet::{CLOSE, NOOP},
        payload::{push_frame, push_text},
    },
    link::SessionHandle,
    mailbox::Outgoing,
};

/// How long the GET that a client sent ahead of its close may come in behind it: the two are on
/// connections of their own.
const OVERTAKEN_GET: Duration = Duration::from_secs(2);

impl Polling {
    pub(super) async fn end(mut self, farewell: ClosePlan, link: &SessionHandle) {
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
        (self.fresh, self.post, self.heir) = (None, None, None);
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
