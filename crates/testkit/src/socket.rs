//! A Socket.IO client: one socket in the namespace `/messaging`, over a WebSocket.

pub mod packet;
pub mod state;

use std::{
    collections::{HashMap, VecDeque},
    mem,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use futures_util::{SinkExt, StreamExt};
use packet::Packet;
use serde_json::{Value, json};
use socket2::SockRef;
use tokio::{
    net::{TcpSocket, TcpStream},
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::Instant,
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message},
};

use crate::{Fault, wait::within};

pub use state::{ConnectError, EndReason, Event, RecoveryState};

/// A connected socket. Answers pings automatically; disconnects when dropped.
#[derive(Debug)]
pub struct Socket {
    commands: mpsc::UnboundedSender<Command>,
    events: mpsc::UnboundedReceiver<Event>,
    buffered: VecDeque<Event>,
    connection: JoinHandle<EndReason>,
    recovered: bool,
}

/// The socket reads nothing while this value exists.
#[derive(Debug)]
pub struct Stall {
    _end: oneshot::Sender<()>,
}

impl Socket {
    /// Connects to the server with this address, with a token.
    ///
    /// # Errors
    /// See [`ConnectError`].
    pub async fn connect(url: &str, token: &str) -> Result<Self, ConnectError> {
        Self::connect_with(url, &json!({ "token": token })).await
    }

    /// Connects with any `auth` object.
    ///
    /// # Errors
    /// See [`ConnectError`].
    pub async fn connect_with(url: &str, auth: &Value) -> Result<Self, ConnectError> {
        Self::open(url, auth, RecoveryState::default(), Network::default()).await
    }

    /// Connects with the recovery state in `recovery`, and updates it from this socket.
    ///
    /// # Errors
    /// See [`ConnectError`].
    pub async fn reconnect(
        url: &str,
        token: &str,
        recovery: &RecoveryState,
    ) -> Result<Self, ConnectError> {
        Self::open(url, &json!({ "token": token }), recovery.clone(), Network::default()).await
    }

    /// Connects with small TCP buffers, so that the server soon notices a client that does not read.
    ///
    /// # Errors
    /// See [`ConnectError`].
    pub async fn connect_narrow(url: &str, token: &str) -> Result<Self, ConnectError> {
        let network = Network { is_narrow: true, ..Network::default() };
        Self::open(url, &json!({ "token": token }), RecoveryState::default(), network).await
    }

    /// Connects from this address of this machine.
    ///
    /// # Errors
    /// See [`ConnectError`].
    pub async fn connect_from(
        address: IpAddr,
        url: &str,
        token: &str,
    ) -> Result<Self, ConnectError> {
        let network = Network { from: Some(address), ..Network::default() };
        Self::open(url, &json!({ "token": token }), RecoveryState::default(), network).await
    }

    async fn open(
        url: &str,
        auth: &Value,
        recovery: RecoveryState,
        network: Network,
    ) -> Result<Self, ConnectError> {
        let address = url.trim_end_matches('/').replacen("http", "ws", 1);
        let address = format!("{address}/socket.io/?EIO=4&transport=websocket");
        let handshake = async {
            let mut connection = Connection::open(&address, recovery, network).await?;
            let outcome = connection.authenticate(auth).await?;
            Ok::<_, Fault>((connection, outcome))
        };
        let (connection, outcome) = within("a socket", handshake).await??;
        let recovered = outcome.map_err(ConnectError::Refused)?;

        let (commands, command_receiver) = mpsc::unbounded_channel();
        let (event_sender, events) = mpsc::unbounded_channel();
        Ok(Self {
            commands,
            events,
            buffered: VecDeque::new(),
            connection: tokio::spawn(connection.serve(command_receiver, event_sender)),
            recovered,
        })
    }

    /// Whether the server recovered the session and replayed the missed events.
    pub fn is_recovered(&self) -> bool {
        self.recovered
    }

    /// Sends an event without an acknowledgement.
    pub fn emit(&self, name: &str, data: &Value) {
        self.command(name, std::slice::from_ref(data), None);
    }

    /// Sends an event; the receiver yields the acknowledgement, or fails when the socket ends first.
    /// Any number may be pending at once.
    pub fn ask(&self, name: &str, data: &Value) -> oneshot::Receiver<Value> {
        self.ask_with(name, std::slice::from_ref(data))
    }

    /// Like [`ask`](Self::ask), with any number of arguments.
    pub fn ask_with(&self, name: &str, arguments: &[Value]) -> oneshot::Receiver<Value> {
        let (answer, receiver) = oneshot::channel();
        self.command(name, arguments, Some(answer));
        receiver
    }

    /// Like [`ask`](Self::ask), with arguments that are JSON already, the event's name first. Any number
    /// of events share them.
    pub fn ask_encoded(&self, arguments: &Arc<str>) -> oneshot::Receiver<Value> {
        let (answer, receiver) = oneshot::channel();
        self.queue(Command::Encoded { arguments: arguments.clone(), answer });
        receiver
    }

    /// Sends an event and waits for the acknowledgement.
    ///
    /// # Errors
    /// When none arrives in time, or the socket ends first.
    pub async fn call(&self, name: &str, data: &Value) -> Result<Value, Fault> {
        let answer = within(name, self.ask(name, data)).await?;
        answer.map_err(Fault::while_doing(format!("get {name} acknowledged")))
    }

    /// Like [`call`](Self::call), but returns `data` of an acknowledgement with `ok: true`.
    ///
    /// # Errors
    /// Also for any other acknowledgement.
    pub async fn call_ok(&self, name: &str, data: &Value) -> Result<Value, Fault> {
        let mut answer = self.call(name, data).await?;
        if answer["ok"] == true {
            return Ok(answer["data"].take());
        }
        Err(Fault::new(format!("{name} was not acknowledged: {answer}")))
    }

    /// Sends a frame unchecked.
    pub fn send_raw(&self, frame: &str) {
        self.queue(Command::Raw(frame.to_owned()));
    }

    /// Waits for the next event called `name`; others are buffered.
    ///
    /// # Errors
    /// When none arrives in time, or the socket ends first.
    pub async fn wait_for(&mut self, name: &str) -> Result<Value, Fault> {
        if let Some(position) = self.buffered.iter().position(|event| event.name == name) {
            return Ok(self.buffered.remove(position).map(|event| event.data).unwrap_or_default());
        }
        within(name, self.wait_for_new(name)).await?
    }

    async fn wait_for_new(&mut self, name: &str) -> Result<Value, Fault> {
        loop {
            match self.events.recv().await {
                Some(event) if event.name == name => return Ok(event.data),
                Some(event) => self.buffered.push_back(event),
                None => return Err(Fault::new(format!("the socket ended before {name}"))),
            }
        }
    }

    /// The next event of any name; `None` when the socket has ended.
    pub async fn next(&mut self) -> Option<Event> {
        match self.buffered.pop_front() {
            Some(event) => Some(event),
            None => self.events.recv().await,
        }
    }

    /// Waits until everything the server has sent so far has arrived, by a round trip.
    ///
    /// # Errors
    /// When the socket ends first.
    pub async fn catch_up(&mut self) -> Result<(), Fault> {
        // Refused at once, since it names no conversation.
        self.call("join-conversation", &json!({})).await?;
        while let Ok(event) = self.events.try_recv() {
            self.buffered.push_back(event);
        }
        Ok(())
    }

    /// Takes the buffered events called `name`.
    pub fn received(&mut self, name: &str) -> Vec<Value> {
        let (named, others): (VecDeque<_>, _) =
            self.buffered.drain(..).partition(|event| event.name == name);
        self.buffered = others;
        named.into_iter().map(|event| event.data).collect()
    }

    /// Takes all unread events that have arrived, without waiting.
    pub fn arrived(&mut self) -> Vec<Event> {
        let mut events: Vec<Event> = self.buffered.drain(..).collect();
        while let Ok(event) = self.events.try_recv() {
            events.push(event);
        }
        events
    }

    /// Whether it has ended.
    pub fn is_over(&self) -> bool {
        self.connection.is_finished()
    }

    /// Catches up, then discards every event so far.
    ///
    /// # Errors
    /// When the socket ends first.
    pub async fn discard_received(&mut self) -> Result<(), Fault> {
        self.catch_up().await?;
        self.buffered.clear();
        Ok(())
    }

    /// From now on drops events as they arrive; acknowledgements still work.
    pub fn discard_events(&mut self) {
        self.events.close();
        self.buffered.clear();
    }

    /// Stops reading from the network until the returned value is dropped. The connection stays
    /// open.
    pub fn stall(&self) -> Stall {
        let (end, ended) = oneshot::channel();
        self.queue(Command::Stall(ended));
        Stall { _end: end }
    }

    /// Drops the connection without a close frame. Events that have arrived can still be read.
    pub fn cut(&self) {
        self.connection.abort();
    }

    /// Waits for the end, and returns its reason.
    ///
    /// # Errors
    /// When it does not end in time.
    pub async fn ended(self) -> Result<EndReason, Fault> {
        within("the end of the socket", self.connection)
            .await?
            .map_err(Fault::while_doing("learn how the socket ended"))
    }

    fn command(&self, name: &str, arguments: &[Value], answer: Option<oneshot::Sender<Value>>) {
        self.queue(Command::Event { name: name.to_owned(), arguments: arguments.to_vec(), answer });
    }

    fn queue(&self, command: Command) {
        // Ignored if the socket has ended; waiting for the acknowledgement then fails.
        self.commands.send(command).ok();
    }
}

// The WebSocket and its task.

type WebSocket = WebSocketStream<TcpStream>;

/// A command from the owner of a socket.
#[derive(Debug)]
enum Command {
    /// Send this frame unchecked.
    Raw(String),
    /// Send an event, with an acknowledgement if wanted.
    Event {
        /// Its name.
        name: String,
        /// Its arguments.
        arguments: Vec<Value>,
        /// Receives the acknowledgement.
        answer: Option<oneshot::Sender<Value>>,
    },
    /// Send an event whose arguments are JSON already, and request an acknowledgement.
    Encoded {
        /// Its name and arguments.
        arguments: Arc<str>,
        /// Receives the acknowledgement.
        answer: oneshot::Sender<Value>,
    },
    /// Read nothing until the sender of this is dropped.
    Stall(oneshot::Receiver<()>),
}

/// A WebSocket that is connecting to, or connected to, the namespace.
#[derive(Debug)]
struct Connection {
    socket: WebSocket,
    pending_acks: HashMap<u64, oneshot::Sender<Value>>,
    last_ack_id: u64,
    recovery: RecoveryState,
    /// Events replayed before the reply to the CONNECT; delivered after it.
    replayed: Vec<Packet>,
}

impl Connection {
    /// Opens a WebSocket.
    async fn open(url: &str, recovery: RecoveryState, network: Network) -> Result<Self, Fault> {
        let stream = open(url, network).await?;
        let (socket, _) =
            client_async(url, stream).await.map_err(Fault::while_doing("open a WebSocket"))?;
        Ok(Self {
            socket,
            pending_acks: HashMap::new(),
            last_ack_id: 0,
            recovery,
            replayed: Vec::new(),
        })
    }

    /// Connects to the namespace. `Ok(Err(reason))` when it is refused; else whether the session was recovered.
    async fn authenticate(&mut self, auth: &Value) -> Result<Result<bool, Value>, Fault> {
        let auth = self.recovery.extend_auth(auth);
        self.send(packet::connect(&auth)).await?;
        loop {
            match self.receive().await? {
                Packet::Connected { pid } => return Ok(Ok(self.recovery.connected(pid))),
                Packet::Refused(reason) => return Ok(Err(reason)),
                Packet::Ping => self.send(packet::PONG.to_owned()).await?,
                Packet::Open | Packet::Noop => {}
                event @ Packet::Event { .. } => self.replayed.push(event),
                other => return Err(Fault::new(format!("{other:?} before the CONNECT reply"))),
            }
        }
    }

    /// Runs until either side ends it.
    async fn serve(
        mut self,
        mut commands: mpsc::UnboundedReceiver<Command>,
        events: mpsc::UnboundedSender<Event>,
    ) -> EndReason {
        for packet in mem::take(&mut self.replayed) {
            if let Err(reason) = self.on_packet(packet, &events).await {
                return reason;
            }
        }
        loop {
            let step = tokio::select! {
                command = commands.recv() => match command {
                    Some(command) => self.execute(command, &mut commands).await,
                    None => return self.close().await,
                },
                frame = self.socket.next() => self.on_frame(frame, &events).await,
            };
            if let Err(reason) = step {
                return reason;
            }
        }
    }

    // Sends all queued commands together.
    async fn execute(
        &mut self,
        first: Command,
        commands: &mut mpsc::UnboundedReceiver<Command>,
    ) -> Result<(), EndReason> {
        let mut next = Some(first);
        while let Some(command) = next {
            match command {
                Command::Raw(frame) => self.socket.feed(Message::text(frame)).await?,
                Command::Event { name, arguments, answer } => {
                    let number = answer.map(|answer| self.expect_ack(answer));
                    let frame = packet::event(&name, &arguments, number);
                    self.socket.feed(Message::text(frame)).await?;
                }
                Command::Encoded { arguments, answer } => {
                    let frame = packet::encoded_event(&arguments, self.expect_ack(answer));
                    self.socket.feed(Message::text(frame)).await?;
                }
                Command::Stall(end) => {
                    self.socket.flush().await?;
                    // Completes when the sender is dropped; nothing is ever sent.
                    end.await.ok();
                }
            }
            next = commands.try_recv().ok();
        }
        Ok(self.socket.flush().await?)
    }

    /// Registers a pending acknowledgement and returns its id.
    fn expect_ack(&mut self, answer: oneshot::Sender<Value>) -> u64 {
        self.last_ack_id += 1;
        self.pending_acks.insert(self.last_ack_id, answer);
        self.last_ack_id
    }

    async fn on_frame(
        &mut self,
        frame: Option<Result<Message, Error>>,
        events: &mpsc::UnboundedSender<Event>,
    ) -> Result<(), EndReason> {
        let text = match frame {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Close(close))) => {
                return Err(EndReason::Closed(close.map(|close| close.code.into())));
            }
            Some(Ok(_)) => return Ok(()),
            Some(Err(_)) | None => return Err(EndReason::Broken),
        };
        let packet =
            packet::decode(&text).map_err(|fault| EndReason::ProtocolError(fault.chain()))?;
        self.on_packet(packet, events).await
    }

    async fn on_packet(
        &mut self,
        packet: Packet,
        events: &mpsc::UnboundedSender<Event>,
    ) -> Result<(), EndReason> {
        match packet {
            Packet::Ping => self.socket.send(Message::text(packet::PONG)).await?,
            Packet::Event { name, data, last } => {
                let at = Instant::now();
                self.recovery.note_offset(last);
                // The receiver may be closed; acknowledgements still work.
                events.send(Event { name, data, at }).ok();
            }
            Packet::Ack { id, data } => {
                if let Some(answer) = self.pending_acks.remove(&id) {
                    answer.send(data).ok();
                }
            }
            Packet::Disconnected => return Err(EndReason::Disconnected),
            Packet::Close => return Err(EndReason::Closed(None)),
            Packet::Open | Packet::Noop | Packet::Connected { .. } | Packet::Refused(_) => {}
        }
        Ok(())
    }

    async fn close(mut self) -> EndReason {
        match self.socket.close(None).await {
            Ok(()) => EndReason::Left,
            Err(_) => EndReason::Broken,
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

impl From<Error> for EndReason {
    fn from(_: Error) -> Self {
        Self::Broken
    }
}

// The TCP connection below a WebSocket.

/// How a connection is made.
#[derive(Clone, Copy, Debug, Default)]
struct Network {
    /// Whether both sides have small buffers.
    is_narrow: bool,
    /// The address of this machine to connect from; any if there is none.
    from: Option<IpAddr>,
}

/// The receive buffer of a narrow connection; the kernel uses about double.
const NARROW_BYTES: u32 = 4_096;
/// The segment size of a network. With the larger loopback segments, the sender's kernel would buffer
/// megabytes for each connection.
const SEGMENT_BYTES: u32 = 1_400;

/// Connects to the server of a `ws://address:port/…` URL. A narrow connection has small buffers on both
/// sides, so that the server soon notices a client that does not read.
async fn open(url: &str, Network { is_narrow, from }: Network) -> Result<TcpStream, Fault> {
    let address = address(url)?;
    let socket = TcpSocket::new_v4().map_err(Fault::while_doing("make a TCP socket"))?;
    if let Some(from) = from {
        socket.bind((from, 0).into()).map_err(Fault::while_doing("choose an address"))?;
    }
    if is_narrow {
        socket
            .set_recv_buffer_size(NARROW_BYTES)
            .and_then(|()| SockRef::from(&socket).set_tcp_mss(SEGMENT_BYTES))
            .map_err(Fault::while_doing("narrow a TCP socket"))?;
    }
    let stream = socket.connect(address).await.map_err(Fault::while_doing("connect"))?;
    stream.set_nodelay(true).map_err(Fault::while_doing("send at once"))?;
    Ok(stream)
}

fn address(url: &str) -> Result<SocketAddr, Fault> {
    let rest = url.strip_prefix("ws://").unwrap_or(url);
    let authority = rest.split_once('/').map_or(rest, |(authority, _)| authority);
    authority.parse().map_err(Fault::while_doing(format!("read the address in {url}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_read_from_the_url() {
        let address = address("ws://127.0.0.1:80/socket.io/?EIO=4").expect("an address");
        assert_eq!(address, SocketAddr::from(([127, 0, 0, 1], 80)));
    }
}
