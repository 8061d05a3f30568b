//! Upgrade requests: the application answers them like any other, and the buffers that HTTP holds for their connection
//! are freed.

use std::{
    convert::Infallible,
    mem::{self, MaybeUninit},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
    time::Duration,
};

use actix_codec::Framed;
use actix_http::{
    BoxedPayloadStream, Request, StatusCode, body::MessageBody, error::PayloadError, h1::Codec,
};
use actix_service::{Service, ServiceFactory, always_ready};
use actix_web::{
    HttpResponse,
    dev::{Payload, ServiceResponse},
};
use bytes::Bytes;
use futures_util::{Stream, future::LocalBoxFuture};
use tokio::{
    io::{AsyncRead as _, ReadBuf},
    net::tcp::OwnedReadHalf,
    sync::OnceCell,
};

use super::{connection::Connection, deadlines::TimedStream};

/// A request with the connection it came on.
type Upgrade = (Request, Framed<TimedStream, Codec>);

/// The factory of [`Upgrader`].
pub(super) struct Upgrades<F: ServiceFactory<Request>> {
    app: Shared<F>,
    disconnect_timeout: Duration,
}

impl<F: ServiceFactory<Request>> Upgrades<F> {
    /// `app` answers the requests. `disconnect_timeout` bounds how long a client may take to close a connection.
    pub(super) fn new(app: Shared<F>, disconnect_timeout: Duration) -> Self {
        Self { app, disconnect_timeout }
    }
}

impl<F, B> ServiceFactory<Upgrade> for Upgrades<F>
where
    F: ServiceFactory<Request, Config = (), Response = ServiceResponse<B>, Error = HttpResponse>
        + 'static,
    B: MessageBody + 'static,
{
    type Response = ();
    type Error = Infallible;
    type Config = ();
    type Service = Upgrader<F::Service>;
    type InitError = F::InitError;
    type Future = LocalBoxFuture<'static, Result<Self::Service, Self::InitError>>;

    fn new_service(&self, (): ()) -> Self::Future {
        let (app, disconnect_timeout) = (self.app.new_service(()), self.disconnect_timeout);
        Box::pin(async move { Ok(Upgrader { app: app.await?, disconnect_timeout }) })
    }
}

/// Answers upgrade requests, and serves the upgraded connections.
pub(super) struct Upgrader<S> {
    app: Rc<S>,
    disconnect_timeout: Duration,
}

impl<S, B> Service<Upgrade> for Upgrader<S>
where
    S: Service<Request, Response = ServiceResponse<B>, Error = HttpResponse> + 'static,
    B: MessageBody + 'static,
{
    type Response = ();
    type Error = Infallible;
    type Future = LocalBoxFuture<'static, Result<(), Infallible>>;

    always_ready!();

    fn call(&self, (request, connection): Upgrade) -> Self::Future {
        let parts = connection.into_parts();
        let (stream, state) = parts.io.into_parts();
        let (reader, writer) = stream.into_split();
        // Copied, so that the buffer it came in is freed.
        let received = Bytes::copy_from_slice(&parts.read_buf);
        let payload: BoxedPayloadStream = Box::pin(UpgradedPayload::new(received, reader));
        let (request, _none) = request.replace_payload(Payload::Stream { payload });
        let response = self.app.call(request);
        let connection = Connection { writer, codec: parts.codec, unsent: parts.write_buf };
        let disconnect_timeout = self.disconnect_timeout;
        let upgraded = state.clone();
        // In a box of its own, so that its memory is freed before the connection ends.
        let responded = Box::pin(async move {
            let response = match response.await {
                // Dropping the request frees the buffer that its head was read into.
                Ok(response) => response.into_parts().1.map_into_boxed_body(),
                Err(failure) => failure,
            };
            if response.status() == StatusCode::SWITCHING_PROTOCOLS && !upgraded.upgrade() {
                tracing::warn!(
                    by_client = true,
                    "an upgrade was refused: only the reserve of connections is left"
                );
                let full = HttpResponse::ServiceUnavailable().finish();
                return connection.respond(full, disconnect_timeout).await;
            }
            connection.respond(response, disconnect_timeout).await
        });
        Box::pin(async move {
            let written = match responded.await {
                Ok(Some(upgraded)) => upgraded.write_all(disconnect_timeout).await,
                Ok(None) => Ok(()),
                Err(error) => Err(error),
            };
            // Until here the connection counts.
            drop(state);
            if let Err(error) = written {
                tracing::debug!(%error, "a connection ended before everything was sent");
            }
            Ok(())
        })
    }
}

// The application of a worker, for ordinary requests and for upgrades.

/// A factory that makes its service once and returns the same each time: the application of a worker is large, and
/// needed twice.
pub(super) struct Shared<F: ServiceFactory<Request>> {
    factory: Rc<F>,
    service: Rc<OnceCell<Rc<F::Service>>>,
}

impl<F: ServiceFactory<Request>> Shared<F> {
    pub(super) fn new(factory: F) -> Self {
        Self { factory: Rc::new(factory), service: Rc::default() }
    }
}

impl<F: ServiceFactory<Request>> Clone for Shared<F> {
    fn clone(&self) -> Self {
        Self { factory: Rc::clone(&self.factory), service: Rc::clone(&self.service) }
    }
}

impl<F> ServiceFactory<Request> for Shared<F>
where
    F: ServiceFactory<Request, Config = ()> + 'static,
{
    type Response = F::Response;
    type Error = F::Error;
    type Config = ();
    type Service = Rc<F::Service>;
    type InitError = F::InitError;
    type Future = LocalBoxFuture<'static, Result<Self::Service, Self::InitError>>;

    fn new_service(&self, (): ()) -> Self::Future {
        let Self { factory, service } = self.clone();
        let make = async move || factory.new_service(()).await.map(Rc::new);
        Box::pin(async move { service.get_or_try_init(make).await.cloned() })
    }
}

// What is received after the head of an upgrade request.

/// How much is read at once, in bytes. The buffer is on the stack: a connection on which nothing arrives holds none.
const CHUNK_BYTES: usize = 16 * 1024;

/// The bytes a client sends, in order.
#[derive(Debug)]
pub(super) struct UpgradedPayload {
    /// What was received together with the head.
    received: Bytes,
    connection: OwnedReadHalf,
    /// The last chunk was full: yields once, so that other tasks run before the next one is read.
    yields: bool,
}

impl UpgradedPayload {
    pub(super) fn new(received: Bytes, connection: OwnedReadHalf) -> Self {
        Self { received, connection, yields: false }
    }
}

impl Stream for UpgradedPayload {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if !self.received.is_empty() {
            return Poll::Ready(Some(Ok(mem::take(&mut self.received))));
        }
        if mem::take(&mut self.yields) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let mut buffer = [const { MaybeUninit::uninit() }; CHUNK_BYTES];
        let mut chunk = ReadBuf::uninit(&mut buffer);
        if ready!(Pin::new(&mut self.connection).poll_read(cx, &mut chunk)).is_err() {
            // Any error means that the client is gone without closing the connection.
            return Poll::Ready(Some(Err(PayloadError::Incomplete(None))));
        }
        self.yields = chunk.remaining() == 0;
        let bytes = Bytes::copy_from_slice(chunk.filled());
        Poll::Ready((!bytes.is_empty()).then_some(Ok(bytes)))
    }
}

#[cfg(test)]
mod payload_tests {
    use futures_util::{FutureExt as _, StreamExt as _};
    use tokio::io::AsyncWriteExt as _;

    use super::*;
    use crate::http::connection::writing_tests::connected;

    #[tokio::test]
    async fn what_came_with_the_head_comes_first() {
        let (server, mut client) = connected().await;
        client.write_all(b"behind").await.expect("it is there");
        drop(client);
        let mut payload =
            UpgradedPayload::new(Bytes::from_static(b"ahead, "), server.into_split().0);
        let mut all = Vec::new();
        while let Some(bytes) = payload.next().await {
            all.extend(bytes.expect("it is there"));
        }
        assert_eq!(all, b"ahead, behind");
    }

    #[tokio::test]
    async fn after_a_full_chunk_other_tasks_run_first() {
        let (server, mut client) = connected().await;
        client.write_all(&vec![0; 2 * CHUNK_BYTES]).await.expect("it is there");
        let (reader, _writer) = server.into_split();
        let mut payload = UpgradedPayload::new(Bytes::new(), reader);
        let first = payload.next().await.expect("a chunk").expect("it is there");
        assert_eq!(first.len(), CHUNK_BYTES);
        assert!(payload.next().now_or_never().is_none());
        assert!(payload.next().await.is_some());
    }
}

#[cfg(test)]
mod shared_tests {
    use std::convert::Infallible;

    use actix_service::fn_service;

    use super::*;

    #[tokio::test]
    async fn everyone_gets_the_same_service() {
        let shared = Shared::new(fn_service(async |_: Request| Ok::<_, Infallible>(())));
        let one = shared.new_service(()).await.expect("it is made");
        let other = shared.clone().new_service(()).await.expect("it is there");
        assert!(Rc::ptr_eq(&one, &other));
    }
}
