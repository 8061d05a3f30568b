//! What arrives on a connection after the head of the request that switched it.

use std::{
    mem::{self, MaybeUninit},
    pin::Pin,
    task::{Context, Poll, ready},
};

use actix_http::error::PayloadError;
use bytes::Bytes;
use futures_util::Stream;
use tokio::{
    io::{AsyncRead as _, ReadBuf},
    net::tcp::OwnedReadHalf,
};

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

    use super::{super::writing::tests::connected, *};

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
