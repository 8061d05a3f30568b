//! Somebody who watches a conversation, and resumes after each cut where they were.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

use super::load::{Conversation, Participant};
use crate::{
    Fault,
    rest::Rest,
    socket::{Event, RecoveryState, Socket},
    test_app::text,
    wait,
};

const RETRY_PAUSE: Duration = Duration::from_millis(20);
/// How long a watcher may be without a socket. A server that is killed every second may be gone each time
/// before one of them has joined again; that it does not come back at all is noticed by senders.
const JOINED_WITHIN: Duration = Duration::from_mins(5);

/// A socket that has joined a conversation.
#[derive(Debug)]
pub(super) struct Watcher {
    url: String,
    person: Participant,
    conversation: String,
    /// Whether arriving messages are marked as read.
    is_visible: bool,
    recovery: RecoveryState,
    view: View,
    /// The highest position that was received; none before the first join.
    highest: Option<i64>,
}

/// The messages that a watcher has seen.
#[derive(Debug, Default)]
pub(super) struct View {
    pub(super) conversation: String,
    /// Their ids, by position.
    pub(super) messages: BTreeMap<i64, String>,
    /// How many of them arrived over a socket, also after it was recovered or had joined again.
    pub(super) over_socket: usize,
    /// How many had to be read from the log by REST.
    pub(super) from_log: usize,
}

async fn until_true(is_over: &mut watch::Receiver<bool>) {
    // Who tells it is gone: over as well.
    is_over.wait_for(|is_over| *is_over).await.ok();
}

impl Watcher {
    /// Joins the conversation as its client.
    pub(super) async fn join(
        url: &str,
        conversation: &Conversation,
        is_visible: bool,
    ) -> Result<(Self, Socket), Fault> {
        let mut watcher = Self {
            url: url.to_owned(),
            person: conversation.client.clone(),
            conversation: conversation.id.clone(),
            is_visible,
            recovery: RecoveryState::default(),
            view: View { conversation: conversation.id.clone(), ..View::default() },
            highest: None,
        };
        let socket = watcher.connect().await?;
        Ok((watcher, socket))
    }

    /// Watches over `socket`, and those after it, until `is_over`. Then resumes once more, from the log.
    pub(super) async fn run(
        mut self,
        mut socket: Socket,
        mut is_over: watch::Receiver<bool>,
    ) -> Result<View, Fault> {
        loop {
            let event = tokio::select! {
                event = socket.next() => event,
                () = until_true(&mut is_over) => break,
            };
            match event {
                Some(event) => self.apply(&event).await?,
                None => socket = self.connect().await?,
            }
        }
        self.read_log().await?;
        Ok(self.view)
    }

    /// Connects and joins, after the highest position if there is one.
    async fn connect(&mut self) -> Result<Socket, Fault> {
        let deadline = Instant::now() + JOINED_WITHIN;
        while Instant::now() < deadline {
            if let Some(socket) = self.try_to_connect().await? {
                return Ok(socket);
            }
            sleep(RETRY_PAUSE).await;
        }
        Err(Fault::new("no socket has joined in time"))
    }

    async fn try_to_connect(&mut self) -> Result<Option<Socket>, Fault> {
        let connected = Socket::reconnect(&self.url, &self.person.token, &self.recovery).await;
        let Ok(socket) = connected else { return Ok(None) };
        if socket.is_recovered() && self.highest.is_some() {
            return Ok(Some(socket));
        }
        let mut join = json!({ "conversationId": self.conversation, "visible": self.is_visible });
        if let Some(seq) = self.highest {
            join["afterSeq"] = Value::from(seq);
        }
        let Ok(ack) = socket.call("join-conversation", &join).await else { return Ok(None) };
        if ack["ok"] != true {
            return Ok(None);
        }
        if self.highest.is_none() {
            self.highest = ack["data"]["lastSeq"].as_i64();
        } else if ack["data"]["resync"] == true {
            self.read_log().await?;
        }
        Ok(Some(socket))
    }

    async fn apply(&mut self, event: &Event) -> Result<(), Fault> {
        if event.data["conversationId"] != self.conversation.as_str() {
            return Ok(());
        }
        if event.name == "resync" {
            return self.read_log().await;
        }
        // The history of a join is not counted: it is not the event.
        if event.name == "conversation-history" {
            return Ok(());
        }
        if self.note(&event.name, &event.data, event.data["seq"].as_i64())? {
            self.view.over_socket += 1;
        }
        Ok(())
    }

    /// Notes an event. Returns whether it is a message that was not known.
    fn note(&mut self, name: &str, data: &Value, seq: Option<i64>) -> Result<bool, Fault> {
        let Some(seq) = seq else { return Ok(false) };
        let is_new = self.highest.is_none_or(|highest| seq > highest);
        self.highest = self.highest.max(Some(seq));
        if name != "new-message" {
            return Ok(false);
        }
        let id = text(data, "id")?;
        if is_new {
            self.view.messages.insert(seq, id);
            return Ok(true);
        }
        match self.view.messages.get(&seq) {
            Some(known) if *known == id => Ok(false),
            _ => Err(Fault::new(format!("message {id} at {seq} arrived out of order"))),
        }
    }

    /// Reads what follows the highest position.
    async fn read_log(&mut self) -> Result<(), Fault> {
        let deadline = Instant::now() + wait::TIMEOUT;
        while Instant::now() < deadline {
            match self.try_to_read_log().await? {
                Some(has_more) if !has_more => return Ok(()),
                Some(_) => {}
                None => sleep(RETRY_PAUSE).await,
            }
        }
        Err(Fault::new("the log was not read in time"))
    }

    /// Reads a page of it. Returns whether there is more; `None` when it cannot be read now.
    async fn try_to_read_log(&mut self) -> Result<Option<bool>, Fault> {
        let after = self.highest.unwrap_or_default();
        let path = format!(
            "/messaging/conversations/{}/events?after={after}&limit=200",
            self.conversation
        );
        let rest = Rest::new(&self.url).with_token(&self.person.token);
        let answer = rest.get(&path).await.ok().filter(|answer| answer.status != 503);
        let Some(answer) = answer else { return Ok(None) };
        let page = answer.expect(200)?;
        if page["resync"] == true {
            return Err(Fault::new("the log does not reach back to a position received"));
        }
        for event in page["events"].as_array().into_iter().flatten() {
            let name = event["event"].as_str().unwrap_or_default();
            if self.note(name, &event["data"], event["seq"].as_i64())? {
                self.view.from_log += 1;
            }
        }
        self.highest = self.highest.max(page["lastSeq"].as_i64());
        Ok(Some(page["hasMore"] == true))
    }
}
