//! The WebSocket transport: one connection, cut into the half that reads and the half that writes.

mod gauge;
mod guard;
mod inlet;
mod outlet;
mod scan;

use std::{cell::Cell, rc::Rc};

use actix_web::{FromRequest as _, HttpRequest, HttpResponse, dev, web};

pub(crate) use inlet::{Incoming, Inlet};
pub(crate) use outlet::{Gone, Outlet};
pub(crate) use scan::Fault;

use gauge::Gauge;
use guard::Guard;

/// Accepts a WebSocket. The response must be returned for anything to flow.
///
/// # Errors
/// When the request is no sound WebSocket handshake.
pub(crate) async fn accept(
    request: &HttpRequest,
    payload: web::Payload,
    max_payload_bytes: usize,
) -> Result<(HttpResponse, Inlet, Outlet), actix_web::Error> {
    let fault = Rc::new(Cell::new(None));
    let guard = Guard::new(payload, max_payload_bytes, Rc::clone(&fault));
    let mut guarded: dev::Payload = dev::Payload::Stream { payload: Box::pin(guard) };
    let guarded = web::Payload::from_request(request, &mut guarded).await?;

    let (response, session, stream) = actix_ws::handle(request, guarded)?;
    let stream = stream
        .max_frame_size(max_payload_bytes)
        .aggregate_continuations()
        .max_continuation_size(max_payload_bytes);

    let gauge = Rc::new(Gauge::default());
    let response = gauge::watch(response, Rc::clone(&gauge));
    Ok((response, Inlet::new(stream, fault), Outlet::new(session, gauge)))
}
