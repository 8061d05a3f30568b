//! A user of the Socket.IO interface: one socket in the namespace `/messaging`, over a WebSocket.

pub mod packet;
pub mod state;

use std::{
    collections::{HashMap, VecDeque},
    mem,
    net::SocketAddr,
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

pub use state::{ConnectError, EndReason, Event, Memory};

/// A connected socket. Answers the heartbeat by itself; leaves when dropped.
#[derive(Debug)]
pub struct Socket {
    commands: mpsc::UnboundedSender<Command>,
    events: mpsc::UnboundedReceiver<Event>,
    set_aside: VecDeque<Event>,
    link: JoinHandle<EndReason>,
    recovered: bool,
}

/// A socket reads nothing while this exists.
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
        Self::open(url, auth, Memory::default(), false).await
    }

    /// Connects as somebody who may have been here before, and from now on remembers this socket.
    ///
    /// # Errors
    /// See [`ConnectError`].
    pub async fn connect_again(
        url: &str,
        token: &str,
        memory: &Memory,
    ) -> Result<Self, ConnectError> {
        Self::open(url, &json!({ "token": token }), memory.clone(), false).await
    }

    /// Connects over a narrow connection: the system keeps little for a client that does not read.
    ///
    /// # Errors
    /// See [`ConnectError`].
    pub async fn connect_narrow(url: &str, token: &str) -> Result<Self, ConnectError> {
        Self::open(url, &json!({ "token": token }), Memory::default(), true).await
    }

    async fn open(
        url: &str,
        auth: &Value,
        memory: Memory,
        narrow: bool,
    ) -> Result<Self, ConnectError> {
        let address = url.trim_end_matches('/').replacen("http", "ws", 1);
        let address = format!("{address}/socket.io/?EIO=4&transport=websocket");
        let way_in = async {
            let mut link = Link::open(&address, memory, narrow).await?;
            let decision = link.authenticate(auth).await?;
            Ok::<_, Fault>((link, decision))
        };
        let (link, decision) = within("a socket", way_in).await??;
        let recovered = decision.map_err(ConnectError::Refused)?;

        let (commands, commands_taken) = mpsc::unbounded_channel();
        let (events_told, events) = mpsc::unbounded_channel();
        Ok(Self {
            commands,
            events,
            set_aside: VecDeque::new(),
            link: tokio::spawn(link.serve(commands_taken, events_told)),
            recovered,
        })
    }

    /// Whether the server recovered the session and sent what was missed.
    pub fn is_recovered(&self) -> bool {
        self.recovered
    }

    /// Sends an event without an acknowledgement.
    pub fn emit(&self, name: &str, data: &Value) {
        self.command(name, std::slice::from_ref(data), None);
    }

    /// Sends an event; the receiver yields the acknowledgement when it arrives. Fails when the socket
    /// ends first. Many may be under way at once.
    pub fn ask(&self, name: &str, data: &Value) -> oneshot::Receiver<Value> {
        self.ask_with(name, std::slice::from_ref(data))
    }

    /// Like [`ask`](Self::ask), with any number of arguments.
    pub fn ask_with(&self, name: &str, arguments: &[Value]) -> oneshot::Receiver<Value> {
        let (answer, answered) = oneshot::channel();
        self.command(name, arguments, Some(answer));
        answered
    }

    /// Sends an event and waits for the acknowledgement.
    ///
    /// # Errors
    /// When there is none in time, or the socket ends first.
    pub async fn call(&self, name: &str, data: &Value) -> Result<Value, Fault> {
        let answer = within(name, self.ask(name, data)).await?;
        answer.map_err(Fault::while_doing(format!("get {name} acknowledged")))
    }

    /// Like [`call`](Self::call), and hands over `data` of an acknowledgement that says `ok`.
    ///
    /// # Errors
    /// When it says anything else, too.
    pub async fn call_ok(&self, name: &str, data: &Value) -> Result<Value, Fault> {
        let mut answer = self.call(name, data).await?;
        if answer["ok"] == true {
            return Ok(answer["data"].take());
        }
        Err(Fault::new(format!("{name} was not acknowledged: {answer}")))
    }

    /// Sends a frame as it is, right or wrong.
    pub fn send_raw(&self, frame: &str) {
        self.queue(Command::Raw(frame.to_owned()));
    }

    /// The next event called `name`; others are kept for later.
    ///
    /// # Errors
    /// When there is none in time, or the socket ends first.
    pub async fn wait_for(&mut self, name: &str) -> Result<Value, Fault> {
        if let Some(place) = self.set_aside.iter().position(|event| event.name == name) {
            return Ok(self.set_aside.remove(place).map(|event| event.data).unwrap_or_default());
        }
        within(name, self.wait_for_new(name)).await?
    }

    async fn wait_for_new(&mut self, name: &str) -> Result<Value, Fault> {
        loop {
            match self.events.recv().await {
                Some(event) if event.name == name => return Ok(event.data),
                Some(event) => self.set_aside.push_back(event),
                None => return Err(Fault::new(format!("the socket ended before {name}"))),
            }
        }
    }

    /// The next event of any name; `None` when the socket has ended.
    pub async fn next(&mut self) -> Option<Event> {
        match self.set_aside.pop_front() {
            Some(event) => Some(event),
            None => self.events.recv().await,
        }
    }

    /// Waits until all that the server sent to us so far has arrived: it answers in command.
    ///
    /// # Errors
    /// When the socket ends first.
    pub async fn catch_up(&mut self) -> Result<(), Fault> {
        // Refused at once, whatever else goes on: it names no conversation.
        self.call("join-conversation", &json!({})).await?;
        while let Ok(event) = self.events.try_recv() {
            self.set_aside.push_back(event);
        }
        Ok(())
    }

    /// Takes every event called `name` that has arrived and was not read yet.
    pub fn received(&mut self, name: &str) -> Vec<Value> {
        let (named, others): (VecDeque<_>, _) =
            self.set_aside.drain(..).partition(|event| event.name == name);
        self.set_aside = others;
        named.into_iter().map(|event| event.data).collect()
    }

    /// Takes every event that has arrived and was not read yet; waits for none.
    pub fn arrived(&mut self) -> Vec<Event> {
        let mut events: Vec<Event> = self.set_aside.drain(..).collect();
        while let Ok(event) = self.events.try_recv() {
            events.push(event);
        }
        events
    }

    /// Whether it has ended.
    pub fn is_over(&self) -> bool {
        self.link.is_finished()
    }

    /// Catches up, then discards every event so far.
    ///
    /// # Errors
    /// When the socket ends first.
    pub async fn discard_received(&mut self) -> Result<(), Fault> {
        self.catch_up().await?;
        self.set_aside.clear();
        Ok(())
    }

    /// From now on events are dropped as they arrive; acknowledgements still count.
    pub fn discard_events(&mut self) {
        self.events.close();
        self.set_aside.clear();
    }

    /// Stops reading from the network until the answer is dropped. The connection stays.
    pub fn stall(&self) -> Stall {
        let (end, ended) = oneshot::channel();
        self.queue(Command::Stall(ended));
        Stall { _end: end }
    }

    /// Cuts the connection without a close frame, as in a tunnel. What has arrived can still be read.
    pub fn cut(&self) {
        self.link.abort();
    }

    /// How it ended, once it has.
    ///
    /// # Errors
    /// When it goes on.
    pub async fn ended(self) -> Result<EndReason, Fault> {
        within("the end of the socket", self.link)
            .await?
            .map_err(Fault::while_doing("learn how the socket ended"))
    }

    fn command(&self, name: &str, arguments: &[Value], answer: Option<oneshot::Sender<Value>>) {
        self.queue(Command::Event { name: name.to_owned(), arguments: arguments.to_vec(), answer });
    }

    fn queue(&self, command: Command) {
        // On a socket that has ended nothing is sent, and waiting for an answer fails.
        self.commands.send(command).ok();
    }
}

// One WebSocket and the task that serves it.

type WebSocket = WebSocketStream<TcpStream>;

/// What the owner of a socket wants.
#[derive(Debug)]
enum Command {
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

/// A WebSocket that is connecting to, or connected to, the namespace.
#[derive(Debug)]
struct Link {
    socket: WebSocket,
    waiting: HashMap<u64, oneshot::Sender<Value>>,
    asked: u64,
    memory: Memory,
    /// What was replayed before we were admitted; it counts once we are.
    early: Vec<Packet>,
}

impl Link {
    /// Opens a WebSocket, on behalf of somebody who remembers this.
    async fn open(url: &str, memory: Memory, narrow: bool) -> Result<Self, Fault> {
        let pipe = open(url, narrow).await?;
        let (socket, _) =
            client_async(url, pipe).await.map_err(Fault::while_doing("open a WebSocket"))?;
        Ok(Self { socket, waiting: HashMap::new(), asked: 0, memory, early: Vec::new() })
    }

    /// Connects to the namespace. `Ok(Err(reason))` when it is refused; else whether the session was recovered.
    async fn authenticate(&mut self, auth: &Value) -> Result<Result<bool, Value>, Fault> {
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

    /// Runs until either side ends it.
    async fn serve(
        mut self,
        mut commands: mpsc::UnboundedReceiver<Command>,
        events: mpsc::UnboundedSender<Event>,
    ) -> EndReason {
        for packet in mem::take(&mut self.early) {
            if let Err(ending) = self.take(packet, &events).await {
                return ending;
            }
        }
        loop {
            let step = tokio::select! {
                command = commands.recv() => match command {
                    Some(command) => self.execute(command, &mut commands).await,
                    None => return self.leave().await,
                },
                frame = self.socket.next() => self.handle(frame, &events).await,
            };
            if let Err(ending) = step {
                return ending;
            }
        }
    }

    // All that is waiting goes out together.
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
                    let number = answer.map(|answer| self.expect(answer));
                    let frame = packet::event(&name, &arguments, number);
                    self.socket.feed(Message::text(frame)).await?;
                }
                Command::Stall(end) => {
                    self.socket.flush().await?;
                    // Nothing is ever sent: it ends with its other end.
                    end.await.ok();
                }
            }
            next = commands.try_recv().ok();
        }
        Ok(self.socket.flush().await?)
    }

    /// The number under which this acknowledgement is asked for.
    fn expect(&mut self, answer: oneshot::Sender<Value>) -> u64 {
        self.asked += 1;
        self.waiting.insert(self.asked, answer);
        self.asked
    }

    async fn handle(
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
        let packet = packet::decode(&text).map_err(|fault| EndReason::Nonsense(fault.chain()))?;
        self.take(packet, events).await
    }

    async fn take(
        &mut self,
        packet: Packet,
        events: &mpsc::UnboundedSender<Event>,
    ) -> Result<(), EndReason> {
        match packet {
            Packet::Ping => self.socket.send(Message::text(packet::PONG)).await?,
            Packet::Event { name, data, last } => {
                let at = Instant::now();
                self.memory.note_offset(last);
                // Nobody may be listening any more; acknowledgements still count.
                events.send(Event { name, data, at }).ok();
            }
            Packet::Ack { id, data } => {
                if let Some(answer) = self.waiting.remove(&id) {
                    answer.send(data).ok();
                }
            }
            Packet::Disconnected => return Err(EndReason::PutOut),
            Packet::Close => return Err(EndReason::Closed(None)),
            Packet::Open | Packet::Noop | Packet::Connected { .. } | Packet::Refused(_) => {}
        }
        Ok(())
    }

    async fn leave(mut self) -> EndReason {
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

/// What the system may receive on a narrow connection before its owner reads; it takes about double.
const NARROW_BYTES: u32 = 4_096;
/// The segments of a network. Those within one machine are so long that the sender's system holds some
/// megabytes for each connection.
const SEGMENT_BYTES: u32 = 1_400;

/// Connects to the server of a `ws://address:port/…` URL. On a narrow connection the system keeps
/// little for a client that does not read, on either side, so that the server soon notices.
async fn open(url: &str, narrow: bool) -> Result<TcpStream, Fault> {
    let address = address(url)?;
    let socket = TcpSocket::new_v4().map_err(Fault::while_doing("make a TCP socket"))?;
    if narrow {
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
