//! One client in the storm: comes back after every cut, as the stock client does, and keeps its view.

use std::{sync::Arc, time::Duration};

use serde_json::json;
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout_at},
};

use super::{snapshot, stage::Room, view::View};
use crate::{
    Fault,
    rest::Rest,
    socket::{ConnectError, Memory, Socket},
    wait,
};

/// From the end of a connection to the first try of the next: as the stock client, within its jitter.
const RETURN_MIN_MS: u64 = 200;
const RETURN_SPREAD_MS: u64 = 800;
/// From the first try that failed to the next; doubled after each, and half of it by chance.
const PAUSE_MIN: Duration = Duration::from_secs(1);
/// Never longer than this.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// How often a client came back, and how.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Returns {
    /// With a `pid` and an offset to come back with.
    pub(super) able: usize,
    /// Of those: known again, and told what was missed.
    pub(super) recovered: usize,
    /// Let in by nobody: the stock client leaves it to the page to try again.
    pub(super) refused: usize,
    /// Told that too much was missed.
    pub(super) told_to_resync: usize,
}

/// A client.
#[derive(Debug)]
pub(super) struct Caller {
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
pub(super) struct Survivor {
    pub(super) number: usize,
    pub(super) room: Arc<Room>,
    pub(super) socket: Socket,
    pub(super) view: View,
    pub(super) returns: Returns,
}

impl Caller {
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

    /// Comes and goes until the storm is over, then comes to stay.
    pub(super) async fn call(
        mut self,
        mut until: watch::Receiver<bool>,
    ) -> Result<Survivor, Fault> {
        loop {
            let mut socket = self.come().await?;
            if *until.borrow_and_update() {
                let Self { number, room, view, returns, .. } = self;
                return Ok(Survivor { number, room, socket, view, returns });
            }
            let quarter = self.cut_after_max / 4;
            let stay = quarter + self.up_to(quarter * 3);
            self.listen(&mut socket, Instant::now() + stay).await?;
            let away = self.up_to(Duration::from_millis(RETURN_SPREAD_MS));
            sleep(Duration::from_millis(RETURN_MIN_MS) + away).await;
        }
    }

    /// Comes back, however often it takes.
    async fn come(&mut self) -> Result<Socket, Fault> {
        wait::within("the way back", async {
            let mut pause = PAUSE_MIN;
            loop {
                if let Some(socket) = Box::pin(self.try_to_come()).await {
                    return socket;
                }
                sleep(pause / 2 + self.up_to(pause)).await;
                pause = PAUSE_MAX.min(pause * 2);
            }
        })
        .await
    }

    /// One try; a client whose screen is as it should be then, or nobody.
    async fn try_to_come(&mut self) -> Option<Socket> {
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
        if !socket.is_recovered() && self.begin_again(&socket).await.is_err() {
            // Cut off meanwhile, with nothing on the screen: whoever comes next is new.
            self.memory = Memory::default();
            return None;
        }
        Some(socket)
    }

    /// What a page does that was not recovered: joins, and loads what there is.
    async fn begin_again(&mut self, socket: &Socket) -> Result<(), Fault> {
        let conversation = &self.room.conversation;
        // Only the salon's screens are in sight, so that the client's total grows.
        let visible = self.number % 5 >= 3;
        let here = json!({ "conversationId": conversation, "visible": visible });
        let joined = socket.call_ok("join-conversation", &here).await?;
        let last_seq = joined["lastSeq"].as_i64().unwrap_or_default();
        let http = Rest::new(&self.url).with_token(self.room.token_of(self.number));
        let messages = snapshot::messages(&http, conversation).await?;
        self.view.begin(messages, last_seq);
        Ok(())
    }

    /// Listens until then, and cuts the connection; or until it ends by itself.
    async fn listen(&mut self, socket: &mut Socket, until: Instant) -> Result<(), Fault> {
        let mut until = until;
        while let Ok(event) = timeout_at(until, socket.next()).await {
            let Some(event) = event else { return Ok(()) };
            self.view.hear(&event)?;
            if event.name == "resync" {
                self.returns.told_to_resync += 1;
                if socket.is_recovered() {
                    // What is on the screen is not to be trusted: come again as somebody new.
                    self.memory = Memory::default();
                    until = Instant::now();
                }
            }
        }
        socket.cut();
        while let Some(event) = socket.next().await {
            self.view.hear(&event)?;
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
