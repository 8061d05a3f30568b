//! What HTTP leaves of a connection, and the one answer that is still to come on it.

use std::{future::poll_fn, io, pin::Pin, time::Duration};

use actix_codec::Encoder as _;
use actix_http::{
    ConnectionType, StatusCode,
    body::{BoxBody, MessageBody as _},
    h1::{Codec, Message},
};
use actix_web::HttpResponse;
use bytes::{Bytes, BytesMut};
use futures_util::FutureExt as _;
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpStream, tcp::OwnedWriteHalf},
    task::yield_now,
    time::timeout,
};

/// What HTTP leaves of a connection.
pub(super) struct Connection {
    pub(super) writer: OwnedWriteHalf,
    pub(super) codec: Codec,
    /// The end of the answer before.
    pub(super) unsent: BytesMut,
}

impl Connection {
    /// Answers. Returns the connection if it switches; any other answer is written whole, and is the
    /// last.
    ///
    /// # Errors
    /// When the client is gone, or takes nothing any more, or the answer breaks off.
    pub(super) async fn answer(
        mut self,
        response: HttpResponse,
        disconnect_timeout: Duration,
    ) -> io::Result<Option<UpgradedConnection>> {
        let (mut response, mut body) = response.into_parts();
        let is_switched = response.status() == StatusCode::SWITCHING_PROTOCOLS;
        if !is_switched {
            // What comes behind such a request cannot be told from its body.
            response.head_mut().set_connection_type(ConnectionType::Close);
        }
        self.codec.encode(Message::Item((response.into(), body.size())), &mut self.unsent)?;
        if is_switched {
            // Whoever asked for the switch has a first word to say as soon as it gets its turn. It goes
            // with the head, for every packet costs more than all that is done about it here.
            yield_now().await;
            if let Some(Some(first)) = next(&mut body).now_or_never() {
                self.unsent.extend_from_slice(&first?);
            }
            write(&mut self.writer, &self.unsent).await?;
            return Ok(Some(UpgradedConnection { writer: self.writer, body }));
        }
        self.write_body(body).await?;
        part(self.writer, disconnect_timeout).await?;
        Ok(None)
    }

    async fn write_body(&mut self, mut body: BoxBody) -> io::Result<()> {
        let Self { writer, codec, unsent } = self;
        while let Some(bytes) = next(&mut body).await {
            codec.encode(Message::Chunk(Some(bytes?)), unsent)?;
            write(writer, &unsent.split()).await?;
        }
        codec.encode(Message::Chunk(None), unsent)?;
        write(writer, unsent).await
    }
}

// Writing to a client, and parting from it.

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

// A connection that goes on in another protocol.

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
mod connection_tests {
    use super::writing_tests::connected;
    use bytes::Bytes;
    use futures_util::stream;
    use tokio::io::AsyncReadExt as _;

    use super::*;

    /// What a client reads when this is the response, and whether the connection goes on.
    async fn read(response: HttpResponse) -> (String, bool) {
        let (server, mut client) = connected().await;
        let (_reader, writer) = server.into_split();
        let unsent = BytesMut::from("before\r\n");
        let connection = Connection { writer, codec: Codec::default(), unsent };
        let answers = async {
            let answered = connection.answer(response, Duration::from_mins(1)).await;
            answered.expect("the client reads to the end").is_some()
        };
        let reads = async {
            let mut all = String::new();
            client.read_to_string(&mut all).await.expect("a text");
            drop(client);
            all
        };
        let (goes_on, all) = tokio::join!(answers, reads);
        (all, goes_on)
    }

    #[actix_web::test]
    async fn a_switch_is_answered_with_a_head_and_the_connection_goes_on() {
        let switch = HttpResponse::SwitchingProtocols().upgrade("websocket").finish();
        let (text, goes_on) = read(switch).await;
        assert!(goes_on);
        assert!(text.starts_with("before\r\nHTTP/1.1 101 "), "{text}");
        assert!(text.contains("connection: upgrade\r\n"), "{text}");
        assert!(text.ends_with("\r\n\r\n"), "{text}");
    }

    #[actix_web::test]
    async fn the_first_word_after_a_switch_comes_with_the_head() {
        let word = stream::iter([Ok::<_, io::Error>(Bytes::from_static(b"welcome"))]);
        let switch = HttpResponse::SwitchingProtocols().upgrade("websocket").streaming(word);
        let (text, goes_on) = read(switch).await;
        assert!(goes_on);
        assert!(text.ends_with("\r\n\r\nwelcome"), "{text}");
    }

    #[actix_web::test]
    async fn a_refusal_is_an_ordinary_answer_and_the_last() {
        let (text, goes_on) = read(HttpResponse::BadRequest().body("no")).await;
        assert!(!goes_on);
        assert!(text.starts_with("before\r\nHTTP/1.1 400 "), "{text}");
        assert!(text.contains("connection: close\r\n"), "{text}");
        assert!(text.contains("content-length: 2\r\n"), "{text}");
        assert!(text.ends_with("\r\n\r\nno"), "{text}");
    }
}

#[cfg(test)]
pub(crate) mod writing_tests {
    use tokio::{io::AsyncReadExt as _, net::TcpListener};

    use super::*;

    /// The two ends of a connection.
    pub(crate) async fn connected() -> (TcpStream, TcpStream) {
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

#[cfg(test)]
mod switched_tests {
    use super::writing_tests::connected;
    use actix_http::body::BodyStream;
    use bytes::Bytes;
    use futures_util::stream;
    use tokio::io::AsyncReadExt as _;

    use super::*;

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
