//! What HTTP leaves of a connection, and the one answer that is still to come on it.

use std::{io, time::Duration};

use actix_codec::Encoder as _;
use actix_http::{
    ConnectionType, StatusCode,
    body::{BoxBody, MessageBody as _},
    h1::{Codec, Message},
};
use actix_web::HttpResponse;
use bytes::BytesMut;
use futures_util::FutureExt as _;
use tokio::{net::tcp::OwnedWriteHalf, task::yield_now};

use super::{
    switched::UpgradedConnection,
    writing::{next, part, write},
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

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures_util::stream;
    use tokio::io::AsyncReadExt as _;

    use super::{super::writing::tests::connected, *};

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
