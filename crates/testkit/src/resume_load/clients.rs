//! One client under load: reconnects after every cut, as the stock client does, and keeps its view.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::{
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::{Instant, MissedTickBehavior, interval, sleep, timeout_at},
};

use super::{Messages, Room, Rooms};
use crate::{
    Fault, database,
    rest::{Answer, Rest},
    resume_load,
    socket::{ConnectError, Event, Memory, Socket},
    test_app::text,
    wait,
};

/// From the end of a connection to the first try of the next: as the stock client, within its jitter.
const RETURN_MIN_MS: u64 = 200;
const RETURN_SPREAD_MS: u64 = 800;
/// From the first try that failed to the next; doubled after each, and half of it by chance.
const RETRY_PAUSE_MIN: Duration = Duration::from_secs(1);
/// Never longer than this.
const RETRY_PAUSE_MAX: Duration = Duration::from_secs(5);

/// How often a client came back, and how.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Returns {
    /// With a `pid` and an offset to come back with.
    pub(super) able: usize,
    /// Of those: recovered, and sent what was missed.
    pub(super) recovered: usize,
    /// Refused: the stock client leaves it to the page to try again.
    pub(super) refused: usize,
    /// Told to resync: too much was missed.
    pub(super) told_to_resync: usize,
}

/// A client.
#[derive(Debug)]
pub(super) struct ReconnectingClient {
    number: usize,
    room: Arc<Room>,
    url: String,
    cut_after_max: Duration,
    memory: Memory,
    view: View,
    returns: Returns,
    dice: u64,
}

/// A client when all is over: still connected.
#[derive(Debug)]
pub(super) struct FinalState {
    pub(super) number: usize,
    pub(super) room: Arc<Room>,
    pub(super) socket: Socket,
    pub(super) view: View,
    pub(super) returns: Returns,
}

impl ReconnectingClient {
    /// The client with this number.
    pub(super) fn new(number: usize, room: Arc<Room>, url: &str, cut_after_max: Duration) -> Self {
        Self {
            number,
            room,
            url: url.to_owned(),
            cut_after_max,
            memory: Memory::default(),
            view: View::default(),
            returns: Returns::default(),
            dice: u64::try_from(number).unwrap_or_default() + 1,
        }
    }

    /// Connects and disconnects until the load is over, then stays connected.
    pub(super) async fn run(
        mut self,
        mut until: watch::Receiver<bool>,
    ) -> Result<FinalState, Fault> {
        loop {
            let mut socket = self.connect().await?;
            if *until.borrow_and_update() {
                let Self { number, room, view, returns, .. } = self;
                return Ok(FinalState { number, room, socket, view, returns });
            }
            let quarter = self.cut_after_max / 4;
            let stay = quarter + self.up_to(quarter * 3);
            self.listen(&mut socket, Instant::now() + stay).await?;
            let away = self.up_to(Duration::from_millis(RETURN_SPREAD_MS));
            sleep(Duration::from_millis(RETURN_MIN_MS) + away).await;
        }
    }

    /// Comes back, however often it takes.
    async fn connect(&mut self) -> Result<Socket, Fault> {
        wait::within("the way back", async {
            let mut pause = RETRY_PAUSE_MIN;
            loop {
                if let Some(socket) = Box::pin(self.try_connect()).await {
                    return socket;
                }
                sleep(pause / 2 + self.up_to(pause)).await;
                pause = RETRY_PAUSE_MAX.min(pause * 2);
            }
        })
        .await
    }

    /// One attempt: a socket with an up-to-date view, or none.
    async fn try_connect(&mut self) -> Option<Socket> {
        let able = self.memory.is_complete();
        let token = self.room.token_of(self.number);
        let socket = match Socket::connect_again(&self.url, token, &self.memory).await {
            Ok(socket) => socket,
            Err(ConnectError::Refused(_)) => {
                self.returns.refused += 1;
                return None;
            }
            Err(ConnectError::Fault(_)) => return None,
        };
        self.returns.able += usize::from(able);
        self.returns.recovered += usize::from(able && socket.is_recovered());
        if !socket.is_recovered() && self.load_snapshot(&socket).await.is_err() {
            // Cut off in between, with an empty view: the next connection is a new client.
            self.memory = Memory::default();
            return None;
        }
        Some(socket)
    }

    /// What a page does that was not recovered: joins, and loads what there is.
    async fn load_snapshot(&mut self, socket: &Socket) -> Result<(), Fault> {
        let conversation = &self.room.conversation;
        // Only the salon's screens are in sight, so that the client's total grows.
        let visible = self.number % 5 >= 3;
        let here = json!({ "conversationId": conversation, "visible": visible });
        let joined = socket.call_ok("join-conversation", &here).await?;
        let last_seq = joined["lastSeq"].as_i64().unwrap_or_default();
        let http = Rest::new(&self.url).with_token(self.room.token_of(self.number));
        let messages = resume_load::messages(&http, conversation).await?;
        self.view.begin(messages, last_seq);
        Ok(())
    }

    /// Listens until then, and cuts the connection; or until it ends by itself.
    async fn listen(&mut self, socket: &mut Socket, until: Instant) -> Result<(), Fault> {
        let mut until = until;
        while let Ok(event) = timeout_at(until, socket.next()).await {
            let Some(event) = event else { return Ok(()) };
            self.view.apply(&event)?;
            if event.name == "resync" {
                self.returns.told_to_resync += 1;
                if socket.is_recovered() {
                    // The view is stale: connect again as a new client.
                    self.memory = Memory::default();
                    until = Instant::now();
                }
            }
        }
        socket.cut();
        while let Some(event) = socket.next().await {
            self.view.apply(&event)?;
        }
        Ok(())
    }

    /// Some time below `most`: the same on every run (xorshift).
    fn up_to(&mut self, most: Duration) -> Duration {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        most * u32::try_from(self.dice % 1_000).unwrap_or_default() / 1_000
    }
}

// The senders: each message is sent again, under its key, until it is acknowledged.

/// What was promised to be stored: position and content, by conversation and message id.
pub(super) type Acknowledged = BTreeMap<(String, String), (i64, String)>;
type Acknowledgement = ((String, String), (i64, String));

/// From the first failed send to the next try; doubled after each.
const PAUSE_MIN: Duration = Duration::from_millis(50);
/// Never longer than this.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// After so many messages of a room its client reads them.
const READING_EVERY: usize = 5;

/// The tasks that send.
#[derive(Debug)]
pub(super) struct Senders(JoinHandle<Result<Acknowledged, Fault>>);

impl Senders {
    /// Sends messages to all rooms in turn until `until` says otherwise.
    pub(super) fn start(
        rooms: &Rooms,
        url: &str,
        per_second: u32,
        until: watch::Receiver<bool>,
    ) -> Self {
        Self(tokio::spawn(send_messages(rooms.clone(), Rest::new(url), per_second, until)))
    }

    /// Waits until all that was begun is acknowledged.
    pub(super) async fn finish(self) -> Result<Acknowledged, Fault> {
        self.0.await.map_err(Fault::while_doing("talk"))?
    }
}

async fn send_messages(
    rooms: Rooms,
    http: Rest,
    per_second: u32,
    mut until: watch::Receiver<bool>,
) -> Result<Acknowledged, Fault> {
    let mut ticks = interval(Duration::from_secs(1) / per_second);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut under_way = JoinSet::new();
    let mut reading = JoinSet::new();
    let mut acknowledged = Acknowledged::new();
    for (number, room) in rooms.iter().cycle().enumerate() {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = until.wait_for(|over| *over) => break,
        }
        // A sender that waits for an acknowledgement sends nothing else: there are two to a room.
        if under_way.len() >= 2 * rooms.len() {
            acknowledged.extend(next(&mut under_way).await?);
        }
        // Both sides have their say in every room, and now and then the client reads first.
        let round = number / rooms.len();
        if round % READING_EVERY == READING_EVERY - 1 {
            reading.spawn(read(http.clone(), room.clone()));
        }
        under_way.spawn(send(http.clone(), room.clone(), round.is_multiple_of(2)));
    }
    while !under_way.is_empty() {
        acknowledged.extend(next(&mut under_way).await?);
    }
    while let Some(read) = reading.join_next().await {
        read.map_err(Fault::while_doing("read something"))??;
    }
    Ok(acknowledged)
}

/// The next acknowledgement, if one is awaited.
async fn next(
    under_way: &mut JoinSet<Result<Acknowledgement, Fault>>,
) -> Result<Option<Acknowledgement>, Fault> {
    let said = under_way.join_next().await.transpose();
    said.map_err(Fault::while_doing("say something"))?.transpose()
}

async fn send(http: Rest, room: Arc<Room>, by_salon: bool) -> Result<Acknowledgement, Fault> {
    let token = if by_salon { &room.salon_token } else { &room.client_token };
    let http = http.with_token(token);
    let path = format!("/messaging/conversations/{}/messages", room.conversation);
    let content = database::id("message");
    let body = json!({ "content": content, "clientMessageId": content });
    let sent = retry(&http, "POST", &path, &body);
    let stored = wait::within("an acknowledgement", sent).await??.expect(201)?;
    let seq = stored["seq"].as_i64().ok_or_else(|| Fault::new("a message without a position"))?;
    Ok(((room.conversation.clone(), text(&stored, "id")?), (seq, content)))
}

/// The client reads everything there is; the salon does so by having it in sight.
async fn read(http: Rest, room: Arc<Room>) -> Result<(), Fault> {
    let http = http.with_token(&room.client_token);
    let path = format!("/messaging/conversations/{}/mark-read", room.conversation);
    let nothing = json!({});
    let marked = retry(&http, "PATCH", &path, &nothing);
    wait::within("a horizon", marked).await??.expect(204).map(drop)
}

/// Asks until there is an answer that a second try would not change.
async fn retry(http: &Rest, method: &str, path: &str, body: &Value) -> Result<Answer, Fault> {
    let mut pause = PAUSE_MIN;
    loop {
        match http.call(method, path, Some(body)).await {
            Ok(answer) if answer.status < 500 => return Ok(answer),
            // Killed, busy, or not back yet: a second try is harmless, by its key or by its nature.
            Ok(_) | Err(_) => sleep(pause).await,
        }
        pause = PAUSE_MAX.min(pause * 2);
    }
}

// What one client has on its screen: a snapshot, and every event since.

/// One conversation as one client sees it.
#[derive(Debug, Default)]
pub(super) struct View {
    messages: Messages,
    unread: Option<u64>,
}

impl View {
    /// Begins again with what a snapshot shows up to this position; the rest comes as events.
    pub(super) fn begin(&mut self, mut snapshot: Messages, last_seq: i64) {
        snapshot.retain(|seq, _| *seq <= last_seq);
        self.messages = snapshot;
    }

    /// Takes in an event.
    pub(super) fn apply(&mut self, event: &Event) -> Result<(), Fault> {
        match event.name.as_str() {
            "new-message" => self.add(&event.data),
            "conversation-read" => self.mark_read(&event.data),
            "unread-count-updated" => {
                self.unread = event.data["totalUnread"].as_u64();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn add(&mut self, value: &Value) -> Result<(), Fault> {
        let (seq, message) = resume_load::message(value)?;
        let newest = self.messages.last_key_value().map(|(seq, _)| *seq);
        if self.messages.contains_key(&seq) {
            return Err(Fault::new(format!("message {seq} was told twice")));
        }
        if newest.is_some_and(|newest| seq < newest) {
            return Err(Fault::new(format!("message {seq} was told after {newest:?}")));
        }
        self.messages.insert(seq, message);
        Ok(())
    }

    /// What the other side said is read up to a position, and stays so.
    fn mark_read(&mut self, value: &Value) -> Result<(), Fault> {
        let reader = text(value, "readerId")?;
        let up_to = value["upToSeq"].as_i64();
        let up_to = up_to.ok_or_else(|| Fault::new("a horizon without a position"))?;
        for (_, message) in self.messages.range_mut(..=up_to) {
            message.is_read |= message.author != reader;
        }
        Ok(())
    }

    /// The messages.
    pub(super) fn messages(&self) -> &Messages {
        &self.messages
    }

    /// The unread total that the client shows.
    pub(super) fn unread(&self) -> Option<u64> {
        self.unread
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio::time::Instant;

    use super::*;

    fn new_message(seq: i64) -> Event {
        let author = if seq % 2 == 0 { "salon" } else { "client" };
        event(
            "new-message",
            json!({
                "seq": seq, "id": format!("m-{seq}"), "content": "Bonjour",
                "sender": { "id": author }, "isRead": false,
            }),
        )
    }

    fn event(name: &str, data: Value) -> Event {
        Event { name: name.to_owned(), data, at: Instant::now() }
    }

    #[test]
    fn a_horizon_reads_what_the_other_side_said_up_to_it() {
        let mut view = View::default();
        for seq in 1..=4 {
            view.apply(&new_message(seq)).expect("in order");
        }
        let horizon = json!({ "readerId": "client", "upToSeq": 3 });
        view.apply(&event("conversation-read", horizon)).expect("a horizon");
        let read = view.messages().iter().filter(|(_, message)| message.is_read);
        assert_eq!(read.map(|(seq, _)| *seq).collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn a_message_told_twice_or_late_is_a_fault() {
        let mut view = View::default();
        view.apply(&new_message(2)).expect("the first");
        view.apply(&new_message(4)).expect("positions may be skipped");
        let twice = view.apply(&new_message(4)).expect_err("twice");
        assert!(twice.to_string().contains("twice"), "{twice}");
        let late = view.apply(&new_message(3)).expect_err("late");
        assert!(late.to_string().contains("after"), "{late}");
    }

    #[test]
    fn a_snapshot_counts_up_to_where_events_begin() {
        let one = |seq| super::super::message(&new_message(seq).data).expect("a message");
        let mut view = View::default();
        view.begin(Messages::from([one(1), one(2), one(3)]), 2);
        view.apply(&new_message(3)).expect("not yet told");
        assert_eq!(view.messages().keys().copied().collect::<Vec<_>>(), [1, 2, 3]);
    }
}
