//! One WebSocket and the task that serves it.

use std::collections::HashMap;

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::{
    net::TcpStream,
    sync::{mpsc, oneshot},
    time::Instant,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async_with_config,
    tungstenite::{Error, Message},
};

use super::{
    Ending, Event,
    packet::{self, Packet},
};
use crate::Fault;

type WebSocket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// What the owner of a link wants.
#[derive(Debug)]
pub(super) enum Order {
    /// Send this frame as it is.
    Raw(String),
    /// Send an event, and hand over the acknowledgement if one is wanted.
    Event {
        /// Its name.
        name: String,
        /// Its arguments.
        arguments: Vec<Value>,
        /// Who waits for the acknowledgement.
        answer: Option<oneshot::Sender<Value>>,
    },
}

/// A WebSocket whose namespace is being asked, or has let us in.
#[derive(Debug)]
pub(super) struct Link {
    socket: WebSocket,
    waiting: HashMap<u64, oneshot::Sender<Value>>,
    asked: u64,
}

impl Link {
    /// Opens a WebSocket.
    pub(super) async fn open(url: &str) -> Result<Self, Fault> {
        // As browsers and Node.js do: nothing waits for the ACK of what was sent before it.
        let disable_nagle = true;
        let opened = connect_async_with_config(url, None, disable_nagle).await;
        let (socket, _) = opened.map_err(Fault::while_doing("open a WebSocket"))?;
        Ok(Self { socket, waiting: HashMap::new(), asked: 0 })
    }

    /// Asks to be let in; `Ok(Err(reason))` when we are not.
    pub(super) async fn enter(&mut self, auth: &Value) -> Result<Result<(), Value>, Fault> {
        self.send(packet::connect(auth)).await?;
        loop {
            match self.receive().await? {
                Packet::Connected => return Ok(Ok(())),
                Packet::Refused(reason) => return Ok(Err(reason)),
                Packet::Ping => self.send(packet::PONG.to_owned()).await?,
                Packet::Open | Packet::Noop => {}
                other => return Err(Fault::new(format!("{other:?} before the way in"))),
            }
        }
    }

    /// Serves until either side ends it.
    pub(super) async fn serve(
        mut self,
        mut orders: mpsc::UnboundedReceiver<Order>,
        events: mpsc::UnboundedSender<Event>,
    ) -> Ending {
        loop {
            let step = tokio::select! {
                order = orders.recv() => match order {
                    Some(order) => self.obey(order, &mut orders).await,
                    None => return self.leave().await,
                },
                frame = self.socket.next() => self.hear(frame, &events).await,
            };
            if let Err(ending) = step {
                return ending;
            }
        }
    }

    // All that is waiting goes out together.
    async fn obey(
        &mut self,
        first: Order,
        orders: &mut mpsc::UnboundedReceiver<Order>,
    ) -> Result<(), Ending> {
        let mut next = Some(first);
        while let Some(order) = next {
            let frame = self.frame(order);
            self.socket.feed(Message::text(frame)).await?;
            next = orders.try_recv().ok();
        }
        Ok(self.socket.flush().await?)
    }

    fn frame(&mut self, order: Order) -> String {
        match order {
            Order::Raw(frame) => frame,
            Order::Event { name, arguments, answer } => {
                let number = answer.map(|answer| {
                    self.asked += 1;
                    self.waiting.insert(self.asked, answer);
                    self.asked
                });
                packet::event(&name, &arguments, number)
            }
        }
    }

    async fn hear(
        &mut self,
        frame: Option<Result<Message, Error>>,
        events: &mpsc::UnboundedSender<Event>,
    ) -> Result<(), Ending> {
        let text = match frame {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Close(close))) => {
                return Err(Ending::Closed(close.map(|close| close.code.into())));
            }
            Some(Ok(_)) => return Ok(()),
            Some(Err(_)) | None => return Err(Ending::Broken),
        };
        match packet::decode(&text).map_err(|fault| Ending::Nonsense(fault.chain()))? {
            Packet::Ping => self.socket.send(Message::text(packet::PONG)).await?,
            Packet::Event { name, data } => {
                let at = Instant::now();
                // Nobody may be listening any more; acknowledgements still count.
                events.send(Event { name, data, at }).ok();
            }
            Packet::Ack { id, data } => {
                if let Some(answer) = self.waiting.remove(&id) {
                    answer.send(data).ok();
                }
            }
            Packet::Disconnected => return Err(Ending::PutOut),
            Packet::Close => return Err(Ending::Closed(None)),
            Packet::Open | Packet::Noop | Packet::Connected | Packet::Refused(_) => {}
        }
        Ok(())
    }

    async fn leave(mut self) -> Ending {
        match self.socket.close(None).await {
            Ok(()) => Ending::Left,
            Err(_) => Ending::Broken,
        }
    }

    async fn send(&mut self, frame: String) -> Result<(), Fault> {
        self.socket.send(Message::text(frame)).await.map_err(Fault::while_doing("send a frame"))
    }

    async fn receive(&mut self) -> Result<Packet, Fault> {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => return packet::decode(&text),
                Some(Ok(Message::Close(_))) | None => {
                    return Err(Fault::new("the server closed the WebSocket"));
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(Fault::while_doing("receive a frame")(error)),
            }
        }
    }
}

impl From<Error> for Ending {
    fn from(_: Error) -> Self {
        Self::Broken
    }
}
