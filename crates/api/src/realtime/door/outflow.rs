//! How much of what was said to a client its connection has not taken yet. `actix-ws` queues 32
//! messages of any size; counting their bytes bounds them, and leaves the others in the mailbox, where
//! they count as waiting.

use std::{
    cell::Cell,
    pin::Pin,
    rc::Rc,
    task::{self, Poll},
};

use actix_web::{
    HttpResponse,
    body::{BodySize, BoxBody, MessageBody},
};
use bytes::Bytes;
use tokio::sync::Notify;

/// Bytes in the queue from which on no further line is put there.
const BYTES_MAX: usize = 64 * 1024;

/// What is on its way to one client. Shared by the tasks of its connection, on one thread.
#[derive(Default)]
pub(super) struct Outflow {
    bytes: Cell<usize>,
    taken: Notify,
}

impl Outflow {
    /// Reports what the connection takes from the body of `response`.
    pub(super) fn watch(self: &Rc<Self>, response: HttpResponse) -> HttpResponse {
        let outflow = self.clone();
        response.map_body(|_, body| BoxBody::new(Watched { body, outflow }))
    }

    /// Waits until another line may be sent, or the connection has ended.
    pub(super) async fn room(&self) {
        while self.bytes.get() >= BYTES_MAX {
            self.taken.notified().await;
        }
    }

    /// A line of so many bytes is on its way.
    pub(super) fn add(&self, bytes: usize) {
        self.bytes.set(self.bytes.get() + bytes);
    }

    fn take_all(&self) {
        self.bytes.set(0);
        self.taken.notify_one();
    }
}

struct Watched {
    body: BoxBody,
    outflow: Rc<Outflow>,
}

impl MessageBody for Watched {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut task::Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let next = Pin::new(&mut self.body).poll_next(cx);
        // A chunk holds all that was in the queue.
        if next.is_ready() {
            self.outflow.take_all();
        }
        next
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.outflow.take_all();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn a_long_line_has_to_be_taken_before_another_follows() {
        let outflow = Rc::new(Outflow::default());
        assert!(outflow.room().now_or_never().is_some());
        outflow.add(BYTES_MAX);
        assert!(outflow.room().now_or_never().is_none());
        drop(Watched { body: BoxBody::new(()), outflow: outflow.clone() });
        assert!(outflow.room().now_or_never().is_some());
    }
}
