//! Those who talk through the storm: each message is sent again, under its key, until it is acknowledged.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::{
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::{MissedTickBehavior, interval, sleep},
};

use super::{Rooms, stage::Room};
use crate::{
    Fault, fresh,
    rest::{Answer, Rest},
    stage::text,
    wait,
};

/// What was promised to be stored: position and content, by conversation and message id.
pub(super) type Receipts = BTreeMap<(String, String), (i64, String)>;
type Receipt = ((String, String), (i64, String));

/// From the first failed send to the next try; doubled after each.
const PAUSE_MIN: Duration = Duration::from_millis(50);
/// Never longer than this.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// After so many messages of a room its client reads them.
const READING_EVERY: usize = 5;

/// Everybody who talks.
#[derive(Debug)]
pub(super) struct Speakers(JoinHandle<Result<Receipts, Fault>>);

impl Speakers {
    /// Begins to talk, in all rooms in turn, until told otherwise.
    pub(super) fn start(
        rooms: &Rooms,
        url: &str,
        per_second: u32,
        until: watch::Receiver<bool>,
    ) -> Self {
        Self(tokio::spawn(talk(rooms.clone(), Rest::new(url), per_second, until)))
    }

    /// Waits until all that was begun is acknowledged.
    pub(super) async fn finish(self) -> Result<Receipts, Fault> {
        self.0.await.map_err(Fault::while_doing("talk"))?
    }
}

async fn talk(
    rooms: Rooms,
    http: Rest,
    per_second: u32,
    mut until: watch::Receiver<bool>,
) -> Result<Receipts, Fault> {
    let mut ticks = interval(Duration::from_secs(1) / per_second);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut under_way = JoinSet::new();
    let mut reading = JoinSet::new();
    let mut receipts = Receipts::new();
    for (number, room) in rooms.iter().cycle().enumerate() {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = until.wait_for(|over| *over) => break,
        }
        // Whoever waits for an acknowledgement says nothing more: there are two to a room.
        if under_way.len() >= 2 * rooms.len() {
            receipts.extend(next(&mut under_way).await?);
        }
        // Both sides have their say in every room, and now and then the client reads first.
        let round = number / rooms.len();
        if round % READING_EVERY == READING_EVERY - 1 {
            reading.spawn(read(http.clone(), room.clone()));
        }
        under_way.spawn(say(http.clone(), room.clone(), round.is_multiple_of(2)));
    }
    while !under_way.is_empty() {
        receipts.extend(next(&mut under_way).await?);
    }
    while let Some(read) = reading.join_next().await {
        read.map_err(Fault::while_doing("read something"))??;
    }
    Ok(receipts)
}

/// The next acknowledgement, if one is awaited.
async fn next(under_way: &mut JoinSet<Result<Receipt, Fault>>) -> Result<Option<Receipt>, Fault> {
    let said = under_way.join_next().await.transpose();
    said.map_err(Fault::while_doing("say something"))?.transpose()
}

async fn say(http: Rest, room: Arc<Room>, by_salon: bool) -> Result<Receipt, Fault> {
    let token = if by_salon { &room.salon_token } else { &room.client_token };
    let http = http.with_token(token);
    let path = format!("/messaging/conversations/{}/messages", room.conversation);
    let content = fresh::id("message");
    let body = json!({ "content": content, "clientMessageId": content });
    let sent = insist(&http, "POST", &path, &body);
    let stored = wait::within("an acknowledgement", sent).await??.expect(201)?;
    let seq = stored["seq"].as_i64().ok_or_else(|| Fault::new("a message without a position"))?;
    Ok(((room.conversation.clone(), text(&stored, "id")?), (seq, content)))
}

/// The client reads everything there is; the salon does so by having it in sight.
async fn read(http: Rest, room: Arc<Room>) -> Result<(), Fault> {
    let http = http.with_token(&room.client_token);
    let path = format!("/messaging/conversations/{}/mark-read", room.conversation);
    let nothing = json!({});
    let marked = insist(&http, "PATCH", &path, &nothing);
    wait::within("a horizon", marked).await??.expect(204).map(drop)
}

/// Asks until there is an answer that a second try would not change.
async fn insist(http: &Rest, method: &str, path: &str, body: &Value) -> Result<Answer, Fault> {
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
