//! The plain WebSocket front door (D13): the same sessions and events as JSON lines, for clients without
//! Socket.IO.

mod reader;
#[cfg(test)]
mod tests;
mod writer;

use std::{rc::Rc, sync::Arc, time::Duration};

use actix_web::{
    FromRequest as _, HttpRequest, HttpResponse, dev,
    http::{StatusCode, header},
    web,
};
use reader::{ByteBudget, Reader};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinHandle,
    time::timeout,
};
use writer::{CloseReason, Outbox, Outflow};

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use reader::{fuzz_event, fuzz_frame};

use super::{
    admission::{self, ConnectionPermit},
    session::Context,
};
use crate::origins::Origins;

/// The plain WebSocket endpoint. Cheap to clone.
#[derive(Clone)]
pub(crate) struct PlainWebSocket {
    inner: Arc<Inner>,
}

struct Inner {
    context: Arc<Context>,
    origins: Origins,
    /// One permit for each connection that there may be.
    slots: Arc<Semaphore>,
    slots_max: u32,
    closing: watch::Sender<bool>,
}

impl PlainWebSocket {
    /// Takes at most as many connections as the Socket.IO server.
    pub(super) fn new(context: Arc<Context>, origins: Origins) -> Self {
        let slots_max = u32::try_from(context.settings.socket.sessions_max).unwrap_or(u32::MAX);
        let slots = usize::try_from(slots_max).unwrap_or(Semaphore::MAX_PERMITS);
        let slots = Arc::new(Semaphore::new(slots.min(Semaphore::MAX_PERMITS)));
        let closing = watch::Sender::new(false);
        Self { inner: Arc::new(Inner { context, origins, slots, slots_max, closing }) }
    }

    /// Serves it at `path`.
    pub(crate) fn configure(&self, path: &str, config: &mut web::ServiceConfig) {
        let endpoint = self.clone();
        config.route(
            path,
            web::get().to(move |request: HttpRequest, payload: web::Payload| {
                let endpoint = endpoint.clone();
                async move { endpoint.open(&request, payload).await }
            }),
        );
    }

    /// Ends every session; done when this returns or `deadline` has passed.
    pub(crate) async fn close(&self, deadline: Duration) {
        self.inner.closing.send_replace(true);
        let everyone = self.inner.slots.acquire_many(self.inner.slots_max);
        if timeout(deadline, everyone).await.is_err() {
            tracing::warn!("some plain sessions did not close in time");
        }
    }

    async fn open(&self, request: &HttpRequest, payload: web::Payload) -> HttpResponse {
        let Inner { context, origins, .. } = &*self.inner;
        let admitted =
            admission::admit(request, origins, &context.limits, &context.connection_limiter);
        let permit = match admitted {
            Ok(permit) => permit,
            Err(rejection) => return HttpResponse::new(rejection.status()),
        };
        if !wants_websocket(request) {
            return HttpResponse::build(StatusCode::UPGRADE_REQUIRED)
                .insert_header((header::UPGRADE, "websocket"))
                .finish();
        }
        let Ok(slot) = self.inner.slots.clone().try_acquire_owned() else {
            return HttpResponse::new(StatusCode::SERVICE_UNAVAILABLE);
        };
        self.accept(request, payload, (slot, permit))
            .await
            .unwrap_or_else(|error| error.error_response())
    }

    async fn accept(
        &self,
        request: &HttpRequest,
        payload: web::Payload,
        slot: (OwnedSemaphorePermit, ConnectionPermit),
    ) -> Result<HttpResponse, actix_web::Error> {
        let context = self.inner.context.clone();
        let bounds = &context.settings.socket;
        let budget = ByteBudget::new(payload, bounds.max_connect_bytes);
        let gauge = budget.gauge.clone();
        let mut bounded: dev::Payload = dev::Payload::Stream { payload: Box::pin(budget) };
        let bounded = web::Payload::from_request(request, &mut bounded).await?;
        let (response, socket, stream) = actix_ws::handle(request, bounded)?;
        let outflow = Rc::new(Outflow::default());
        let response = outflow.watch(response);
        let stream = stream
            .max_frame_size(bounds.max_payload_bytes)
            .aggregate_continuations()
            .max_continuation_size(bounds.max_payload_bytes);

        let outbox = Arc::new(Outbox::new(bounds.mailbox_messages, bounds.mailbox_bytes));
        let address = context.limits.address_of(request.head());
        let sink = writer::Sink { socket, outflow };
        let writing = spawn_supervised(&outbox, writer::run(sink, outbox.clone(), bounds.clone()));
        let reader = Reader { context, address, stream, gauge, outbox: outbox.clone() };
        let reading = spawn_supervised(&outbox, reader.listen());
        let mut closing = self.inner.closing.subscribe();
        actix_web::rt::spawn(async move {
            tokio::select! {
                _ = closing.wait_for(|closing| *closing) => outbox.end(CloseReason::GOING_AWAY),
                () = outbox.ended() => {}
            }
            for task in [reading, writing] {
                if let Err(error) = task.await {
                    tracing::error!(%error, "a task of a plain WebSocket connection failed");
                }
            }
            drop(slot);
        });
        Ok(response)
    }
}

/// Spawns a task of a connection. The connection ends with the task, also when that panics.
fn spawn_supervised(
    outbox: &Arc<Outbox>,
    task: impl Future<Output = ()> + 'static,
) -> JoinHandle<()> {
    let outbox = outbox.clone();
    actix_web::rt::spawn(async move {
        let _end = EndConnection(outbox);
        task.await;
    })
}

/// Ends the connection when it is dropped, unless that has ended already: the first reason counts.
struct EndConnection(Arc<Outbox>);

impl Drop for EndConnection {
    fn drop(&mut self) {
        self.0.end(CloseReason::FAILED);
    }
}

fn wants_websocket(request: &HttpRequest) -> bool {
    let upgrade = request.headers().get(header::UPGRADE).and_then(|value| value.to_str().ok());
    upgrade.is_some_and(|value| value.eq_ignore_ascii_case("websocket"))
}
