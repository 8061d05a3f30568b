//! The plain WebSocket front door (D13): the same sessions and events as JSON lines, for clients without
//! Socket.IO.

mod reader;
#[cfg(test)]
mod tests;
mod writer;

use std::{
    cell::Cell,
    fmt,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{self, Poll, ready},
    time::Duration,
};

use actix_web::{
    FromRequest as _, HttpRequest, HttpResponse, dev,
    error::PayloadError,
    http::{StatusCode, header},
    web,
};
use actix_ws::CloseCode;
use bytes::Bytes;
use futures_util::Stream;
use reader::Reader;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinHandle,
    time::timeout,
};
use writer::{Outbox, Outflow};

use super::{
    admission::{self, ConnectionPermit},
    session::Context,
};
use crate::{
    error::{Code, Failure},
    origins::Origins,
};

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
        let budget = ByteBudget::new(payload, bounds.max_payload_bytes);
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

// How a connection ends: a close code, and a word for logs and people.

/// Why the server closes a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct CloseReason {
    code: u16,
    word: &'static str,
}

impl CloseReason {
    /// The client closed the connection, or it was lost.
    const LEFT: Self = Self { code: 1000, word: "goodbye" };
    /// The server stops; others take over.
    const GOING_AWAY: Self = Self { code: 1001, word: "going_away" };
    /// RFC 6455 is not kept.
    const PROTOCOL: Self = Self { code: 1002, word: "protocol_error" };
    /// Everything here is text.
    const BINARY: Self = Self { code: 1003, word: "binary_not_spoken" };
    /// A message is longer than allowed.
    const TOO_BIG: Self = Self { code: 1009, word: "message_too_big" };
    /// A task of the connection, or the actor of its session, panicked.
    const FAILED: Self = Self { code: 1011, word: "internal_error" };
    /// A message is no JSON object with an `event`, or the first one is not `auth`.
    const BAD_MESSAGE: Self = Self { code: 4400, word: "bad_message" };
    /// The token ended.
    const TOKEN_ENDED: Self = Self { code: 4401, word: "token_expired" };
    /// The person was erased: their token is not valid any more.
    const FORGOTTEN: Self = Self { code: 4401, word: "unauthorized" };
    /// The client did not authenticate in time.
    const UNAUTHENTICATED: Self = Self { code: 4408, word: "authentication_timeout" };
    /// A ping was not answered.
    const SILENT: Self = Self { code: 4410, word: "ping_timeout" };
    /// More waits for the client than there is room for.
    const SLOW_READER: Self = Self { code: 4413, word: "slow_reader" };

    /// The close reason that belongs to a refusal.
    fn refusing(failure: &Failure) -> Self {
        let code = match failure.code() {
            Code::Unauthorized | Code::TokenExpired => 4401,
            Code::Forbidden => 4403,
            Code::TooManySessions => 4429,
            _ => 4503,
        };
        Self { code, word: failure.code().as_str() }
    }

    fn reason(self) -> actix_ws::CloseReason {
        actix_ws::CloseReason {
            code: CloseCode::Other(self.code),
            description: Some(self.word.to_owned()),
        }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word)
    }
}

// Bounds what a client may send before it has said one whole message.
//
// The WebSocket reader collects a frame in memory before it looks at its length, so a header that
// announces gigabytes would be believed; here the bytes are counted on their way in.

/// What may arrive together with the end of a message: the beginning of the next ones, and headers.
const SLACK_BYTES: usize = 131_072;

/// Passes bytes on, until there are too many since the last whole message.
struct ByteBudget {
    payload: web::Payload,
    bytes_max: usize,
    gauge: ByteGauge,
}

/// Counts the bytes since the last whole message.
#[derive(Clone, Default)]
struct ByteGauge(Rc<Cell<usize>>);

impl ByteGauge {
    /// A message is whole.
    fn reset(&self) {
        self.0.set(0);
    }
}

impl ByteBudget {
    fn new(payload: web::Payload, message_bytes_max: usize) -> Self {
        let bytes_max = message_bytes_max.saturating_add(SLACK_BYTES);
        Self { payload, bytes_max, gauge: ByteGauge::default() }
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
