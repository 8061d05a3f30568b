//! One of the two who talk.

use serde_json::{Value, json};

use super::Cast;
use crate::{Fault, rest::Rest, socket::Socket, token};

/// Somebody with a token: at the REST interface, and on a socket once connected.
#[derive(Debug)]
pub(super) struct Actor {
    pub(super) id: String,
    pub(super) rest: Rest,
    url: String,
    token: String,
    socket: Option<Socket>,
    /// Messages that waited for them before the play began.
    unread_before: i64,
}

impl Actor {
    /// Somebody who has not come yet.
    pub(super) async fn new(cast: &Cast, token: &str) -> Result<Self, Fault> {
        let mut actor = Self {
            id: token::user_id(token)?,
            rest: Rest::new(&cast.url).with_token(token),
            url: cast.url.clone(),
            token: token.to_owned(),
            socket: None,
            unread_before: 0,
        };
        actor.unread_before = actor.unread().await?;
        Ok(actor)
    }

    /// Opens their socket.
    pub(super) async fn connect(&mut self) -> Result<(), Fault> {
        self.socket = Some(Socket::connect(&self.url, &self.token).await?);
        Ok(())
    }

    /// Their socket.
    pub(super) fn socket(&mut self) -> Result<&mut Socket, Fault> {
        self.socket.as_mut().ok_or_else(|| Fault::new("nobody is connected yet"))
    }

    /// Says something on their socket; the acknowledgement must say `ok`.
    pub(super) async fn call(&mut self, event: &str, data: &Value) -> Result<Value, Fault> {
        self.socket()?.call_ok(event, data).await
    }

    /// Joins a conversation. Hands over its history, newest first, and its last position.
    pub(super) async fn join(&mut self, conversation: &str) -> Result<(Vec<Value>, u64), Fault> {
        let joined =
            self.call("join-conversation", &json!({ "conversationId": conversation })).await?;
        let mut history = self.socket()?.hear("conversation-history").await?;
        let last_seq = joined["lastSeq"].as_u64();
        let last_seq = last_seq.ok_or_else(|| Fault::new(format!("no lastSeq in {joined}")))?;
        match history["messages"].take() {
            Value::Array(messages) => Ok((messages, last_seq)),
            other => Err(Fault::new(format!("a history without messages: {other}"))),
        }
    }

    /// What waits for them, of this play, by REST.
    pub(super) async fn unread(&self) -> Result<i64, Fault> {
        let path = "/messaging/conversations/unread/total";
        let answer = self.rest.get(path).await?.expect(200)?;
        self.of_this_play(&answer)
    }

    /// Waits until their socket is told that so much of this play waits for them. Totals are counted
    /// beside the changes they follow, so an older one may come first.
    pub(super) async fn is_told_unread(&mut self, expected: i64) -> Result<(), Fault> {
        let mut told = Vec::new();
        loop {
            let heard = self.socket()?.hear("unread-count-updated").await;
            let heard = heard.map_err(Fault::while_doing(format!(
                "hear of {expected} unread messages (heard of {told:?})"
            )))?;
            told.push(self.of_this_play(&heard)?);
            if told.last() == Some(&expected) {
                return Ok(());
            }
        }
    }

    fn of_this_play(&self, answer: &Value) -> Result<i64, Fault> {
        let total = answer["totalUnread"].as_i64();
        let total = total.ok_or_else(|| Fault::new(format!("no totalUnread in {answer}")))?;
        Ok(total - self.unread_before)
    }
}
