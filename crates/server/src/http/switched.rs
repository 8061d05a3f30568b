//! A connection that goes on in another protocol.

use std::{io, time::Duration};

use actix_http::body::BoxBody;
use tokio::net::tcp::OwnedWriteHalf;

use super::writing::{next, part, write};

/// A connection with the bytes it is to carry. While there are none, no buffer is held.
pub(super) struct UpgradedConnection {
    pub(super) writer: OwnedWriteHalf,
    pub(super) body: BoxBody,
}

impl UpgradedConnection {
    /// Writes the bytes as they come, and closes.
    ///
    /// # Errors
    /// When the client is gone, or takes nothing any more, or the bytes break off.
    pub(super) async fn carry(mut self, disconnect_timeout: Duration) -> io::Result<()> {
        while let Some(bytes) = next(&mut self.body).await {
            write(&mut self.writer, &bytes?).await?;
        }
        part(self.writer, disconnect_timeout).await
    }
}

#[cfg(test)]
mod tests {
    use actix_http::body::BodyStream;
    use bytes::Bytes;
    use futures_util::stream;
    use tokio::io::AsyncReadExt as _;

    use super::{super::writing::tests::connected, *};

    #[tokio::test]
    async fn bytes_are_carried_as_they_are() {
        let (server, mut client) = connected().await;
        let parts = ["one, ", "two"].map(|part| Ok::<_, io::Error>(Bytes::from(part)));
        let body = BoxBody::new(BodyStream::new(stream::iter(parts)));
        let switched = UpgradedConnection { writer: server.into_split().1, body };
        let reads = async {
            let mut all = String::new();
            client.read_to_string(&mut all).await.expect("a text");
            drop(client);
            all
        };
        let (carried, all) = tokio::join!(switched.carry(Duration::from_mins(1)), reads);
        carried.expect("the client reads to the end");
        assert_eq!(all, "one, two");
    }

    #[tokio::test]
    async fn a_client_that_is_gone_ends_it() {
        let (server, client) = connected().await;
        drop(client);
        let endless = stream::repeat_with(|| Ok::<_, io::Error>(Bytes::from_static(&[0; 1024])));
        let body = BoxBody::new(BodyStream::new(endless));
        let switched = UpgradedConnection { writer: server.into_split().1, body };
        assert!(switched.carry(Duration::ZERO).await.is_err());
    }
}
