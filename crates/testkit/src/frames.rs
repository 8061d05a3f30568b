//! A bare WebSocket to the server: any frame, in any order.

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

use crate::{Fault, wait::within};

/// A WebSocket that does nothing by itself.
#[derive(Debug)]
pub struct Frames(WebSocketStream<MaybeTlsStream<TcpStream>>);

/// What the server sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// Text.
    Text(String),
    /// Bytes.
    Binary(Vec<u8>),
    /// Nothing any more: closed or cut.
    End,
}

impl Frames {
    /// Opens a WebSocket of Engine.IO 4, for this session if there is one already.
    ///
    /// # Errors
    /// When the server refuses it.
    pub async fn open(url: &str, sid: Option<&str>) -> Result<Self, Fault> {
        let sid = sid.map(|sid| format!("&sid={sid}")).unwrap_or_default();
        Self::open_at(url, &format!("/socket.io/?EIO=4&transport=websocket{sid}")).await
    }

    /// Opens a WebSocket at the door for clients without Socket.IO.
    ///
    /// # Errors
    /// When the server refuses it.
    pub async fn open_plain(url: &str) -> Result<Self, Fault> {
        Self::open_at(url, "/messaging").await
    }

    async fn open_at(url: &str, path: &str) -> Result<Self, Fault> {
        let address = format!("{}{path}", url.replacen("http", "ws", 1));
        let opened = within("a WebSocket", connect_async(address)).await?;
        let (socket, _) = opened.map_err(Fault::while_doing("open a WebSocket"))?;
        Ok(Self(socket))
    }

    /// Sends a text frame.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn say(&mut self, text: &str) -> Result<(), Fault> {
        self.send(Message::text(text)).await
    }

    /// Sends a binary frame.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn say_bytes(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.send(Message::binary(bytes.to_vec())).await
    }

    async fn send(&mut self, message: Message) -> Result<(), Fault> {
        self.0.send(message).await.map_err(Fault::while_doing("send a frame"))
    }

    /// The next frame.
    ///
    /// # Errors
    /// When there is none in time.
    pub async fn hear(&mut self) -> Result<Frame, Fault> {
        within("a frame", async {
            loop {
                match self.0.next().await {
                    Some(Ok(Message::Text(text))) => return Frame::Text(text.to_string()),
                    Some(Ok(Message::Binary(bytes))) => return Frame::Binary(bytes.to_vec()),
                    Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return Frame::End,
                }
            }
        })
        .await
    }

    /// The next text that begins with this; others are skipped.
    ///
    /// # Errors
    /// When the connection ends first.
    pub async fn hear_text(&mut self, prefix: &str) -> Result<String, Fault> {
        loop {
            match self.hear().await? {
                Frame::Text(text) if text.starts_with(prefix) => return Ok(text),
                Frame::End => return Err(Fault::new(format!("the end came before {prefix}"))),
                Frame::Text(_) | Frame::Binary(_) => {}
            }
        }
    }

    /// Waits until the server has ended it.
    ///
    /// # Errors
    /// When it goes on.
    pub async fn ended(&mut self) -> Result<(), Fault> {
        while self.hear().await? != Frame::End {}
        Ok(())
    }
}
