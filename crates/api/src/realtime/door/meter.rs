//! Bounds what a client may send before it has said one whole message.
//!
//! The WebSocket reader collects a frame in memory before it looks at its length, so a header that
//! announces gigabytes would be believed; here the bytes are counted on their way in.

use std::{
    cell::Cell,
    pin::Pin,
    rc::Rc,
    task::{self, Poll, ready},
};

use actix_web::{error::PayloadError, web};
use bytes::Bytes;
use futures_util::Stream;

/// What may arrive together with the end of a message: the beginning of the next ones, and headers.
const SLACK_BYTES: usize = 131_072;

/// Passes bytes on, until there are too many since the last whole message.
pub(super) struct ByteBudget {
    payload: web::Payload,
    bytes_max: usize,
    gauge: ByteGauge,
}

/// Counts the bytes since the last whole message.
#[derive(Clone, Default)]
pub(super) struct ByteGauge(Rc<Cell<usize>>);

impl ByteGauge {
    /// A message is whole.
    pub(super) fn reset(&self) {
        self.0.set(0);
    }
}

impl ByteBudget {
    pub(super) fn new(payload: web::Payload, message_bytes_max: usize) -> Self {
        let bytes_max = message_bytes_max.saturating_add(SLACK_BYTES);
        Self { payload, bytes_max, gauge: ByteGauge::default() }
    }

    pub(super) fn gauge(&self) -> ByteGauge {
        self.gauge.clone()
    }
}

impl Stream for ByteBudget {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Option<Self::Item>> {
        let next = ready!(Pin::new(&mut self.payload).poll_next(cx));
        if let Some(Ok(bytes)) = &next {
            let counted = self.gauge.0.get().saturating_add(bytes.len());
            self.gauge.0.set(counted);
            if counted > self.bytes_max {
                return Poll::Ready(Some(Err(PayloadError::Overflow)));
            }
        }
        Poll::Ready(next)
    }
}
