//! The WebSocket transport: one connection, cut into the half that reads and the half that writes.

mod deflate;
mod gauge;
mod guard;
mod header;
mod inflate;
mod inlet;
mod offer;
mod outlet;
mod scan;

use std::{cell::Cell, rc::Rc};

use actix_web::{
    FromRequest as _, HttpRequest, HttpResponse, dev, http::header::SEC_WEBSOCKET_EXTENSIONS, web,
};
use actix_ws::CloseCode;
use bytes::Bytes;
use tokio::time::timeout;

use super::{ClosePlan, Disconnected, Incoming, Transport, packet::PING};
use crate::{config::Config, link::SessionHandle};

use gauge::OutputGauge;
use guard::FrameLimiter;
use inlet::Reader;
use outlet::Writer;

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
    let is_compressed = config.compression && offer::is_acceptable(request.headers());
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
        response.headers_mut().insert(SEC_WEBSOCKET_EXTENSIONS, offer::ACCEPTED);
        response = deflate::deflated(response);
    }
    let gauge = Rc::new(OutputGauge::default());
    let response = gauge::watch(response, Rc::clone(&gauge));
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
