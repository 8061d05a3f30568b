//! The deadlines of a connection, for each of its requests: for the head, for the body, between two requests, and for
//! answers that the client does not read.
//!
//! `actix_http` has a deadline for the first head, for an idle connection and for closing one; it has none for a later
//! head, nor for what is not read. So the stream of a connection notes what happens on it, and the connection is dropped
//! when it is late.

use std::{
    cell::Cell,
    error::Error,
    io,
    net::SocketAddr,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use actix_http::{
    Payload, Protocol, Request,
    body::{BodySize, BoxBody, MessageBody},
    error::{DispatchError, PayloadError},
};
use actix_service::{Service, ServiceFactory, always_ready, forward_ready};
use actix_web::{HttpMessage as _, HttpResponse, dev::ServiceResponse};
use bytes::Bytes;
use futures_util::{Stream, future::LocalBoxFuture};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep, sleep_until},
};

use super::admission::{Admission, Connections, Refusal};

/// How long a client may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// For the head of a request, from its first byte; for the first one from the connection's begin.
    pub(super) head: Duration,
    /// For the body of a request. A reader may have a deadline of its own, which is earlier.
    pub(super) body: Duration,
    /// Between two requests.
    pub(super) idle: Duration,
    /// To close a connection; so much later than `actix_http` we end what it should have ended itself.
    pub(super) close: Duration,
    /// Without reading anything of an answer.
    pub(super) stall: Duration,
    /// How fast an answer must be read on average, in bytes per second; 0 for any rate.
    pub(super) bytes_per_s_min: u32,
}

// When a connection is late.

/// What a connection waits for, and until when.
#[derive(Clone, Copy, Debug)]
struct Timing {
    limits: Limits,
    phase: Phase,
    /// The last bytes that arrived.
    tail: [u8; 4],
    /// How much longer the client may let us wait with what it has to read.
    patience: Duration,
    /// Since a write waits: when it is late.
    write_by: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// For the client: a request must be complete by then.
    Waiting { until: Instant },
    /// For us, to answer. `has_body`: the request has one.
    Working { has_body: bool },
    /// It is no HTTP any more, and has its own deadlines.
    Upgraded,
}

impl Timing {
    fn new(limits: Limits, now: Instant) -> Self {
        // `actix_http` answers 408 when the first head is late.
        let until = now + limits.head + limits.close;
        let phase = Phase::Waiting { until };
        Self { limits, phase, tail: *b"\r\n\r\n", patience: limits.stall, write_by: None }
    }

    /// `bytes` arrived.
    fn received(&mut self, bytes: &[u8], now: Instant) {
        if let Phase::Waiting { until } = self.phase {
            self.phase = Phase::Waiting { until: until.min(now + self.limits.head) };
        }
        for byte in &bytes[bytes.len().saturating_sub(self.tail.len())..] {
            self.tail.rotate_left(1);
            self.tail[3] = *byte;
        }
    }

    /// The application gets a request.
    fn begun(&mut self, has_body: bool) {
        if self.phase != Phase::Upgraded {
            self.phase = Phase::Working { has_body };
        }
    }

    /// The answer is complete.
    fn answered(&mut self, now: Instant) {
        let limits = self.limits;
        let until = match self.phase {
            // More than the request has arrived: the next one has begun already.
            Phase::Working { has_body: false } if !ends_a_head(self.tail) => now + limits.head,
            Phase::Working { .. } | Phase::Waiting { .. } => now + limits.idle + limits.close,
            Phase::Upgraded => return,
        };
        self.phase = Phase::Waiting { until };
    }

    /// A write waits for the client.
    fn blocked(&mut self, now: Instant) {
        self.write_by.get_or_insert(now + self.patience);
    }

    /// The system took `bytes` bytes.
    fn written(&mut self, bytes: usize, now: Instant) {
        let Some(write_by) = self.write_by.take() else { return };
        let Limits { stall, bytes_per_s_min, .. } = self.limits;
        let earned = match (u64::try_from(bytes), bytes_per_s_min) {
            (Ok(bytes), 1..) => {
                Duration::from_millis(bytes.saturating_mul(1_000) / u64::from(bytes_per_s_min))
            }
            _ => stall,
        };
        self.patience = write_by.saturating_duration_since(now).saturating_add(earned).min(stall);
    }

    /// When the connection is late; `None` while it is our turn, or once it is upgraded.
    fn deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Waiting { until } => Some(self.write_by.map_or(until, |by| by.min(until))),
            Phase::Working { .. } => self.write_by,
            Phase::Upgraded => None,
        }
    }
}

fn ends_a_head(tail: [u8; 4]) -> bool {
    tail == *b"\r\n\r\n" || tail.ends_with(b"\n\n")
}

/// A connection, for all that has to do with it. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Connection(Rc<State>);

#[derive(Debug)]
struct State {
    timing: Cell<Timing>,
    admission: Admission,
}

impl Connection {
    fn new(limits: Limits, admission: Admission) -> Self {
        let timing = Cell::new(Timing::new(limits, Instant::now()));
        Self(Rc::new(State { timing, admission }))
    }

    fn note(&self, event: impl FnOnce(&mut Timing)) {
        let mut timing = self.0.timing.get();
        event(&mut timing);
        self.0.timing.set(timing);
    }

    fn timing(&self) -> Timing {
        self.0.timing.get()
    }

    /// It is upgraded: what follows has its own deadlines. `false` if there is no room for another socket.
    pub(super) fn upgrade(&self) -> bool {
        self.note(|timing| timing.phase = Phase::Upgraded);
        self.0.admission.upgrade()
    }
}

// The stream of a connection.

/// A TCP stream that notes what happens on it.
#[derive(Debug)]
pub(super) struct TimedStream {
    stream: TcpStream,
    connection: Connection,
}

impl TimedStream {
    /// The connection.
    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The stream, and the connection, which must live as long.
    pub(super) fn into_parts(self) -> (TcpStream, Connection) {
        (self.stream, self.connection)
    }
}

impl AsyncRead for TimedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        let bytes = &buffer.filled()[before..];
        self.connection.note(|timing| timing.received(bytes, Instant::now()));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for TimedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        match written {
            Poll::Ready(Ok(count)) => {
                self.connection.note(|timing| timing.written(count, Instant::now()));
            }
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.connection.note(|timing| timing.blocked(Instant::now())),
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

// The service of connections.

/// The factory of [`BoundedService`].
pub(super) struct Bounded<F> {
    http: F,
    connections: Arc<Connections>,
    limits: Limits,
}

impl<F> Bounded<F> {
    /// `http` serves the connections that `connections` admits, within `limits`.
    pub(super) fn new(http: F, connections: Arc<Connections>, limits: Limits) -> Self {
        Self { http, connections, limits }
    }
}

/// A connection as `actix_http` takes it.
type Accepted = (TimedStream, Protocol, Option<SocketAddr>);

impl<F> ServiceFactory<TcpStream> for Bounded<F>
where
    F: ServiceFactory<Accepted, Config = (), Response = (), Error = DispatchError> + 'static,
    <F::Service as Service<Accepted>>::Future: 'static,
{
    type Response = ();
    type Error = DispatchError;
    type Config = ();
    type Service = BoundedService<F::Service>;
    type InitError = F::InitError;
    type Future = LocalBoxFuture<'static, Result<Self::Service, Self::InitError>>;

    fn new_service(&self, (): ()) -> Self::Future {
        let (http, limits) = (self.http.new_service(()), self.limits);
        let connections = Arc::clone(&self.connections);
        Box::pin(async move { Ok(BoundedService { http: http.await?, connections, limits }) })
    }
}

/// Admits and serves connections.
pub(super) struct BoundedService<S> {
    http: S,
    connections: Arc<Connections>,
    limits: Limits,
}

impl<S> Service<TcpStream> for BoundedService<S>
where
    S: Service<Accepted, Response = (), Error = DispatchError>,
    S::Future: 'static,
{
    type Response = ();
    type Error = DispatchError;
    type Future = BoundedConnection<S::Future>;

    forward_ready!(http);

    fn call(&self, stream: TcpStream) -> Self::Future {
        let peer = stream.peer_addr().ok();
        let admission = match self.connections.admit(peer.map(|peer| peer.ip())) {
            Ok(admission) => admission,
            Err(refusal) => {
                log_refusal(refusal);
                return BoundedConnection(None);
            }
        };
        // An acknowledgement right after an event must not wait 40 ms for the TCP ACK of the event. If it cannot be set,
        // the client is gone.
        let _gone = stream.set_nodelay(true);
        let connection = Connection::new(self.limits, admission);
        let stream = TimedStream { stream, connection: connection.clone() };
        let served = Box::pin(self.http.call((stream, Protocol::Http1, peer)));
        BoundedConnection(Some(Admitted { served, connection, timer: None }))
    }
}

fn log_refusal(refusal: Refusal) {
    match refusal {
        Refusal::Address => tracing::warn!(
            by_client = true,
            reason = "address",
            "a connection was refused: its address has as many as it may have"
        ),
        Refusal::Everywhere => tracing::warn!(
            by_client = true,
            reason = "full",
            "a connection was refused: there are as many as there may be"
        ),
    }
}

/// A connection until its end; none if it was refused.
pub(super) struct BoundedConnection<F>(Option<Admitted<F>>);

struct Admitted<F> {
    served: Pin<Box<F>>,
    connection: Connection,
    /// Fires when the connection may be late; made when it is first needed.
    timer: Option<Pin<Box<Sleep>>>,
}

impl<F: Future<Output = Result<(), DispatchError>>> Future for BoundedConnection<F> {
    type Output = Result<(), DispatchError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(admitted) = &mut self.0 else { return Poll::Ready(Ok(())) };
        if admitted.connection.0.admission.poll_evicted(cx).is_ready() {
            tracing::debug!("a connection gave way to a new one");
            return Poll::Ready(Ok(()));
        }
        if let Poll::Ready(ended) = admitted.served.as_mut().poll(cx) {
            return Poll::Ready(ended);
        }
        ready!(admitted.poll_late(cx));
        tracing::debug!("a connection was closed: its client was late");
        Poll::Ready(Ok(()))
    }
}

impl<F> Admitted<F> {
    /// Ready when the connection is late.
    fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let timing = self.connection.timing();
        let Some(deadline) = timing.deadline() else {
            if timing.phase == Phase::Upgraded {
                self.timer = None;
            }
            // Otherwise a timer that is left wakes us once, for nothing.
            return Poll::Pending;
        };
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if deadline < timer.deadline() {
            timer.as_mut().reset(deadline);
        }
        while timer.deadline() <= deadline {
            ready!(timer.as_mut().poll(cx));
            if timer.deadline() == deadline {
                return Poll::Ready(());
            }
            // It is seldom set anew: a deadline mostly gets later before it comes.
            timer.as_mut().reset(deadline);
        }
        Poll::Pending
    }
}

// The requests of a connection.

/// The factory of [`TimedApp`].
pub(super) struct Timed<F> {
    app: F,
    body_limit: Duration,
}

impl<F> Timed<F> {
    /// `app` answers the requests. The body of one may take `body_limit` to be received.
    pub(super) fn new(app: F, body_limit: Duration) -> Self {
        Self { app, body_limit }
    }
}

impl<F, B> ServiceFactory<Request> for Timed<F>
where
    F: ServiceFactory<Request, Config = (), Response = ServiceResponse<B>, Error = HttpResponse>
        + 'static,
    <F::Service as Service<Request>>::Future: 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<TimedBody>;
    type Error = HttpResponse;
    type Config = ();
    type Service = TimedApp<F::Service>;
    type InitError = F::InitError;
    type Future = LocalBoxFuture<'static, Result<Self::Service, Self::InitError>>;

    fn new_service(&self, (): ()) -> Self::Future {
        let (app, body_limit) = (self.app.new_service(()), self.body_limit);
        Box::pin(async move { Ok(TimedApp { app: app.await?, body_limit }) })
    }
}

/// The application. Notes when a request of a connection begins and when its answer is complete, and whether somebody
/// signed in made it.
pub(super) struct TimedApp<S> {
    app: S,
    body_limit: Duration,
}

impl<S, B> Service<Request> for TimedApp<S>
where
    S: Service<Request, Response = ServiceResponse<B>, Error = HttpResponse>,
    S::Future: 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<TimedBody>;
    type Error = HttpResponse;
    type Future = LocalBoxFuture<'static, Result<Self::Response, Self::Error>>;

    always_ready!();

    fn call(&self, mut request: Request) -> Self::Future {
        let connection = request.conn_data::<Connection>().cloned();
        // What follows an upgrade is another kind of payload, and has no end.
        let has_body = matches!(request.payload(), Payload::H1 { .. });
        if has_body {
            let payload = TimedPayload {
                payload: request.take_payload(),
                deadline: Instant::now() + self.body_limit,
                timer: None,
            };
            *request.payload() = Payload::Stream { payload: Box::pin(payload) };
        }
        if let Some(connection) = &connection {
            connection.0.admission.renew();
            connection.note(|timing| timing.begun(has_body));
        }
        // Dropped without an answer, it is complete too.
        let answering = Answering(connection);
        let answer = self.app.call(request);
        Box::pin(async move {
            let response = answer.await?;
            if let Some(connection) = &answering.0
                && is_signed_in(&response)
            {
                connection.0.admission.keep();
            }
            Ok(response.map_body(|_, body| TimedBody { body: body.boxed(), _answering: answering }))
        })
    }
}

/// Whether the request was one of somebody who is signed in.
fn is_signed_in<B>(response: &ServiceResponse<B>) -> bool {
    let extensions = response.request().extensions();
    extensions.contains::<api::http::Authenticated>()
        || extensions.contains::<socketio::Connected>()
}

/// An answer that is not complete. Dropping it completes it.
struct Answering(Option<Connection>);

impl Drop for Answering {
    fn drop(&mut self) {
        if let Some(connection) = &self.0 {
            connection.note(|timing| timing.answered(Instant::now()));
        }
    }
}

/// The body of an answer, which is complete when it is dropped.
pub(super) struct TimedBody {
    body: BoxBody,
    _answering: Answering,
}

impl MessageBody for TimedBody {
    type Error = Box<dyn Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(cx)
    }
}

/// The body of a request, with a deadline.
struct TimedPayload {
    payload: Payload,
    deadline: Instant,
    /// Made when it is first needed.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Stream for TimedPayload {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Poll::Ready(item) = Pin::new(&mut self.payload).poll_next(cx) {
            return Poll::Ready(item);
        }
        let deadline = self.deadline;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(Some(Err(PayloadError::Incomplete(Some(io::ErrorKind::TimedOut.into())))))
    }
}

#[cfg(test)]
mod timing_tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const LIMITS: Limits = Limits {
        head: Duration::from_secs(5),
        body: Duration::from_secs(30),
        idle: Duration::from_secs(75),
        close: SECOND,
        stall: Duration::from_mins(1),
        bytes_per_s_min: 1_000,
    };
    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";

    /// A connection that was answered once at the returned time.
    fn answered() -> (Timing, Instant) {
        let now = Instant::now();
        let mut timing = Timing::new(LIMITS, now);
        timing.received(REQUEST, now);
        timing.begun(false);
        timing.answered(now);
        (timing, now)
    }

    #[test]
    fn the_first_head_is_late_when_actix_http_has_not_ended_it() {
        let now = Instant::now();
        let mut timing = Timing::new(LIMITS, now);
        timing.received(b"GET", now + 2 * SECOND);
        timing.received(b" /", now + 4 * SECOND);
        assert_eq!(timing.deadline(), Some(now + LIMITS.head + SECOND));
    }

    #[test]
    fn a_later_head_is_late_from_its_first_byte() {
        let (mut timing, now) = answered();
        assert_eq!(timing.deadline(), Some(now + LIMITS.idle + SECOND));
        let begun = now + 10 * SECOND;
        timing.received(b"GET", begun);
        timing.received(b" /", begun + SECOND);
        assert_eq!(timing.deadline(), Some(begun + LIMITS.head));
        timing.begun(false);
        assert_eq!(timing.deadline(), None);
    }

    #[test]
    fn half_a_head_that_came_with_the_request_before_is_late_from_the_answer() {
        let (mut timing, now) = answered();
        for half in [&b"GET /"[..], b"G"] {
            timing.received(&[REQUEST, half].concat(), now);
            timing.begun(false);
            timing.answered(now + SECOND);
            assert_eq!(timing.deadline(), Some(now + SECOND + LIMITS.head));
        }
    }

    #[test]
    fn a_head_in_parts_is_whole() {
        let (mut timing, now) = answered();
        for part in [&REQUEST[..REQUEST.len() - 1], b"\n"] {
            timing.received(part, now);
        }
        timing.begun(false);
        timing.answered(now);
        assert_eq!(timing.deadline(), Some(now + LIMITS.idle + SECOND));
    }

    #[test]
    fn an_answer_that_is_not_read_is_late() {
        let (mut timing, now) = answered();
        timing.begun(false);
        timing.blocked(now);
        timing.blocked(now + SECOND);
        assert_eq!(timing.deadline(), Some(now + LIMITS.stall));
        timing.written(1_000_000, now + 50 * SECOND);
        assert_eq!(timing.deadline(), None);
        timing.blocked(now + 50 * SECOND);
        assert_eq!(timing.deadline(), Some(now + 50 * SECOND + LIMITS.stall));
    }

    #[test]
    fn an_answer_that_is_read_too_slowly_is_late_after_all() {
        let (mut timing, now) = answered();
        timing.begun(false);
        // Half a second's bytes are read each second.
        for second in 0..100 {
            timing.blocked(now + second * SECOND);
            timing.written(500, now + (second + 1) * SECOND);
        }
        timing.blocked(now + 100 * SECOND);
        assert_eq!(timing.deadline(), Some(now + 110 * SECOND));
    }

    #[test]
    fn without_a_minimum_rate_any_progress_counts() {
        let now = Instant::now();
        let mut timing = Timing::new(Limits { bytes_per_s_min: 0, ..LIMITS }, now);
        timing.begun(false);
        timing.blocked(now);
        timing.written(1, now + 59 * SECOND);
        timing.blocked(now + 59 * SECOND);
        assert_eq!(timing.deadline(), Some(now + 59 * SECOND + LIMITS.stall));
    }

    #[test]
    fn an_upgraded_connection_is_never_late() {
        let (mut timing, now) = answered();
        timing.begun(false);
        timing.blocked(now);
        timing.phase = Phase::Upgraded;
        timing.answered(now);
        assert_eq!(timing.deadline(), None);
    }
}

#[cfg(test)]
mod payload_tests {
    use futures_util::{StreamExt as _, stream};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_end_is_incomplete_at_its_deadline() {
        let begins = stream::iter([Ok(Bytes::from_static(b"begins"))]);
        let payload = Box::pin(begins.chain(stream::pending()));
        let deadline = Instant::now() + Duration::from_secs(30);
        let mut payload =
            TimedPayload { payload: Payload::Stream { payload }, deadline, timer: None };
        assert_eq!(payload.next().await.expect("bytes").expect("in time"), "begins");
        let late = payload.next().await.expect("an error");
        assert!(matches!(late, Err(PayloadError::Incomplete(Some(_)))), "{late:?}");
        assert_eq!(Instant::now(), deadline);
    }
}
