//! Requests to go on in another protocol: the application answers them like any other, and what HTTP
//! kept for their connection is let go.

use std::{convert::Infallible, rc::Rc, time::Duration};

use actix_codec::Framed;
use actix_http::{BoxedPayloadStream, Request, body::MessageBody, h1::Codec};
use actix_service::{Service, ServiceFactory, always_ready};
use actix_web::{
    HttpResponse,
    dev::{Payload, ServiceResponse},
};
use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use tokio::net::TcpStream;

use super::{arrival::UpgradedPayload, connection::Connection, shared::Shared};

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
