//! The WebSocket transport: one connection, split into a reader and a writer.

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
use reader::{Cuts, FrameFilter, Reader};
use tokio::{task::coop::consume_budget, time::timeout};
use writer::Writer;

use super::{ClosePlan, Disconnected, Fault, Incoming, Transport, packet::PING};
use crate::{config::Config, mailbox::SessionHandle};

/// A WebSocket that carries a session, or is about to.
pub(crate) struct WebSocket {
    reader: Reader,
    writer: Writer,
    max_message_bytes: Rc<Cell<usize>>,
}

/// How much longer than an event that is kept whole a message may be and still be read whole.
const KEPT_MARGIN_BYTES: usize = 1024;

/// Accepts a WebSocket, whose messages may be so long at first. Of a message that is longer than an event may be
/// only the beginning is read, unless messages have no events (`reads_whole`). It works once the response has
/// been returned.
///
/// # Errors
/// When the request is not a valid WebSocket handshake.
pub(crate) async fn accept(
    request: &HttpRequest,
    payload: web::Payload,
    config: &Config,
    max_message_bytes: usize,
    reads_whole: bool,
) -> Result<(HttpResponse, WebSocket), actix_web::Error> {
    let max_payload_bytes = config.max_payload_bytes;
    let is_compressed = config.compression && offers_compression(request.headers());
    let fault = Rc::new(Cell::new(None));
    let inflate = is_compressed.then(|| Inflate::new(max_payload_bytes));
    let max_message_bytes = Rc::new(Cell::new(max_message_bytes));
    let cuts = Cuts::default();
    let kept_bytes = if reads_whole { usize::MAX } else { config.max_event_bytes };
    let kept_bytes = kept_bytes.saturating_add(KEPT_MARGIN_BYTES);
    let filter = FrameFilter::new(Rc::clone(&max_message_bytes), kept_bytes, cuts.clone());
    let frames = Frames { payload, inflate, filter, fault: Rc::clone(&fault) };
    let mut payload: dev::Payload = dev::Payload::Stream { payload: Box::pin(frames) };
    let payload = web::Payload::from_request(request, &mut payload).await?;

    let (mut response, session, stream) = actix_ws::handle(request, payload)?;
    let stream = stream
        .max_frame_size(max_payload_bytes)
        .aggregate_continuations()
        .max_continuation_size(max_payload_bytes);

    if is_compressed {
        response.headers_mut().insert(SEC_WEBSOCKET_EXTENSIONS, ACCEPTED_EXTENSION);
        response = deflate::deflated(response);
    }
    let gauge = Rc::new(OutputGauge::default());
    let response = with_gauge(response, Rc::clone(&gauge));
    let (reader, writer) = (Reader::new(stream, fault, cuts), Writer::new(session, gauge));
    Ok((response, WebSocket { reader, writer, max_message_bytes }))
}

impl WebSocket {
    /// Sends a text ahead of all queued frames.
    ///
    /// # Errors
    /// [`Disconnected`].
    pub(crate) fn send_urgent(&mut self, text: &'static str) -> Result<bool, Disconnected> {
        self.writer.urgent_text(text)
    }

    /// Closes a connection that never carried the session.
    pub(crate) fn reject(self) {
        self.writer.close(CloseCode::Policy);
    }
}

impl Transport for WebSocket {
    fn pump(&mut self, session: &SessionHandle) -> Result<(), Disconnected> {
        self.writer.pump(|| session.pop())
    }

    fn bound_messages(&mut self, max_bytes: usize) {
        self.max_message_bytes.set(max_bytes);
    }

    fn ping(&mut self) -> Result<bool, Disconnected> {
        self.send_urgent(PING)
    }

    fn pong(&mut self, bytes: Bytes) -> Result<(), Disconnected> {
        self.writer.pong(bytes).map(drop)
    }

    fn has_pending_ping(&self) -> bool {
        false
    }

    async fn next(&mut self, reads: bool) -> Incoming {
        let Self { reader, writer, .. } = self;
        // A client may send very many messages at once: let other tasks have their turn.
        consume_budget().await;
        tokio::select! {
            () = writer.wait_for_capacity(), if !writer.is_ready() => Incoming::Nothing,
            () = writer.closed(), if !reads => Incoming::Closed,
            incoming = reader.next(), if reads => incoming,
        }
    }

    async fn close(self, plan: ClosePlan, session: &SessionHandle) {
        let Self { reader, mut writer, .. } = self;
        drop(reader);
        if plan.drains && timeout(plan.timeout, drain(&mut writer, session)).await.is_err() {
            tracing::debug!("a session closed before everything was sent");
        }
        session.discard();
        writer.close(plan.code);
    }
}

async fn drain(writer: &mut Writer, session: &SessionHandle) {
    while writer.pump(|| session.pop()).is_ok() {
        if session.is_queue_empty() && writer.is_empty() {
            return;
        }
        writer.wait_for_capacity().await;
    }
}

// Backpressure: counts the messages and bytes in the queue of the connection.
//
// `actix-ws` queues 32 messages of any size and does not expose the length of its queue. Counting
// bounds the queued bytes, keeps pings from waiting behind megabytes, and lets a session send
// without waiting.

/// Maximum data messages in the queue. The queue holds 32 and may be drained only partly when the
/// runtime makes the connection yield, so data and control messages together must fit in twice.
const MAX_DATA_MESSAGES: usize = 10;

/// Maximum control messages (ping, pong, close) in the queue.
const MAX_CONTROL_MESSAGES: usize = 4;

/// Queued bytes from which on no further data message is accepted.
const MAX_BYTES: usize = 64 * 1024;

/// The messages and bytes in the queue of one connection.
#[derive(Debug, Default)]
struct OutputGauge {
    data_messages: Cell<usize>,
    control_messages: Cell<usize>,
    bytes: Cell<usize>,
    closed: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl OutputGauge {
    /// Whether a further data message may be sent.
    fn has_capacity(&self) -> bool {
        self.data_messages.get() < MAX_DATA_MESSAGES && self.bytes.get() < MAX_BYTES
    }

    /// Whether a further ping or pong may be sent; one place is reserved for the close.
    fn has_control_capacity(&self) -> bool {
        self.control_messages.get() + 1 < MAX_CONTROL_MESSAGES
    }

    /// Whether the connection has ended.
    fn is_closed(&self) -> bool {
        self.closed.get()
    }

    fn add_data(&self, bytes: usize) {
        self.data_messages.set(self.data_messages.get() + 1);
        self.bytes.set(self.bytes.get() + bytes);
    }

    fn add_control(&self) {
        self.control_messages.set(self.control_messages.get() + 1);
    }

    /// Ready once there is capacity, or the connection has ended.
    fn poll_capacity(&self, cx: &Context<'_>) -> Poll<()> {
        if self.has_capacity() || self.is_closed() {
            return Poll::Ready(());
        }
        self.wait(cx)
    }

    /// Ready once the connection has ended.
    fn poll_closed(&self, cx: &Context<'_>) -> Poll<()> {
        if self.is_closed() {
            return Poll::Ready(());
        }
        self.wait(cx)
    }

    fn wait(&self, cx: &Context<'_>) -> Poll<()> {
        self.waker.replace(Some(cx.waker().clone()));
        Poll::Pending
    }

    fn drained(&self) {
        self.data_messages.set(0);
        self.control_messages.set(0);
        self.bytes.set(0);
        self.wake();
    }

    fn wake(&self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

/// Resets `gauge` whenever the connection reads from the body of `response`.
fn with_gauge(response: HttpResponse, gauge: Rc<OutputGauge>) -> HttpResponse {
    response.map_body(|_, body| BoxBody::new(GaugedBody { body, gauge }))
}

struct GaugedBody {
    body: BoxBody,
    gauge: Rc<OutputGauge>,
}

impl MessageBody for GaugedBody {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let next = Pin::new(&mut self.body).poll_next(cx);
        // A chunk contains the whole queue.
        if next.is_ready() {
            self.gauge.drained();
        }
        next
    }
}

impl Drop for GaugedBody {
    fn drop(&mut self) {
        self.gauge.closed.set(true);
        self.gauge.wake();
    }
}

// Checks the headers of WebSocket frames before `actix-ws` buffers their payload.
//
// `actix-ws` refuses an oversized frame only after buffering all of it. Here it is refused when its
// header is read, as is every other fault that has its own close code; and of a message that is too long
// to be kept, the rest is discarded as it arrives.

/// Passes bytes on up to the first fault, stores the fault in a cell, and ends the stream, so that
/// all messages before the fault are still read.
struct Frames {
    payload: web::Payload,
    /// Present if compression was negotiated.
    inflate: Option<Inflate>,
    filter: FrameFilter,
    fault: Rc<Cell<Option<Fault>>>,
}

impl Stream for Frames {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.fault.get().is_some() {
            return Poll::Ready(None);
        }
        loop {
            match std::task::ready!(Pin::new(&mut self.payload).poll_next(cx)) {
                Some(Ok(mut bytes)) => {
                    if let Some(inflate) = &mut self.inflate {
                        let (plain, fault) = inflate.read(&bytes);
                        bytes = plain;
                        self.fault.set(fault);
                    }
                    let (passed, fault) = self.filter.read(&bytes);
                    if fault.is_some() {
                        self.fault.set(fault);
                    }
                    // Nothing is passed on of what is left out.
                    if !passed.is_empty() || self.fault.get().is_some() {
                        return Poll::Ready(Some(Ok(passed)));
                    }
                }
                // The client disconnected without a close frame: a normal end.
                Some(Err(PayloadError::Incomplete(None))) | None => return Poll::Ready(None),
                Some(Err(_)) => {
                    self.fault.set(Some(Fault::Broken));
                    return Poll::Ready(None);
                }
            }
        }
    }
}

// Negotiation of compression (RFC 7692, 7.1).

/// The accepted parameters: each message is compressed separately, so that an idle connection needs
/// no memory for compression state.
const ACCEPTED_EXTENSION: HeaderValue = HeaderValue::from_static(
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
);

/// Whether any of the client's offers is compatible with [`ACCEPTED_EXTENSION`].
fn offers_compression(headers: &HeaderMap) -> bool {
    headers
        .get_all(SEC_WEBSOCKET_EXTENSIONS)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(is_acceptable_offer)
}

fn is_acceptable_offer(offer: &str) -> bool {
    let mut parts = offer.split(';').map(str::trim);
    parts.next() == Some("permessage-deflate") && parts.all(is_acceptable_parameter)
}

/// The compressor supports no window smaller than 15 bits for the server.
fn is_acceptable_parameter(parameter: &str) -> bool {
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
        assert!(!gauge.has_capacity());
        gauge.drained();
        (0..MAX_DATA_MESSAGES).for_each(|_| gauge.add_data(1));
        assert!(!gauge.has_capacity());
    }

    #[test]
    fn data_never_takes_the_place_of_a_ping_and_a_ping_never_that_of_the_close() {
        let gauge = OutputGauge::default();
        (0..MAX_DATA_MESSAGES).for_each(|_| gauge.add_data(1));
        assert!(gauge.has_control_capacity());
        (1..MAX_CONTROL_MESSAGES).for_each(|_| gauge.add_control());
        assert!(!gauge.has_control_capacity());
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
            assert_eq!(offers_compression(&headers), expected, "{offer}");
        }
    }
}
