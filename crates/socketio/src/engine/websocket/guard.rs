//! Looks at the headers of WebSocket frames before `actix-ws` collects their payload.
//!
//! `actix-ws` refuses an oversized frame only once all of it is in memory; a header that announces
//! gigabytes would be believed. Here it is refused when its header is read, and with it
//! everything else that must close the connection with a code of its own.

use std::{
    cell::Cell,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use actix_web::{error::PayloadError, web};
use bytes::Bytes;
use futures_util::Stream;

use super::{inflate::Inflate, scan::FrameScanner};
use crate::engine::Fault;

/// Passes bytes on up to the first fault, which it leaves in a cell before it ends the stream, so
/// that every message before the fault is still read.
pub(super) struct FrameLimiter {
    payload: web::Payload,
    /// Where the client may compress its messages.
    inflate: Option<Inflate>,
    scan: FrameScanner,
    fault: Rc<Cell<Option<Fault>>>,
}

impl FrameLimiter {
    pub(super) fn new(
        payload: web::Payload,
        max_message_bytes: usize,
        is_compressed: bool,
        fault: Rc<Cell<Option<Fault>>>,
    ) -> Self {
        let inflate = is_compressed.then(|| Inflate::new(max_message_bytes));
        Self { payload, inflate, scan: FrameScanner::new(max_message_bytes), fault }
    }
}

impl Stream for FrameLimiter {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.fault.get().is_some() {
            return Poll::Ready(None);
        }
        match std::task::ready!(Pin::new(&mut self.payload).poll_next(cx)) {
            Some(Ok(mut bytes)) => {
                if let Some(inflate) = &mut self.inflate {
                    let (plain, fault) = inflate.read(&bytes);
                    bytes = plain;
                    self.fault.set(fault);
                }
                if let Err((sound, fault)) = self.scan.read(&bytes) {
                    self.fault.set(Some(fault));
                    bytes.truncate(sound);
                }
                Poll::Ready(Some(Ok(bytes)))
            }
            // The client left without a word, which is an end like any other.
            Some(Err(PayloadError::Incomplete(None))) | None => Poll::Ready(None),
            Some(Err(_)) => {
                self.fault.set(Some(Fault::Broken));
                Poll::Ready(None)
            }
        }
    }
}
