//! One client under load: reconnects after every cut like the stock client, and keeps its view.

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
    socket::{ConnectError, Event, RecoveryState, Socket},
    test_app::text,
    wait,
};

/// Delay between a lost connection and the first reconnect attempt: that of the stock client, jitter
/// included.
const RECONNECT_DELAY_MIN_MS: u64 = 200;
const RECONNECT_DELAY_SPREAD_MS: u64 = 800;
/// Delay after the first failed attempt; doubled after each, with random jitter.
const RETRY_PAUSE_MIN: Duration = Duration::from_secs(1);
/// Maximum delay between attempts.
const RETRY_PAUSE_MAX: Duration = Duration::from_secs(5);

/// How often a client reconnected, and with what result.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reconnects {
    /// Reconnects with a `pid` and an offset.
    pub(super) resumable: usize,
    /// Of those, recovered.
    pub(super) recovered: usize,
    /// Refused reconnects; the stock client does not retry them by itself.
    pub(super) refused: usize,
    /// `resync` events: the client missed too much.
    pub(super) resyncs: usize,
}

/// A client.
#[derive(Debug)]
pub(super) struct ReconnectingClient {
    number: usize,
    room: Arc<Room>,
    url: String,
    cut_after_max: Duration,
    recovery: RecoveryState,
    view: View,
    reconnects: Reconnects,
    random_state: u64,
}

/// A client after the load, still connected.
#[derive(Debug)]
pub(super) struct FinalState {
    pub(super) number: usize,
    pub(super) room: Arc<Room>,
    pub(super) socket: Socket,
    pub(super) view: View,
    pub(super) reconnects: Reconnects,
}

impl ReconnectingClient {
    /// The client with this number.
    pub(super) fn new(number: usize, room: Arc<Room>, url: &str, cut_after_max: Duration) -> Self {
        Self {
            number,
            room,
            url: url.to_owned(),
            cut_after_max,
            recovery: RecoveryState::default(),
            view: View::default(),
            reconnects: Reconnects::default(),
            random_state: u64::try_from(number).unwrap_or_default() + 1,
        }
    }

    /// Connects and disconnects until `is_over`, then stays connected.
    pub(super) async fn run(
        mut self,
        mut is_over: watch::Receiver<bool>,
    ) -> Result<FinalState, Fault> {
        loop {
            let mut socket = self.connect().await?;
            if *is_over.borrow_and_update() {
                let Self { number, room, view, reconnects, .. } = self;
                return Ok(FinalState { number, room, socket, view, reconnects });
            }
            let quarter = self.cut_after_max / 4;
            let lifetime = quarter + self.up_to(quarter * 3);
            self.listen(&mut socket, Instant::now() + lifetime).await?;
            let delay = self.up_to(Duration::from_millis(RECONNECT_DELAY_SPREAD_MS));
            sleep(Duration::from_millis(RECONNECT_DELAY_MIN_MS) + delay).await;
        }
    }

    /// Reconnects, with any number of attempts.
    async fn connect(&mut self) -> Result<Socket, Fault> {
        wait::within("a reconnect", async {
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
        let resumable = self.recovery.is_complete();
        let token = self.room.token_of(self.number);
        let socket = match Socket::reconnect(&self.url, token, &self.recovery).await {
            Ok(socket) => socket,
            Err(ConnectError::Refused(_)) => {
                self.reconnects.refused += 1;
                return None;
            }
            Err(ConnectError::Fault(_)) => return None,
        };
        self.reconnects.resumable += usize::from(resumable);
        self.reconnects.recovered += usize::from(resumable && socket.is_recovered());
        if !socket.is_recovered() && self.load_snapshot(&socket).await.is_err() {
            // Cut before the snapshot was loaded: connect as a new client next.
            self.recovery = RecoveryState::default();
            return None;
        }
        Some(socket)
    }

    /// What a client does when it was not recovered: joins and loads a snapshot.
    async fn load_snapshot(&mut self, socket: &Socket) -> Result<(), Fault> {
        let conversation = &self.room.conversation;
        // Only the salon's clients are visible, so that the client's unread total grows.
        let visible = self.number % 5 >= 3;
        let here = json!({ "conversationId": conversation, "visible": visible });
        let joined = socket.call_ok("join-conversation", &here).await?;
        let last_seq = joined["lastSeq"].as_i64().unwrap_or_default();
        let http = Rest::new(&self.url).with_token(self.room.token_of(self.number));
        let messages = resume_load::messages(&http, conversation).await?;
        self.view.reset(messages, last_seq);
        Ok(())
    }

    /// Applies events until the deadline, then cuts the connection; or until it ends by itself.
    async fn listen(&mut self, socket: &mut Socket, deadline: Instant) -> Result<(), Fault> {
        let mut deadline = deadline;
        while let Ok(event) = timeout_at(deadline, socket.next()).await {
            let Some(event) = event else { return Ok(()) };
            self.view.apply(&event)?;
            if event.name == "resync" {
                self.reconnects.resyncs += 1;
                if socket.is_recovered() {
                    // The view is stale: connect again as a new client.
                    self.recovery = RecoveryState::default();
                    deadline = Instant::now();
                }
            }
        }
        socket.cut();
        while let Some(event) = socket.next().await {
            self.view.apply(&event)?;
        }
        Ok(())
    }

    /// A random duration below `most`, the same on every run (xorshift).
    fn up_to(&mut self, most: Duration) -> Duration {
        self.random_state ^= self.random_state << 13;
        self.random_state ^= self.random_state >> 7;
        self.random_state ^= self.random_state << 17;
        most * u32::try_from(self.random_state % 1_000).unwrap_or_default() / 1_000
    }
}

// The senders: each message is retried under its idempotency key until it is acknowledged.

/// The acknowledged messages: position and content, by conversation and message id.
pub(super) type Acknowledged = BTreeMap<(String, String), (i64, String)>;
type Acknowledgement = ((String, String), (i64, String));

/// Delay after the first failed send; doubled after each.
const PAUSE_MIN: Duration = Duration::from_millis(50);
/// Maximum delay between sends.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// The client of a room marks it as read after this many messages.
const MARK_READ_EVERY: usize = 5;

/// The tasks that send.
#[derive(Debug)]
pub(super) struct Senders(JoinHandle<Result<Acknowledged, Fault>>);

impl Senders {
    /// Sends messages to all rooms in turn until `is_over`.
    pub(super) fn start(
        rooms: &Rooms,
        url: &str,
        per_second: u32,
        is_over: watch::Receiver<bool>,
    ) -> Self {
        Self(tokio::spawn(send_messages(rooms.clone(), Rest::new(url), per_second, is_over)))
    }

    /// Waits until all sent messages are acknowledged.
    pub(super) async fn finish(self) -> Result<Acknowledged, Fault> {
        self.0.await.map_err(Fault::while_doing("send messages"))?
    }
}

async fn send_messages(
    rooms: Rooms,
    http: Rest,
    per_second: u32,
    mut is_over: watch::Receiver<bool>,
) -> Result<Acknowledged, Fault> {
    let mut ticks = interval(Duration::from_secs(1) / per_second);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut sends = JoinSet::new();
    let mut reading = JoinSet::new();
    let mut acknowledged = Acknowledged::new();
    for (number, room) in rooms.iter().cycle().enumerate() {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = is_over.wait_for(|over| *over) => break,
        }
        // Backpressure: on average at most two unacknowledged messages per room.
        if sends.len() >= 2 * rooms.len() {
            acknowledged.extend(next(&mut sends).await?);
        }
        // Both sides send in every room in turn, and the client marks messages as read from time to time.
        let round = number / rooms.len();
        if round % MARK_READ_EVERY == MARK_READ_EVERY - 1 {
            reading.spawn(read(http.clone(), room.clone()));
        }
        sends.spawn(send(http.clone(), room.clone(), round.is_multiple_of(2)));
    }
    while !sends.is_empty() {
        acknowledged.extend(next(&mut sends).await?);
    }
    while let Some(read) = reading.join_next().await {
        read.map_err(Fault::while_doing("mark messages as read"))??;
    }
    Ok(acknowledged)
}

/// The next acknowledgement, if any send is in progress.
async fn next(
    sends: &mut JoinSet<Result<Acknowledgement, Fault>>,
) -> Result<Option<Acknowledgement>, Fault> {
    let outcome = sends.join_next().await.transpose();
    outcome.map_err(Fault::while_doing("send a message"))?.transpose()
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

/// The client marks everything as read; for the salon, its visible clients do so automatically.
async fn read(http: Rest, room: Arc<Room>) -> Result<(), Fault> {
    let http = http.with_token(&room.client_token);
    let path = format!("/messaging/conversations/{}/mark-read", room.conversation);
    let nothing = json!({});
    let marked = retry(&http, "PATCH", &path, &nothing);
    wait::within("a read horizon", marked).await??.expect(204).map(drop)
}

/// Retries until there is a response that is not a server error.
async fn retry(http: &Rest, method: &str, path: &str, body: &Value) -> Result<Answer, Fault> {
    let mut pause = PAUSE_MIN;
    loop {
        match http.call(method, path, Some(body)).await {
            Ok(answer) if answer.status < 500 => return Ok(answer),
            // The server is killed, busy or restarting. The request is idempotent.
            Ok(_) | Err(_) => sleep(pause).await,
        }
        pause = PAUSE_MAX.min(pause * 2);
    }
}

// The view of one client: a snapshot, and every event since.

/// One conversation as one client sees it.
#[derive(Debug, Default)]
pub(super) struct View {
    messages: Messages,
    unread: Option<u64>,
}

impl View {
    /// Restarts from a snapshot up to this position; later messages arrive as events.
    pub(super) fn reset(&mut self, mut snapshot: Messages, last_seq: i64) {
        snapshot.retain(|seq, _| *seq <= last_seq);
        self.messages = snapshot;
    }

    /// Applies an event.
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
            return Err(Fault::new(format!("message {seq} arrived twice")));
        }
        if newest.is_some_and(|newest| seq < newest) {
            return Err(Fault::new(format!("message {seq} arrived after {newest:?}")));
        }
        self.messages.insert(seq, message);
        Ok(())
    }

    /// Marks the messages of the other side as read up to a position.
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

    /// The unread total of the client.
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
        view.apply(&event("conversation-read", horizon)).expect("a read horizon");
        let read = view.messages().iter().filter(|(_, message)| message.is_read);
        assert_eq!(read.map(|(seq, _)| *seq).collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn a_message_received_twice_or_late_is_a_fault() {
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
        view.reset(Messages::from([one(1), one(2), one(3)]), 2);
        view.apply(&new_message(3)).expect("not yet received");
        assert_eq!(view.messages().keys().copied().collect::<Vec<_>>(), [1, 2, 3]);
    }
}
