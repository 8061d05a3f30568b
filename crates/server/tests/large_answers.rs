//! Joining, continuing and asking what was missed where there is more than one answer holds: over both entrances and
//! both transports, what is sent, in how many bytes, and that the client is still connected.
#![expect(
    clippy::print_stdout,
    reason = "bytes and times are to be seen, and nothing is asserted of times"
)]

use std::time::Instant;

use serde_json::{Value, json};
use testkit::{
    Fault,
    fault::same,
    person::Person,
    polling::Polling,
    socket::packet::{Frame, Frames},
    test_app::TestApp,
    wait::within,
};

const SERVER: &str = env!("CARGO_BIN_EXE_messaging-server");
/// What one answer may take, in bytes.
const ANSWER_BYTES_MAX: usize = 512 * 1024;
/// Messages of 4,000 emoji: so many with five files each, and so many without.
const FILED: usize = 36;
const LONG: usize = 190;
const EVENT: &str = "42/messaging,";
const ACK: &str = "43/messaging,7";
/// Events that are part of an answer.
const ANSWERS: [&str; 3] = ["conversation-history", "resync", "new-message"];

/// Ways in.
#[derive(Clone, Copy, Debug)]
enum Entrance {
    Polling,
    WebSocket,
    Plain,
}

/// A connected client.
enum Connection {
    Polling(Polling),
    WebSocket(Frames),
    Plain(Frames),
}

/// What one command was answered with.
#[derive(Default)]
struct Answered {
    /// What was told, by name.
    events: Vec<(String, Value)>,
    acknowledgement: Value,
    bytes: usize,
}

impl Connection {
    async fn open(entrance: Entrance, app: &TestApp, person: &Person) -> Result<Self, Fault> {
        let (url, token) = (app.server.url(), app.token(person)?);
        let auth = json!({ "token": token });
        Ok(match entrance {
            Entrance::Polling => {
                let polling = Polling::open(&url).await?;
                polling.enter(&token).await?;
                Self::Polling(polling)
            }
            Entrance::WebSocket => {
                let mut frames = Frames::open(&url, None).await?;
                frames.say(&format!("40/messaging,{auth}")).await?;
                frames.wait_for_text("40/messaging,").await?;
                Self::WebSocket(frames)
            }
            Entrance::Plain => {
                let mut frames = Frames::open_plain(&url).await?;
                frames.say(&json!({ "event": "auth", "data": auth }).to_string()).await?;
                Self::Plain(frames)
            }
        })
    }

    /// Says something, and returns everything that answers it.
    async fn ask(&mut self, event: &str, data: &Value) -> Result<Answered, Fault> {
        match self {
            Self::Polling(polling) => {
                let packet = format!("{EVENT}7{}", json!([event, data]));
                polling.post(packet).await?.expect(200)?;
            }
            Self::WebSocket(frames) => {
                frames.say(&format!("{EVENT}7{}", json!([event, data]))).await?;
            }
            Self::Plain(frames) => {
                frames.say(&json!({ "event": event, "data": data, "id": 7 }).to_string()).await?;
            }
        }
        let mut answered = Answered::default();
        within(event, async {
            while answered.acknowledgement.is_null() {
                for packet in self.receive().await? {
                    answered.take(&packet)?;
                }
            }
            Ok(answered)
        })
        .await?
    }

    /// Waits for an event called `name`.
    async fn named(&mut self, name: &str) -> Result<Value, Fault> {
        within(name, async {
            loop {
                let mut received = Answered::default();
                for packet in self.receive().await? {
                    received.take(&packet)?;
                }
                if let Some((_, data)) = received.events.into_iter().find(|(it, _)| it == name) {
                    return Ok(data);
                }
            }
        })
        .await?
    }

    /// The next packets, or lines.
    async fn receive(&mut self) -> Result<Vec<String>, Fault> {
        match self {
            Self::Polling(polling) => {
                let body = polling.get().await?.expect(200)?;
                let text = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
                Ok(text.split('\u{1e}').map(str::to_owned).collect())
            }
            Self::WebSocket(frames) | Self::Plain(frames) => match frames.receive().await? {
                Frame::Text(text) => Ok(vec![text]),
                other => Err(Fault::new(format!("no text: {other:?}"))),
            },
        }
    }
}

impl Answered {
    /// Reads a packet of Socket.IO, or a line of the plain WebSocket.
    fn take(&mut self, packet: &str) -> Result<(), Fault> {
        let json = |text: &str| -> Result<Value, Fault> {
            serde_json::from_str(text).map_err(Fault::while_doing("read what was said"))
        };
        let (name, data) = if let Some(text) = packet.strip_prefix(EVENT) {
            let mut arguments = json(text)?;
            (arguments[0].take(), arguments[1].take())
        } else if let Some(text) = packet.strip_prefix(ACK) {
            self.acknowledgement = json(text)?[0].take();
            self.bytes += packet.len();
            return Ok(());
        } else if packet.starts_with('{') {
            let mut line = json(packet)?;
            if line["ack"] == 7 {
                self.acknowledgement = line;
                self.bytes += packet.len();
                return Ok(());
            }
            (line["event"].take(), line["data"].take())
        } else {
            return Ok(());
        };
        let name = name.as_str().unwrap_or_default().to_owned();
        if ANSWERS.contains(&name.as_str()) {
            self.bytes += packet.len();
        }
        self.events.push((name, data));
        Ok(())
    }

    fn named(&self, name: &str) -> Result<&Value, Fault> {
        let found = self.events.iter().find(|(it, _)| it == name);
        found.map(|(_, data)| data).ok_or_else(|| Fault::new(format!("no event {name}")))
    }

    fn is_small_enough(&self, entrance: Entrance, what: &str) -> Result<(), Fault> {
        if self.bytes <= ANSWER_BYTES_MAX {
            return Ok(());
        }
        Err(Fault::new(format!("{entrance:?}: {what} took {} bytes", self.bytes)))
    }
}

struct Fixture {
    app: TestApp,
    salon: Person,
    client: Person,
    /// With files on every message.
    filed: String,
    long: String,
}

impl Fixture {
    async fn start() -> Result<Self, Fault> {
        let app = TestApp::start(SERVER).await?;
        let salon = Person::salon("salon-1", "Encre Noire");
        let client = Person::client("client-1", "Camille", "Martin");
        let filed = app.conversation(&salon, &client).await?;
        let long = app.conversation(&salon, &client).await?;
        let rest = app.rest(&salon)?;
        let content = "\u{1f600}".repeat(4_000);
        let address = format!("https://utfs.io/f/{}", "a".repeat(2_000 - 18));
        let file = json!({
            "fileName": "\u{1f600}".repeat(255), "fileUrl": address, "fileType": "image/webp", "fileSize": 10,
        });
        let with_files = json!({ "content": content, "attachments": vec![file; 5] });
        for (conversation, count, body) in
            [(&filed, FILED, with_files), (&long, LONG, json!({ "content": content }))]
        {
            let path = format!("/messaging/conversations/{conversation}/messages");
            for _ in 0..count {
                rest.post(&path, &body).await?.expect(201)?;
            }
        }
        Ok(Self { app, salon, client, filed, long })
    }

    async fn check(&self, entrance: Entrance) -> Result<(), Fault> {
        let mut connection = Box::pin(Connection::open(entrance, &self.app, &self.client)).await?;
        let begun = Instant::now();
        // Out of sight, so that nothing is marked as read and the next entrance finds the same.
        let here = json!({ "conversationId": self.filed, "visible": false });
        let joined = connection.ask("join-conversation", &here).await?;
        let took = begun.elapsed();
        same("joined", &joined.acknowledgement["ok"], &json!(true))?;
        joined.is_small_enough(entrance, "joining")?;
        let history = joined.named("conversation-history")?;
        let sent = history["messages"].as_array().map_or(0, Vec::len);
        same("there is more", &history["hasMore"], &json!(true))?;
        println!(
            "{entrance:?}: joining sent {sent} of {FILED} in {} bytes, {took:?}",
            joined.bytes
        );

        let begun = Instant::now();
        let after = json!({ "conversationId": self.long, "visible": false, "afterSeq": 1 });
        let continued = connection.ask("join-conversation", &after).await?;
        let took = begun.elapsed();
        same("load anew", &continued.acknowledgement["data"]["resync"], &json!(true))?;
        same("what", &continued.named("resync")?["conversationId"], &json!(self.long))?;
        continued.is_small_enough(entrance, "continuing")?;
        let history = continued.named("conversation-history")?;
        let sent = history["messages"].as_array().map_or(0, Vec::len);
        println!(
            "{entrance:?}: continuing sent {sent} of {LONG} in {} bytes, {took:?}",
            continued.bytes
        );

        self.asks_what_was_missed(entrance, &mut connection).await?;
        self.app.message(&self.salon, &self.filed, "Encore là ?").await?;
        same("the next", &connection.named("new-message").await?["content"], &json!("Encore là ?"))
    }

    /// Piece by piece, until there is no more.
    async fn asks_what_was_missed(
        &self,
        entrance: Entrance,
        connection: &mut Connection,
    ) -> Result<(), Fault> {
        let (mut after, mut received, mut answers) = (1, 0, 0);
        loop {
            let from =
                json!({ "conversations": [{ "conversationId": self.long, "afterSeq": after }] });
            let begun = Instant::now();
            let answered = connection.ask("sync", &from).await?;
            let took = begun.elapsed();
            answered.is_small_enough(entrance, "asking")?;
            let page = &answered.acknowledgement["data"]["conversations"][0];
            let sent = page["events"].as_array().map_or(0, Vec::len);
            println!(
                "{entrance:?}: asking after {after} sent {sent} in {} bytes, {took:?}",
                answered.bytes
            );
            received += sent;
            answers += 1;
            if page["hasMore"] == false {
                break;
            }
            let last = page["lastSeq"].as_i64().unwrap_or_default();
            assert!(last > after, "{entrance:?}: it goes on");
            after = last;
        }
        same("what was missed", received, LONG)?;
        assert!(answers > 1, "{entrance:?}: more than one answer");
        Ok(())
    }
}

#[tokio::test]
async fn more_than_an_answer_holds_is_told_in_part_over_every_door_and_nobody_is_closed_for_it()
-> Result<(), Fault> {
    let fixture = Fixture::start().await?;
    for entrance in [Entrance::Polling, Entrance::WebSocket, Entrance::Plain] {
        Box::pin(fixture.check(entrance)).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_page_of_the_rest_interface_is_not_cut() -> Result<(), Fault> {
    let fixture = Fixture::start().await?;
    let rest = fixture.app.rest(&fixture.client)?;
    let path = format!("/messaging/conversations/{}/messages?page=1&limit=100", fixture.filed);
    let page = rest.get(&path).await?.expect(200)?;
    same("messages", page["data"].as_array().map(Vec::len), Some(FILED))?;
    let path = format!("/messaging/conversations/{}/events?after=1&limit=200", fixture.long);
    let page = rest.get(&path).await?.expect(200)?;
    same("events", page["events"].as_array().map(Vec::len), Some(LONG))
}
