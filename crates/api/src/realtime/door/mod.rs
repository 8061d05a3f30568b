//! The plain WebSocket door (D13): the same sessions and events as JSON lines, for clients without
//! Socket.IO.

mod farewell;
mod listener;
mod mailbox;
mod meter;
mod outflow;
mod pulse;
mod speaker;
mod speech;

#[cfg(test)]
mod tests;

use std::{rc::Rc, sync::Arc, time::Duration};

use actix_web::{
    FromRequest as _, HttpRequest, HttpResponse, dev,
    http::{StatusCode, header},
    web,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::timeout,
};

use self::{
    farewell::CloseReason, listener::Reader, mailbox::Mailbox, meter::ByteBudget, outflow::Outflow,
};
use super::{admission, connection_limiter::ConnectionPermit, session::Context};
use crate::origins::Origins;

/// The plain WebSocket door. Cheap to clone.
#[derive(Clone)]
pub(crate) struct PlainWebSocket {
    inner: Arc<Inner>,
}

struct Inner {
    context: Arc<Context>,
    origins: Origins,
    /// One for each client that there may be.
    entries: Arc<Semaphore>,
    seats_max: u32,
    closing: watch::Sender<bool>,
}

impl PlainWebSocket {
    /// Opens the door to at most as many clients as the Socket.IO server takes.
    pub(super) fn new(context: Arc<Context>, origins: Origins) -> Self {
        let seats_max = u32::try_from(context.settings.socket.sessions_max).unwrap_or(u32::MAX);
        let entries = usize::try_from(seats_max).unwrap_or(Semaphore::MAX_PERMITS);
        let entries = Arc::new(Semaphore::new(entries.min(Semaphore::MAX_PERMITS)));
        let closing = watch::Sender::new(false);
        Self { inner: Arc::new(Inner { context, origins, entries, seats_max, closing }) }
    }

    /// Serves it at `path`.
    pub(crate) fn configure(&self, path: &str, config: &mut web::ServiceConfig) {
        let door = self.clone();
        config.route(
            path,
            web::get().to(move |request: HttpRequest, payload: web::Payload| {
                let door = door.clone();
                async move { door.open(&request, payload).await }
            }),
        );
    }

    /// Ends every session; done when this returns or `deadline` has passed.
    pub(crate) async fn close(&self, deadline: Duration) {
        self.inner.closing.send_replace(true);
        let everyone = self.inner.entries.acquire_many(self.inner.seats_max);
        if timeout(deadline, everyone).await.is_err() {
            tracing::warn!("some plain sessions did not close in time");
        }
    }

    async fn open(&self, request: &HttpRequest, payload: web::Payload) -> HttpResponse {
        let Inner { context, origins, .. } = &*self.inner;
        let admitted =
            admission::admit(request, origins, &context.limits, &context.connection_limiter);
        let visitor = match admitted {
            Ok(visitor) => visitor,
            Err(rejection) => return HttpResponse::new(rejection.status()),
        };
        if !wants_websocket(request) {
            return HttpResponse::build(StatusCode::UPGRADE_REQUIRED)
                .insert_header((header::UPGRADE, "websocket"))
                .finish();
        }
        let Ok(seat) = self.inner.entries.clone().try_acquire_owned() else {
            return HttpResponse::new(StatusCode::SERVICE_UNAVAILABLE);
        };
        self.accept(request, payload, (seat, visitor))
            .await
            .unwrap_or_else(|error| error.error_response())
    }

    async fn accept(
        &self,
        request: &HttpRequest,
        payload: web::Payload,
        seat: (OwnedSemaphorePermit, ConnectionPermit),
    ) -> Result<HttpResponse, actix_web::Error> {
        let context = self.inner.context.clone();
        let bounds = &context.settings.socket;
        let meter = ByteBudget::new(payload, bounds.max_payload_bytes);
        let gauge = meter.gauge();
        let mut metered: dev::Payload = dev::Payload::Stream { payload: Box::pin(meter) };
        let metered = web::Payload::from_request(request, &mut metered).await?;
        let (response, socket, stream) = actix_ws::handle(request, metered)?;
        let outflow = Rc::new(Outflow::default());
        let response = outflow.watch(response);
        let stream = stream
            .max_frame_size(bounds.max_payload_bytes)
            .aggregate_continuations()
            .max_continuation_size(bounds.max_payload_bytes);

        let mailbox = Arc::new(Mailbox::new(bounds.mailbox_messages, bounds.mailbox_bytes));
        let address = context.limits.address_of(request.head());
        let speaking = actix_web::rt::spawn(speaker::speak(
            speaker::Sink { socket, outflow },
            mailbox.clone(),
            bounds.clone(),
        ));
        let listener = Reader { context, address, stream, gauge, mailbox: mailbox.clone() };
        let mut closing = self.inner.closing.subscribe();
        actix_web::rt::spawn(async move {
            let listening = actix_web::rt::spawn(listener.listen());
            tokio::select! {
                _ = closing.wait_for(|closing| *closing) => mailbox.end(CloseReason::GOING_AWAY),
                () = mailbox.ended() => {}
            }
            for task in [listening, speaking] {
                if task.await.is_err() {
                    tracing::error!("a plain session was cut off");
                }
            }
            drop(seat);
        });
        Ok(response)
    }
}

fn wants_websocket(request: &HttpRequest) -> bool {
    let upgrade = request.headers().get(header::UPGRADE).and_then(|value| value.to_str().ok());
    upgrade.is_some_and(|value| value.eq_ignore_ascii_case("websocket"))
}
