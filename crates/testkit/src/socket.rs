//! A user of the Socket.IO interface: one socket in the namespace `/messaging`, over a WebSocket.

mod link;
mod memory;
mod outcome;
mod packet;
mod pipe;

use std::collections::VecDeque;

use serde_json::{Value, json};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

use crate::{Fault, wait::within};
use link::{Link, Order};
pub use memory::Memory;
pub use outcome::{ConnectError, Ending, Event};

/// A connected socket. Answers the heartbeat by itself; leaves when dropped.
#[derive(Debug)]
pub struct Socket {
    orders: mpsc::UnboundedSender<Order>,
    events: mpsc::UnboundedReceiver<Event>,
    set_aside: VecDeque<Event>,
    link: JoinHandle<Ending>,
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
            let decision = link.enter(auth).await?;
            Ok::<_, Fault>((link, decision))
        };
        let (link, decision) = within("a socket", way_in).await??;
        let recovered = decision.map_err(ConnectError::Refused)?;

        let (orders, orders_taken) = mpsc::unbounded_channel();
        let (events_told, events) = mpsc::unbounded_channel();
        Ok(Self {
            orders,
            events,
            set_aside: VecDeque::new(),
            link: tokio::spawn(link.serve(orders_taken, events_told)),
            recovered,
        })
    }

    /// Whether the server knew us again, and told us what we had missed.
    pub fn is_recovered(&self) -> bool {
        self.recovered
    }

    /// Says something and wants no answer.
    pub fn emit(&self, name: &str, data: &Value) {
        self.order(name, std::slice::from_ref(data), None);
    }

    /// Says something; what comes back is the acknowledgement, when it arrives. Fails when the socket
    /// ends first. Many may be under way at once.
    pub fn ask(&self, name: &str, data: &Value) -> oneshot::Receiver<Value> {
        self.ask_with(name, std::slice::from_ref(data))
    }

    /// Like [`ask`](Self::ask), with any number of arguments.
    pub fn ask_with(&self, name: &str, arguments: &[Value]) -> oneshot::Receiver<Value> {
        let (answer, answered) = oneshot::channel();
        self.order(name, arguments, Some(answer));
        answered
    }

    /// Says something and waits for the acknowledgement.
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
        self.give(Order::Raw(frame.to_owned()));
    }

    /// The next event called `name`; others are kept for later.
    ///
    /// # Errors
    /// When there is none in time, or the socket ends first.
    pub async fn hear(&mut self, name: &str) -> Result<Value, Fault> {
        if let Some(place) = self.set_aside.iter().position(|event| event.name == name) {
            return Ok(self.set_aside.remove(place).map(|event| event.data).unwrap_or_default());
        }
        within(name, self.hear_new(name)).await?
    }

    async fn hear_new(&mut self, name: &str) -> Result<Value, Fault> {
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

    /// Waits until all that the server sent to us so far has arrived: it answers in order.
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

    /// Takes every event called `name` that has arrived and was not heard yet.
    pub fn heard(&mut self, name: &str) -> Vec<Value> {
        let (named, others): (VecDeque<_>, _) =
            self.set_aside.drain(..).partition(|event| event.name == name);
        self.set_aside = others;
        named.into_iter().map(|event| event.data).collect()
    }

    /// Takes every event that has arrived and was not heard yet; waits for none.
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

    /// Catches up, then forgets every event heard so far.
    ///
    /// # Errors
    /// When the socket ends first.
    pub async fn forget(&mut self) -> Result<(), Fault> {
        self.catch_up().await?;
        self.set_aside.clear();
        Ok(())
    }

    /// Stops listening: events are dropped as they arrive, acknowledgements still count.
    pub fn deafen(&mut self) {
        self.events.close();
        self.set_aside.clear();
    }

    /// Stops reading from the network until the answer is dropped. The connection stays.
    pub fn stall(&self) -> Stall {
        let (end, ended) = oneshot::channel();
        self.give(Order::Stall(ended));
        Stall { _end: end }
    }

    /// Cuts the connection without a word, as a tunnel does. What has arrived can still be heard.
    pub fn cut(&self) {
        self.link.abort();
    }

    /// How it ended, once it has.
    ///
    /// # Errors
    /// When it goes on.
    pub async fn ended(self) -> Result<Ending, Fault> {
        within("the end of the socket", self.link)
            .await?
            .map_err(Fault::while_doing("learn how the socket ended"))
    }

    fn order(&self, name: &str, arguments: &[Value], answer: Option<oneshot::Sender<Value>>) {
        self.give(Order::Event { name: name.to_owned(), arguments: arguments.to_vec(), answer });
    }

    fn give(&self, order: Order) {
        // On a socket that has ended nothing is sent, and whoever waits for an answer learns so.
        self.orders.send(order).ok();
    }
}
