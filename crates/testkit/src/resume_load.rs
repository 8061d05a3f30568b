//! A load of reconnecting clients in many conversations: connections are cut every few seconds and the
//! server is killed repeatedly, while messages are sent. Afterwards each client's view must equal a fresh
//! snapshot (G6): nothing twice, nothing missing, nothing out of order.

pub mod clients;

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use clients::{Acknowledged, FinalState, ReconnectingClient, Senders};
use futures_util::future::try_join_all;
use serde_json::{Value, json};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep, timeout_at},
};

use crate::{
    Fault, database,
    fault::same,
    person::{self, Person},
    rest::Rest,
    server::Server,
    test_app::text,
};

/// The parameters of the load.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Connected clients: five per conversation, three of its client and two of its salon.
    pub clients: usize,
    /// Messages a second, over all conversations.
    pub messages_per_second: u32,
    /// How often the server is killed and restarted.
    pub restarts: usize,
    /// The time between restarts.
    pub restart_interval: Duration,
    /// The maximum lifetime of a connection; the minimum is a quarter of it.
    pub cut_after_max: Duration,
}

/// Clients per conversation.
const CLIENTS_PER_ROOM: usize = 5;

/// Runs the load, then compares every view with a fresh snapshot.
///
/// # Errors
/// When an event arrives twice or out of order, or a view differs from a fresh snapshot.
pub async fn run(plan: &Plan, server: &mut Server) -> Result<Outcome, Fault> {
    let rooms = seed(server, plan.clients.div_ceil(CLIENTS_PER_ROOM)).await?;
    let (ended, is_over) = watch::channel(false);
    let mut tasks = JoinSet::new();
    for number in 0..plan.clients {
        let room = rooms[number / CLIENTS_PER_ROOM].clone();
        let client = ReconnectingClient::new(number, room, &server.url(), plan.cut_after_max);
        tasks.spawn(client.run(is_over.clone()));
    }
    let senders = Senders::start(&rooms, &server.url(), plan.messages_per_second, is_over);
    let faults = run_faults(plan, server).await;
    ended.send_replace(true);
    let acknowledged = senders.finish().await?;
    faults?;
    check(tasks, &rooms, &server.url(), &acknowledged).await
}

/// The rooms, shared by their clients.
type Rooms = Vec<Arc<Room>>;

// The faults.

/// Kills and restarts the server as often as planned, with pauses before, between and after.
async fn run_faults(plan: &Plan, server: &mut Server) -> Result<(), Fault> {
    for _ in 0..plan.restarts {
        sleep(plan.restart_interval).await;
        server.kill_9().await?;
        server.restart().await?;
    }
    sleep(plan.restart_interval).await;
    Ok(())
}

// The conversations and their participants.

/// One conversation, and the tokens of its two sides.
#[derive(Debug)]
struct Room {
    conversation: String,
    salon_token: String,
    client_token: String,
}

impl Room {
    /// The token of the connected client with this number: three of five belong to the client.
    fn token_of(&self, number: usize) -> &str {
        if number % 5 < 3 { &self.client_token } else { &self.salon_token }
    }
}

/// Creates `count` conversations.
async fn seed(server: &Server, count: usize) -> Result<Rooms, Fault> {
    let http = Rest::new(&server.url());
    try_join_all((0..count).map(|_| room(server.secret(), &http))).await
}

async fn room(secret: &str, http: &Rest) -> Result<Arc<Room>, Fault> {
    let salon = Person::salon(&database::id("salon"), "Encre Noire");
    let client = Person::client(&database::id("client"), "Camille", "Martin");
    let salon_token = person::mint(secret, &salon, person::LIFETIME_S)?;
    let client_token = person::mint(secret, &client, person::LIFETIME_S)?;
    // The server stores profiles from tokens.
    let hello = "/messaging/conversations/unread/total";
    http.with_token(&client_token).get(hello).await?.expect(200)?;
    let new = json!({ "clientUserId": client.id, "subject": "Tempête" });
    let opened = http.with_token(&salon_token).post("/messaging/conversations", &new).await?;
    let conversation = text(&opened.expect(201)?, "id")?;
    Ok(Arc::new(Room { conversation, salon_token, client_token }))
}

// The check afterwards: each client's view against a fresh snapshot.

/// The maximum time from the last acknowledgement to the last event.
const LAST_EVENT_MAX: Duration = Duration::from_secs(15);

/// The figures of a load after which every view was correct.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outcome {
    /// Clients whose view equalled a fresh snapshot.
    pub clients: usize,
    /// Acknowledged messages, each stored once.
    pub messages: usize,
    /// Reconnects with a `pid` and an offset.
    pub reconnects: usize,
    /// Of those, recovered.
    pub recovered: usize,
    /// Refused connections, after which the stock client does not retry.
    pub refused: usize,
    /// `resync` events, after which a client must load a snapshot.
    pub resyncs: usize,
    /// Messages that a view and the snapshot showed as read by the other side.
    pub shown_read: usize,
    /// Messages that a view and the snapshot showed as unread.
    pub shown_unread: usize,
}

impl Outcome {
    /// The share of recovered reconnects, in tenths of a percent.
    pub fn recovered_per_mille(&self) -> usize {
        self.recovered * 1_000 / self.reconnects.max(1)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { clients, messages, reconnects, recovered, refused, resyncs, .. } = self;
        let Self { shown_read, shown_unread, .. } = self;
        let per_mille = self.recovered_per_mille();
        let (whole, tenth) = (per_mille / 10, per_mille % 10);
        writeln!(
            f,
            "| views equal to a fresh snapshot | messages acknowledged | reconnects | recovered | refused | resyncs | shown read, unread |"
        )?;
        writeln!(f, "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |")?;
        writeln!(
            f,
            "| {clients} of {clients} | {messages} | {reconnects} | {recovered} ({whole}.{tenth} %) | {refused} | {resyncs} | {shown_read}, {shown_unread} |"
        )
    }
}

/// Compares the stored messages, the acknowledged messages and the views.
async fn check(
    mut tasks: JoinSet<Result<FinalState, Fault>>,
    rooms: &Rooms,
    url: &str,
    acknowledged: &Acknowledged,
) -> Result<Outcome, Fault> {
    let http = Rest::new(url);
    for room in rooms {
        let http = http.with_token(&room.salon_token);
        check_stored(room, &messages(&http, &room.conversation).await?, acknowledged)?;
    }
    let mut outcome = Outcome { messages: acknowledged.len(), ..Outcome::default() };
    while let Some(state) = tasks.join_next().await {
        let state = state.map_err(Fault::while_doing("run a client"))??;
        outcome.clients += 1;
        outcome.reconnects += state.reconnects.resumable;
        outcome.recovered += state.reconnects.recovered;
        outcome.refused += state.reconnects.refused;
        outcome.resyncs += state.reconnects.resyncs;
        let messages = compare(state, &http).await?;
        let shown_read = messages.values().filter(|message| message.is_read).count();
        outcome.shown_read += shown_read;
        outcome.shown_unread += messages.len() - shown_read;
    }
    Ok(outcome)
}

/// Checks that exactly the acknowledged messages are stored.
fn check_stored(room: &Room, stored: &Messages, acknowledged: &Acknowledged) -> Result<(), Fault> {
    let promised: BTreeMap<_, _> = acknowledged
        .iter()
        .filter(|((conversation, _), _)| *conversation == room.conversation)
        .map(|((_, id), (seq, content))| (*seq, (id, content)))
        .collect();
    let stored = stored.iter().map(|(seq, message)| (*seq, (&message.id, &message.content)));
    same_by_position("what is stored against what was acknowledged", &stored.collect(), &promised)
}

/// Waits until a view equals a fresh snapshot in texts, read flags and unread total, and returns its
/// messages.
async fn compare(state: FinalState, http: &Rest) -> Result<Messages, Fault> {
    let FinalState { number, room, mut socket, mut view, .. } = state;
    let http = http.with_token(room.token_of(number));
    let fresh = messages(&http, &room.conversation).await?;
    let unread = unread(&http).await?;
    let deadline = Instant::now() + LAST_EVENT_MAX;
    while *view.messages() != fresh || view.unread() != unread {
        match timeout_at(deadline, socket.next()).await {
            Ok(Some(event)) => view.apply(&event)?,
            Ok(None) => {
                return Err(Fault::new(format!("client {number} was disconnected at the end")));
            }
            Err(_) => break,
        }
    }
    socket.catch_up().await?;
    socket.cut();
    while let Some(event) = socket.next().await {
        view.apply(&event)?;
    }
    let what = format!("client {number}, its view against a fresh snapshot");
    same_by_position(&what, view.messages(), &fresh)?;
    same(&format!("client {number}, its unread total"), view.unread(), unread)?;
    Ok(fresh)
}

fn same_by_position<T: PartialEq>(
    what: &str,
    found: &BTreeMap<i64, T>,
    expected: &BTreeMap<i64, T>,
) -> Result<(), Fault> {
    if found == expected {
        return Ok(());
    }
    let lacks: Vec<_> = expected.keys().filter(|seq| !found.contains_key(seq)).collect();
    let extra: Vec<_> = found.keys().filter(|seq| !expected.contains_key(seq)).collect();
    let is_other = |seq: &&i64| expected.get(seq).is_some_and(|other| found[seq] != *other);
    let other: Vec<_> = found.keys().filter(is_other).collect();
    Err(Fault::new(format!(
        "{what}: lacks {lacks:?}, has {extra:?} in excess, shows {other:?} otherwise"
    )))
}

// Fresh snapshots, by REST.

/// Messages by position.
type Messages = BTreeMap<i64, ShownMessage>;

/// A message as shown to a user.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ShownMessage {
    id: String,
    content: String,
    author: String,
    /// Whether the other side has read it.
    is_read: bool,
}

/// Parses a message from an event or a page, with its position.
fn message(value: &Value) -> Result<(i64, ShownMessage), Fault> {
    let lacks = |what: &str| Fault::new(format!("a message without {what}"));
    let shown = ShownMessage {
        id: text(value, "id")?,
        content: text(value, "content")?,
        author: text(&value["sender"], "id")?,
        is_read: value["isRead"].as_bool().ok_or_else(|| lacks("isRead"))?,
    };
    Ok((value["seq"].as_i64().ok_or_else(|| lacks("a position"))?, shown))
}

/// All messages of a conversation.
async fn messages(http: &Rest, conversation: &str) -> Result<Messages, Fault> {
    let path = format!("/messaging/conversations/{conversation}/messages?limit=100");
    let mut messages = Messages::new();
    let mut next = path.clone();
    loop {
        let page = http.get(&next).await?.expect(200)?;
        for value in page["data"].as_array().into_iter().flatten() {
            messages.extend([message(value)?]);
        }
        match page["nextCursor"].as_str() {
            Some(cursor) => next = format!("{path}&cursor={cursor}"),
            None => return Ok(messages),
        }
    }
}

/// The unread total of the client's person.
async fn unread(http: &Rest) -> Result<Option<u64>, Fault> {
    let total = http.get("/messaging/conversations/unread/total").await?.expect(200)?;
    Ok(total["totalUnread"].as_u64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_of_those_who_could_return() {
        let outcome = Outcome { reconnects: 400, recovered: 397, ..Outcome::default() };
        assert_eq!(outcome.recovered_per_mille(), 992);
        assert!(outcome.to_string().contains("397 (99.2 %)"), "{outcome}");
    }

    #[test]
    fn what_is_missing_is_named() {
        let found = BTreeMap::from([(1, "a"), (3, "b")]);
        let expected = BTreeMap::from([(2, "a"), (3, "c")]);
        let fault = same_by_position("screen", &found, &expected).expect_err("they differ");
        let text = "screen: lacks [2], has [1] in excess, shows [3] otherwise";
        assert_eq!(fault.to_string(), text);
    }
}
