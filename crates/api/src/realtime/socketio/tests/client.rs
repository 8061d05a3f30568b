use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

use super::Node;

/// Longer than anything here takes.
const TIME_LIMIT: Duration = Duration::from_secs(20);
/// What Engine.IO and Socket.IO put in front.
const CONNECT: &str = "40/messaging,";
const REFUSAL: &str = "44/messaging,";
const EVENT: &str = "42/messaging,";
const ACK: &str = "43/messaging,";

/// A client that remembers what the stock one remembers.
pub(super) struct Client {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub(super) sid: String,
    pub(super) pid: String,
    pub(super) offset: String,
    /// What came before it was connected.
    pub(super) replayed: Vec<(String, Value)>,
    /// Events passed over while waiting for an answer.
    waiting: Vec<(String, Value)>,
}

/// What a client that was cut off remembers.
pub(super) struct Memory {
    pub(super) sid: String,
    pub(super) pid: String,
    pub(super) offset: String,
}

impl Memory {
    pub(super) async fn come_back(self, node: &Node, who: &str) -> Client {
        let auth = json!({ "token": who, "pid": self.pid, "offset": self.offset });
        Client::connect_with(node, auth).await
    }
}

impl Client {
    pub(super) async fn connect(node: &Node, who: &str) -> Self {
        Self::connect_with(node, json!({ "token": who })).await
    }

    /// Is cut off, and comes back as what it was.
    pub(super) async fn come_back(self, node: &Node, who: &str) -> Self {
        let memory = self.cut().await;
        memory.come_back(node, who).await
    }

    /// Why `who` is not let in.
    pub(super) async fn refused(node: &Node, who: &str) -> Value {
        Self::refused_with(node, &json!({ "token": who }).to_string()).await
    }

    /// The refusal of a CONNECT with this payload.
    pub(super) async fn refused_with(node: &Node, auth: &str) -> Value {
        let mut client = Self::connect_raw(node, auth).await;
        let text = client.text().await;
        serde_json::from_str(text.strip_prefix(REFUSAL).expect("a refusal")).expect("JSON")
    }

    /// Is neither let in nor refused: the connection ends.
    pub(super) async fn put_off(node: &Node, memory: &Memory, who: &str) {
        let auth = json!({ "token": who, "pid": memory.pid, "offset": memory.offset });
        let last = Self::connect_raw(node, &auth.to_string()).await.closed_with().await;
        assert_eq!(last, "", "nothing is said");
    }

    async fn connect_raw(node: &Node, auth: &str) -> Self {
        let url = format!("ws://{}/socket.io/?EIO=4&transport=websocket", node.address);
        let (stream, _) = connect_async(url).await.expect("the server listens");
        let (replayed, waiting) = (Vec::new(), Vec::new());
        let (sid, pid, offset) = (String::new(), String::new(), String::new());
        let mut client = Self { stream, sid, pid, offset, replayed, waiting };
        assert!(client.text().await.starts_with('0'));
        client.say(format!("{CONNECT}{auth}")).await;
        client
    }

    pub(super) async fn connect_with(node: &Node, auth: Value) -> Self {
        let mut client = Self::connect_raw(node, &auth.to_string()).await;
        loop {
            let text = client.text().await;
            if let Some(welcome) = text.strip_prefix(CONNECT) {
                let welcome: Value = serde_json::from_str(welcome).expect("JSON");
                client.sid = welcome["sid"].as_str().expect("an id").to_owned();
                // Empty where recovery is not on.
                client.pid = welcome["pid"].as_str().unwrap_or_default().to_owned();
                return client;
            }
            let event = client.event(&text);
            client.replayed.push(event);
        }
    }

    /// The connection ends without a word, and the server has noticed.
    pub(super) async fn cut(mut self) -> Memory {
        self.stream.close(None).await.expect("it was open");
        while self.stream.next().await.is_some() {}
        self.memory()
    }

    /// What it would remember if it were cut off now.
    pub(super) fn memory(&self) -> Memory {
        let Self { sid, pid, offset, .. } = self;
        Memory { sid: sid.clone(), pid: pid.clone(), offset: offset.clone() }
    }

    /// Waits until the server ends the connection; returns what it said last.
    pub(super) async fn closed_with(mut self) -> String {
        let mut last = String::new();
        loop {
            let next = tokio::time::timeout(TIME_LIMIT, self.stream.next()).await;
            match next.expect("an end in time") {
                Some(Ok(Message::Text(text))) => text.as_str().clone_into(&mut last),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return last,
            }
        }
    }

    /// Waits until the server disconnects the namespace; returns the packet.
    pub(super) async fn disconnected(mut self) -> String {
        loop {
            let text = self.text().await;
            if text.starts_with("41") {
                return text;
            }
        }
    }

    /// The names of everything that has arrived and was not asked for; the server answers in order.
    pub(super) async fn unasked(&mut self) -> Vec<String> {
        self.ask("leave-conversation", json!({ "conversationId": "nowhere" })).await;
        self.waiting.drain(..).map(|(name, _)| name).collect()
    }

    /// The next event called `wanted`; others are passed over.
    pub(super) async fn named(&mut self, wanted: &str) -> Value {
        loop {
            let (name, payload) = self.next().await;
            if name == wanted {
                return payload;
            }
        }
    }

    pub(super) async fn next(&mut self) -> (String, Value) {
        if self.waiting.is_empty() {
            let text = self.text().await;
            return self.event(&text);
        }
        self.waiting.remove(0)
    }

    /// Sends a command and waits for its answer.
    pub(super) async fn ask(&mut self, event: &str, payload: Value) -> Value {
        self.ask_raw(event, &payload.to_string()).await
    }

    /// Sends a command as it is written here, without asking for an answer.
    pub(super) async fn tell_raw(&mut self, event: &str, payload: &str) {
        self.say(format!("{EVENT}[\"{event}\",{payload}]")).await;
    }

    /// Sends a command as it is written here and waits for its answer.
    pub(super) async fn ask_raw(&mut self, event: &str, payload: &str) -> Value {
        self.say(format!("{EVENT}7[\"{event}\",{payload}]")).await;
        loop {
            let text = self.text().await;
            if let Some(answer) = text.strip_prefix(ACK) {
                let answer: Value = serde_json::from_str(&answer[1..]).expect("JSON");
                return answer[0].clone();
            }
            let event = self.event(&text);
            self.waiting.push(event);
        }
    }

    /// Leaves the namespace and connects to it again, on the same connection; returns the reply.
    pub(super) async fn reconnects(&mut self, who: &str) -> String {
        self.say("41/messaging,".to_owned()).await;
        self.say(format!("{CONNECT}{}", json!({ "token": who }))).await;
        loop {
            let text = self.text().await;
            if !text.starts_with(EVENT) {
                return text;
            }
        }
    }

    async fn say(&mut self, text: String) {
        self.stream.send(Message::text(text)).await.expect("it is open");
    }

    async fn text(&mut self) -> String {
        let message = tokio::time::timeout(TIME_LIMIT, self.stream.next()).await.expect("in time");
        let message = message.expect("it is open").expect("no fault");
        message.into_text().expect("text").as_str().to_owned()
    }

    /// Reads an event as the stock client does: a last argument that is a text is the offset.
    fn event(&mut self, text: &str) -> (String, Value) {
        let json = text.strip_prefix(EVENT).expect("an event");
        let arguments: Vec<Value> = serde_json::from_str(json).expect("JSON");
        match &arguments[..] {
            [Value::String(name), payload] => (name.clone(), payload.clone()),
            [Value::String(name), payload, Value::String(offset)] => {
                offset.clone_into(&mut self.offset);
                (name.clone(), payload.clone())
            }
            _ => panic!("no event of ours: {text}"),
        }
    }
}
