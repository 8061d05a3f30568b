//! Writing to a client, and parting from it.

use std::{future::poll_fn, io, pin::Pin, time::Duration};

use actix_http::body::{BoxBody, MessageBody as _};
use bytes::Bytes;
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpStream, tcp::OwnedWriteHalf},
    time::timeout,
};

/// How long a client may take nothing of what waits for it. Heartbeats give up long before; this is
/// for what is still under way when they have.
const STALLED_AFTER: Duration = Duration::from_mins(1);

/// Writes all of `bytes`.
///
/// # Errors
/// When the client is gone, or takes nothing any more.
pub(super) async fn write(writer: &mut OwnedWriteHalf, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match timeout(STALLED_AFTER, writer.write(bytes)).await?? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            taken => bytes = &bytes[taken..],
        }
    }
    Ok(())
}

/// Says that nothing follows, and gives the client time to say so too: a connection that is closed
/// while something arrives is reset, and the client may lose what it has not read.
///
/// # Errors
/// When the client is gone.
pub(super) async fn part(mut writer: OwnedWriteHalf, patience: Duration) -> io::Result<()> {
    writer.shutdown().await?;
    let connection: &TcpStream = writer.as_ref();
    let emptied = async {
        while !is_over(connection) {
            connection.readable().await?;
        }
        Ok(())
    };
    timeout(patience, emptied).await.unwrap_or(Ok(()))
}

/// Throws away what has arrived. Whether it was the last.
fn is_over(connection: &TcpStream) -> bool {
    let mut ignored = [0; 1024];
    loop {
        match connection.try_read(&mut ignored) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() != io::ErrorKind::WouldBlock,
        }
    }
}

/// The next bytes of `body`; `None` after the last. One that ends too early counts as a failure of the
/// connection: the client must not take it for whole.
pub(super) async fn next(body: &mut BoxBody) -> Option<io::Result<Bytes>> {
    let bytes = poll_fn(|cx| Pin::new(&mut *body).poll_next(cx)).await?;
    Some(bytes.map_err(|cause| io::Error::other(cause.to_string())))
}

#[cfg(test)]
pub(super) mod tests {
    use tokio::{io::AsyncReadExt as _, net::TcpListener};

    use super::*;

    /// The two ends of a connection.
    pub(in super::super) async fn connected() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let (server, client) = tokio::join!(listener.accept(), TcpStream::connect(address));
        (server.expect("a client").0, client.expect("a server"))
    }

    #[tokio::test]
    async fn a_client_reads_the_end_although_what_it_sent_was_not_read() {
        let (server, mut client) = connected().await;
        client.write_all(&[0; 4096]).await.expect("there is room");
        let (reader, mut writer) = server.into_split();
        drop(reader);
        let reads = async {
            let mut all = String::new();
            client.read_to_string(&mut all).await.expect("no reset");
            drop(client);
            all
        };
        let parts = async {
            write(&mut writer, b"the end").await.expect("the client is there");
            part(writer, Duration::from_mins(1)).await
        };
        let (parted, all) = tokio::join!(parts, reads);
        parted.expect("the client left in order");
        assert_eq!(all, "the end");
    }
}
