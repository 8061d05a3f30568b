//! One WebSocket and the task that serves it.

use std::{collections::HashMap, mem};

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::{
    net::TcpStream,
    sync::{mpsc, oneshot},
    time::Instant,
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message},
};

use super::{
    Ending, Event, Memory,
    packet::{self, Packet},
    pipe,
};
use crate::Fault;

type WebSocket = WebSocketStream<TcpStream>;

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
    /// Read nothing until the other end of this is gone.
    Stall(oneshot::Receiver<()>),
}

/// A WebSocket whose namespace is being asked, or has let us in.
#[derive(Debug)]
pub(super) struct Link {
    socket: WebSocket,
    waiting: HashMap<u64, oneshot::Sender<Value>>,
    asked: u64,
    memory: Memory,
    /// What was told again before we were let in; it counts once we are.
    early: Vec<Packet>,
}

impl Link {
    /// Opens a WebSocket, on behalf of somebody who remembers this.
    pub(super) async fn open(url: &str, memory: Memory, narrow: bool) -> Result<Self, Fault> {
        let pipe = pipe::open(url, narrow).await?;
        let (socket, _) =
            client_async(url, pipe).await.map_err(Fault::while_doing("open a WebSocket"))?;
        Ok(Self { socket, waiting: HashMap::new(), asked: 0, memory, early: Vec::new() })
    }

    /// Asks to be let in. `Ok(Err(reason))` when we are not; else whether the session was recovered.
    pub(super) async fn enter(&mut self, auth: &Value) -> Result<Result<bool, Value>, Fault> {
        let auth = self.memory.added_to(auth);
        self.send(packet::connect(&auth)).await?;
        loop {
            match self.receive().await? {
                Packet::Connected { pid } => return Ok(Ok(self.memory.connected(pid))),
                Packet::Refused(reason) => return Ok(Err(reason)),
                Packet::Ping => self.send(packet::PONG.to_owned()).await?,
                Packet::Open | Packet::Noop => {}
                again @ Packet::Event { .. } => self.early.push(again),
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
        for packet in mem::take(&mut self.early) {
            if let Err(ending) = self.take(packet, &events).await {
                return ending;
            }
        }
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
            match order {
                Order::Raw(frame) => self.socket.feed(Message::text(frame)).await?,
                Order::Event { name, arguments, answer } => {
                    let number = answer.map(|answer| self.expect(answer));
                    let frame = packet::event(&name, &arguments, number);
                    self.socket.feed(Message::text(frame)).await?;
                }
                Order::Stall(end) => {
                    self.socket.flush().await?;
                    // Nothing is ever sent: it ends with its other end.
                    end.await.ok();
                }
            }
            next = orders.try_recv().ok();
        }
        Ok(self.socket.flush().await?)
    }

    /// The number under which this acknowledgement is asked for.
    fn expect(&mut self, answer: oneshot::Sender<Value>) -> u64 {
        self.asked += 1;
        self.waiting.insert(self.asked, answer);
        self.asked
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
        let packet = packet::decode(&text).map_err(|fault| Ending::Nonsense(fault.chain()))?;
        self.take(packet, events).await
    }

    async fn take(
        &mut self,
        packet: Packet,
        events: &mpsc::UnboundedSender<Event>,
    ) -> Result<(), Ending> {
        match packet {
            Packet::Ping => self.socket.send(Message::text(packet::PONG)).await?,
            Packet::Event { name, data, last } => {
                let at = Instant::now();
                self.memory.heard(last);
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
            Packet::Open | Packet::Noop | Packet::Connected { .. } | Packet::Refused(_) => {}
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
