//! Requests to go on in another protocol: the application answers them like any other, and what HTTP
//! kept for their connection is let go.

use std::{
    convert::Infallible,
    mem::{self, MaybeUninit},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
    time::Duration,
};

use actix_codec::Framed;
use actix_http::{BoxedPayloadStream, Request, body::MessageBody, error::PayloadError, h1::Codec};
use actix_service::{Service, ServiceFactory, always_ready};
use actix_web::{
    HttpResponse,
    dev::{Payload, ServiceResponse},
};
use bytes::Bytes;
use futures_util::{Stream, future::LocalBoxFuture};
use tokio::{
    io::{AsyncRead as _, ReadBuf},
    net::{TcpStream, tcp::OwnedReadHalf},
};

use super::{Shared, connection::Connection};

/// A request with the connection it came on.
type Upgrade = (Request, Framed<TcpStream, Codec>);

/// Makes what answers upgrades.
pub(super) struct Upgrades<F: ServiceFactory<Request>> {
    app: Shared<F>,
    disconnect_timeout: Duration,
}

impl<F: ServiceFactory<Request>> Upgrades<F> {
    /// The `app` decides on each. A client may take so long to close a connection.
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

/// Answers upgrades.
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
        let (reader, writer) = parts.io.into_split();
        // Copied, so that the buffer it came in can be let go.
        let ahead = Bytes::copy_from_slice(&parts.read_buf);
        let payload: BoxedPayloadStream = Box::pin(UpgradedPayload::new(ahead, reader));
        let (request, _none) = request.replace_payload(Payload::Stream { payload });
        let answer = self.app.call(request);
        let connection = Connection { writer, codec: parts.codec, unsent: parts.write_buf };
        let disconnect_timeout = self.disconnect_timeout;
        // In a box of its own, or its room would be held as long as the connection lives.
        let answered = Box::pin(async move {
            let response = match answer.await {
                // With the request goes the buffer that its head was read into.
                Ok(answer) => answer.into_parts().1.map_into_boxed_body(),
                Err(failure) => failure,
            };
            connection.answer(response, disconnect_timeout).await
        });
        Box::pin(async move {
            let carried = match answered.await {
                Ok(Some(switched)) => switched.carry(disconnect_timeout).await,
                Ok(None) => Ok(()),
                Err(error) => Err(error),
            };
            if let Err(error) = carried {
                tracing::debug!(%error, "a connection ended before everything was sent");
            }
            Ok(())
        })
    }
}

// What arrives on a connection after the head of the request that switched it.

/// How much is read at once, in bytes. The room for it is on the stack: a connection on which nothing
/// arrives holds none.
const CHUNK_BYTES: usize = 16 * 1024;

/// The bytes a client sends, in order.
#[derive(Debug)]
pub(super) struct UpgradedPayload {
    /// What came together with the head.
    ahead: Bytes,
    connection: OwnedReadHalf,
    /// The last chunk was full. Whoever reads takes all there is, so others get their turn first.
    yields: bool,
}

impl UpgradedPayload {
    pub(super) fn new(ahead: Bytes, connection: OwnedReadHalf) -> Self {
        Self { ahead, connection, yields: false }
    }
}

impl Stream for UpgradedPayload {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if !self.ahead.is_empty() {
            return Poll::Ready(Some(Ok(mem::take(&mut self.ahead))));
        }
        if mem::take(&mut self.yields) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let mut room = [const { MaybeUninit::uninit() }; CHUNK_BYTES];
        let mut chunk = ReadBuf::uninit(&mut room);
        if ready!(Pin::new(&mut self.connection).poll_read(cx, &mut chunk)).is_err() {
            // However it broke, the client is gone, and did not say goodbye.
            return Poll::Ready(Some(Err(PayloadError::Incomplete(None))));
        }
        self.yields = chunk.remaining() == 0;
        let bytes = Bytes::copy_from_slice(chunk.filled());
        Poll::Ready((!bytes.is_empty()).then_some(Ok(bytes)))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt as _, StreamExt as _};
    use tokio::io::AsyncWriteExt as _;

    use super::*;
    use crate::http::connection::writing_tests::connected;

    #[tokio::test]
    async fn what_came_with_the_head_comes_first() {
        let (server, mut client) = connected().await;
        client.write_all(b"behind").await.expect("it is there");
        drop(client);
        let mut arrival =
            UpgradedPayload::new(Bytes::from_static(b"ahead, "), server.into_split().0);
        let mut all = Vec::new();
        while let Some(bytes) = arrival.next().await {
            all.extend(bytes.expect("it is there"));
        }
        assert_eq!(all, b"ahead, behind");
    }

    #[tokio::test]
    async fn after_a_full_chunk_others_get_their_turn() {
        let (server, mut client) = connected().await;
        client.write_all(&vec![0; 2 * CHUNK_BYTES]).await.expect("it is there");
        let (reader, _writer) = server.into_split();
        let mut arrival = UpgradedPayload::new(Bytes::new(), reader);
        let first = arrival.next().await.expect("a chunk").expect("it is there");
        assert_eq!(first.len(), CHUNK_BYTES);
        assert!(arrival.next().now_or_never().is_none());
        assert!(arrival.next().await.is_some());
    }
}
