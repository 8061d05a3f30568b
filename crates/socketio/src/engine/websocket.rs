//! The WebSocket transport: one connection, cut into the half that reads and the half that writes.

mod deflate;
mod frame_header;
mod reader;
mod writer;

use std::{
    cell::{Cell, RefCell},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use actix_web::{
    FromRequest as _, HttpRequest, HttpResponse,
    body::{BodySize, BoxBody, MessageBody},
    dev,
    error::PayloadError,
    http::header::{HeaderMap, HeaderValue, SEC_WEBSOCKET_EXTENSIONS},
    web,
};
use actix_ws::CloseCode;
use bytes::Bytes;
use deflate::Inflate;
use futures_util::Stream;
use reader::{FrameScanner, Reader};
use tokio::time::timeout;
use writer::Writer;

use super::{ClosePlan, Disconnected, Fault, Incoming, Transport, packet::PING};
use crate::{config::Config, mailbox::SessionHandle};

/// A WebSocket that carries, or is about to carry, a session.
pub(crate) struct WebSocket {
    inlet: Reader,
    outlet: Writer,
}

/// Accepts a WebSocket. The response must be returned for anything to flow.
///
/// # Errors
/// When the request is no sound WebSocket handshake.
pub(crate) async fn accept(
    request: &HttpRequest,
    payload: web::Payload,
    config: &Config,
) -> Result<(HttpResponse, WebSocket), actix_web::Error> {
    let max_payload_bytes = config.max_payload_bytes;
    let is_compressed = config.compression && is_acceptable(request.headers());
    let fault = Rc::new(Cell::new(None));
    let guard = FrameLimiter::new(payload, max_payload_bytes, is_compressed, Rc::clone(&fault));
    let mut guarded: dev::Payload = dev::Payload::Stream { payload: Box::pin(guard) };
    let guarded = web::Payload::from_request(request, &mut guarded).await?;

    let (mut response, session, stream) = actix_ws::handle(request, guarded)?;
    let stream = stream
        .max_frame_size(max_payload_bytes)
        .aggregate_continuations()
        .max_continuation_size(max_payload_bytes);

    if is_compressed {
        response.headers_mut().insert(SEC_WEBSOCKET_EXTENSIONS, ACCEPTED);
        response = deflate::deflated(response);
    }
    let gauge = Rc::new(OutputGauge::default());
    let response = watch(response, Rc::clone(&gauge));
    let (inlet, outlet) = (Reader::new(stream, fault), Writer::new(session, gauge));
    Ok((response, WebSocket { inlet, outlet }))
}

impl WebSocket {
    /// Sends a text ahead of every waiting frame.
    ///
    /// # Errors
    /// [`Disconnected`].
    pub(crate) fn say(&mut self, text: &'static str) -> Result<bool, Disconnected> {
        self.outlet.urgent_text(text)
    }

    /// Closes a connection that never carried the session.
    pub(crate) fn reject(self) {
        self.outlet.close(CloseCode::Policy);
    }
}

impl Transport for WebSocket {
    fn pump(&mut self, link: &SessionHandle) -> Result<(), Disconnected> {
        self.outlet.pump(|| link.pop())
    }

    fn ping(&mut self) -> Result<bool, Disconnected> {
        self.say(PING)
    }

    fn pong(&mut self, bytes: Bytes) -> Result<(), Disconnected> {
        self.outlet.pong(bytes).map(drop)
    }

    fn owes_ping(&self) -> bool {
        false
    }

    async fn next(&mut self, reads: bool) -> Incoming {
        let Self { inlet, outlet } = self;
        tokio::select! {
            () = outlet.room(), if !outlet.is_ready() => Incoming::Nothing,
            () = outlet.gone(), if !reads => Incoming::Closed,
            incoming = inlet.next(), if reads => incoming,
        }
    }

    async fn close(self, farewell: ClosePlan, link: &SessionHandle) {
        let Self { inlet, mut outlet } = self;
        drop(inlet);
        if farewell.drains && timeout(farewell.patience, drain(&mut outlet, link)).await.is_err() {
            tracing::debug!("a session closed before everything was sent");
        }
        link.discard();
        outlet.close(farewell.code);
    }
}

async fn drain(outlet: &mut Writer, link: &SessionHandle) {
    while outlet.pump(|| link.pop()).is_ok() {
        if link.is_idle() && outlet.is_empty() {
            return;
        }
        outlet.room().await;
    }
}

// Knows how much of what was sent the connection has not taken yet.
//
// `actix-ws` queues 32 messages of any size without saying how many are in the queue. Counting
// them bounds the bytes in it, keeps a ping from waiting behind megabytes, and lets a session send
// without ever waiting.

/// Data messages in flight at most. The queue holds 32, and may be left half empty when the
/// runtime makes the connection yield, so this and the control messages have to fit twice.
const MAX_DATA_MESSAGES: usize = 10;

/// Pings, pongs and the close in flight at most.
const MAX_CONTROL_MESSAGES: usize = 4;

/// Bytes in flight from which on no further data message is taken.
const MAX_BYTES: usize = 64 * 1024;

/// What is in flight on one connection.
#[derive(Debug, Default)]
struct OutputGauge {
    data_messages: Cell<usize>,
    control_messages: Cell<usize>,
    bytes: Cell<usize>,
    gone: Cell<bool>,
    waiting: RefCell<Option<Waker>>,
}

impl OutputGauge {
    /// Whether a further data message may be sent.
    fn has_room(&self) -> bool {
        self.data_messages.get() < MAX_DATA_MESSAGES && self.bytes.get() < MAX_BYTES
    }

    /// Whether a further ping or pong may be sent, with one place left for the close.
    fn has_control_room(&self) -> bool {
        self.control_messages.get() + 1 < MAX_CONTROL_MESSAGES
    }

    /// Whether the connection has ended.
    fn is_gone(&self) -> bool {
        self.gone.get()
    }

    fn add_data(&self, bytes: usize) {
        self.data_messages.set(self.data_messages.get() + 1);
        self.bytes.set(self.bytes.get() + bytes);
    }

    fn add_control(&self) {
        self.control_messages.set(self.control_messages.get() + 1);
    }

    /// Ready once there is room, or the connection has ended.
    fn poll_room(&self, cx: &Context<'_>) -> Poll<()> {
        if self.has_room() || self.is_gone() {
            return Poll::Ready(());
        }
        self.wait(cx)
    }

    /// Ready once the connection has ended.
    fn poll_gone(&self, cx: &Context<'_>) -> Poll<()> {
        if self.is_gone() {
            return Poll::Ready(());
        }
        self.wait(cx)
    }

    fn wait(&self, cx: &Context<'_>) -> Poll<()> {
        self.waiting.replace(Some(cx.waker().clone()));
        Poll::Pending
    }

    fn taken(&self) {
        self.data_messages.set(0);
        self.control_messages.set(0);
        self.bytes.set(0);
        self.wake();
    }

    fn wake(&self) {
        if let Some(waker) = self.waiting.take() {
            waker.wake();
        }
    }
}

/// Reports what the connection takes from the body of `response` to `gauge`.
fn watch(response: HttpResponse, gauge: Rc<OutputGauge>) -> HttpResponse {
    response.map_body(|_, body| BoxBody::new(Watched { body, gauge }))
}

struct Watched {
    body: BoxBody,
    gauge: Rc<OutputGauge>,
}

impl MessageBody for Watched {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let next = Pin::new(&mut self.body).poll_next(cx);
        // A chunk holds all that was in the queue.
        if next.is_ready() {
            self.gauge.taken();
        }
        next
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.gauge.gone.set(true);
        self.gauge.wake();
    }
}

// Looks at the headers of WebSocket frames before `actix-ws` collects their payload.
//
// `actix-ws` refuses an oversized frame only once all of it is in memory; a header that announces
// gigabytes would be believed. Here it is refused when its header is read, and with it
// everything else that must close the connection with a code of its own.

/// Passes bytes on up to the first fault, which it leaves in a cell before it ends the stream, so
/// that every message before the fault is still read.
struct FrameLimiter {
    payload: web::Payload,
    /// Where the client may compress its messages.
    inflate: Option<Inflate>,
    scan: FrameScanner,
    fault: Rc<Cell<Option<Fault>>>,
}

impl FrameLimiter {
    fn new(
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

// Whether a client can be met on compression (RFC 7692, 7.1).

/// What is agreed on: every message is compressed by itself, so that nothing is kept between
/// messages, and an idle connection costs nothing.
const ACCEPTED: HeaderValue = HeaderValue::from_static(
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
);

/// Whether any of the offers can be accepted in these terms.
fn is_acceptable(headers: &HeaderMap) -> bool {
    headers
        .get_all(SEC_WEBSOCKET_EXTENSIONS)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(suits)
}

fn suits(offer: &str) -> bool {
    let mut parts = offer.split(';').map(str::trim);
    parts.next() == Some("permessage-deflate") && parts.all(can_be_met)
}

/// A smaller window than the usual one cannot be had from the compressor.
fn can_be_met(parameter: &str) -> bool {
    let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
    match (name.trim(), value.trim().trim_matches('"')) {
        ("server_no_context_takeover" | "client_no_context_takeover", "") => true,
        ("client_max_window_bits", bits) => {
            bits.is_empty() || bits.parse().is_ok_and(|bits: u8| (8..=15).contains(&bits))
        }
        ("server_max_window_bits", bits) => bits == "15",
        _ => false,
    }
}

#[cfg(test)]
mod gauge_tests {
    use super::*;

    #[test]
    fn bytes_fill_the_gauge_before_messages_do_when_they_are_large() {
        let gauge = OutputGauge::default();
        gauge.add_data(MAX_BYTES);
        assert!(!gauge.has_room());
        gauge.taken();
        (0..MAX_DATA_MESSAGES).for_each(|_| gauge.add_data(1));
        assert!(!gauge.has_room());
    }

    #[test]
    fn data_never_takes_the_place_of_a_ping_and_a_ping_never_that_of_the_close() {
        let gauge = OutputGauge::default();
        (0..MAX_DATA_MESSAGES).for_each(|_| gauge.add_data(1));
        assert!(gauge.has_control_room());
        (1..MAX_CONTROL_MESSAGES).for_each(|_| gauge.add_control());
        assert!(!gauge.has_control_room());
    }
}

#[cfg(test)]
mod offer_tests {
    use super::*;

    #[test]
    fn only_offers_that_can_be_honoured_are_accepted() {
        for (offer, expected) in [
            ("permessage-deflate; client_max_window_bits", true),
            ("permessage-deflate", true),
            ("permessage-deflate; server_max_window_bits=15; client_max_window_bits=\"12\"", true),
            ("permessage-deflate; server_max_window_bits=10, permessage-deflate", true),
            ("permessage-deflate; server_max_window_bits=10", false),
            ("permessage-deflate; client_max_window_bits=16", false),
            ("permessage-deflate; who_knows", false),
            ("x-webkit-deflate-frame", false),
        ] {
            let mut headers = HeaderMap::new();
            let name = SEC_WEBSOCKET_EXTENSIONS;
            headers.insert(name, HeaderValue::from_static(offer));
            assert_eq!(is_acceptable(&headers), expected, "{offer}");
        }
    }
}
