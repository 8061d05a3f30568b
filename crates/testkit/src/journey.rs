//! One conversation from its opening to its archive and back, between a salon and a client over REST
//! and Socket.IO. Prints what a reader would want to see, and fails at the first thing that is not as
//! promised.

pub mod steps;

use std::{fmt, io::Write};

use serde_json::{Value, json};

use crate::{Fault, person, rest::Rest, socket::Socket};

/// The server, and the tokens of the participants.
#[derive(Clone, Debug)]
pub struct Target {
    /// The address of the server.
    pub url: String,
    /// The token of somebody on the salon side.
    pub salon_token: String,
    /// The token of a client.
    pub client_token: String,
    /// The token of the platform's booking service.
    pub service_token: String,
}

/// The conversation so far.
#[derive(Debug)]
struct Journey<'a> {
    salon: Participant,
    client: Participant,
    conversation: String,
    transcript: Transcript<'a>,
}

/// Runs the conversation and writes its transcript to `out`.
///
/// # Errors
/// Names what differed from what was promised, and in which step.
pub async fn run(target: &Target, out: &mut dyn Write) -> Result<(), Fault> {
    let transcript = Transcript::new(out);
    let mut journey = Journey::open(target, transcript).await?;
    journey.connect().await?;
    journey.ask().await?;
    journey.ask_again().await?;
    journey.read().await?;
    journey.answer().await?;
    journey.photo().await?;
    journey.page().await?;
    journey.delete().await?;
    journey.count().await?;
    journey.list().await?;
    journey.archive_and_come_back().await?;
    journey.transcript.end()
}

// One of the two participants.

/// Somebody with a token: at the REST interface, and on a socket once connected.
#[derive(Debug)]
struct Participant {
    id: String,
    rest: Rest,
    url: String,
    token: String,
    socket: Option<Socket>,
    /// Their unread messages before the journey began.
    unread_before: i64,
}

impl Participant {
    /// A participant without a socket.
    async fn new(target: &Target, token: &str) -> Result<Self, Fault> {
        let mut participant = Self {
            id: person::user_id(token)?,
            rest: Rest::new(&target.url).with_token(token),
            url: target.url.clone(),
            token: token.to_owned(),
            socket: None,
            unread_before: 0,
        };
        participant.unread_before = participant.unread().await?;
        Ok(participant)
    }

    /// Opens their socket.
    async fn connect(&mut self) -> Result<(), Fault> {
        self.socket = Some(Socket::connect(&self.url, &self.token).await?);
        Ok(())
    }

    /// Their socket.
    fn socket(&mut self) -> Result<&mut Socket, Fault> {
        self.socket.as_mut().ok_or_else(|| Fault::new("nobody is connected yet"))
    }

    /// Says something on their socket; the acknowledgement must say `ok`.
    async fn call(&mut self, event: &str, data: &Value) -> Result<Value, Fault> {
        self.socket()?.call_ok(event, data).await
    }

    /// Joins a conversation. Hands over its history, newest first, and its last position.
    async fn join(&mut self, conversation: &str) -> Result<(Vec<Value>, u64), Fault> {
        let joined =
            self.call("join-conversation", &json!({ "conversationId": conversation })).await?;
        let mut history = self.socket()?.wait_for("conversation-history").await?;
        let last_seq = joined["lastSeq"].as_u64();
        let last_seq = last_seq.ok_or_else(|| Fault::new(format!("no lastSeq in {joined}")))?;
        match history["messages"].take() {
            Value::Array(messages) => Ok((messages, last_seq)),
            other => Err(Fault::new(format!("a history without messages: {other}"))),
        }
    }

    /// Their unread messages of this journey, by REST.
    async fn unread(&self) -> Result<i64, Fault> {
        let path = "/messaging/conversations/unread/total";
        let answer = self.rest.get(path).await?.expect(200)?;
        self.of_this_journey(&answer)
    }

    /// Waits until their socket reports this unread total. Totals are counted
    /// beside the changes they follow, so an older one may come first.
    async fn is_told_unread(&mut self, expected: i64) -> Result<(), Fault> {
        let mut told = Vec::new();
        loop {
            let heard = self.socket()?.wait_for("unread-count-updated").await;
            let heard = heard.map_err(Fault::while_doing(format!(
                "hear of {expected} unread messages (heard of {told:?})"
            )))?;
            told.push(self.of_this_journey(&heard)?);
            if told.last() == Some(&expected) {
                return Ok(());
            }
        }
    }

    fn of_this_journey(&self, answer: &Value) -> Result<i64, Fault> {
        let total = answer["totalUnread"].as_i64();
        let total = total.ok_or_else(|| Fault::new(format!("no totalUnread in {answer}")))?;
        Ok(total - self.unread_before)
    }
}

// What a reader of the journey sees.

/// Writes the lines of a conversation: position, speaker, words; and beneath, what came of it.
pub(crate) struct Transcript<'a> {
    out: &'a mut dyn Write,
    checks: u32,
}

impl<'a> Transcript<'a> {
    /// Begins one.
    pub(crate) fn new(out: &'a mut dyn Write) -> Self {
        Self { out, checks: 0 }
    }

    /// The headline of a step.
    pub(crate) fn step(&mut self, title: &str) -> Result<(), Fault> {
        self.line(&format!("\n  {title}"))
    }

    /// A message, as somebody sees it.
    pub(crate) fn message(&mut self, who: &str, message: &Value) -> Result<(), Fault> {
        let words = message["content"].as_str().unwrap_or_default();
        let tick = match message["isRead"].as_bool() {
            Some(true) => "✓✓",
            _ => "✓ ",
        };
        let position = message["seq"].as_u64().unwrap_or_default();
        self.line(&format!("  {position:>4}  {tick}  {who:<7}« {words} »"))
    }

    /// Something that was checked and is as promised.
    pub(crate) fn passed(&mut self, what: &str) -> Result<(), Fault> {
        self.checks += 1;
        self.line(&format!("              · {what}"))
    }

    /// A figure for the reader.
    pub(crate) fn note(&mut self, what: &str) -> Result<(), Fault> {
        self.line(&format!("                {what}"))
    }

    /// The last line.
    pub(crate) fn end(&mut self) -> Result<(), Fault> {
        let checks = self.checks;
        self.line(&format!("\n  All {checks} promises were kept.\n"))
    }

    fn line(&mut self, text: &str) -> Result<(), Fault> {
        writeln!(self.out, "{text}").map_err(Fault::while_doing("write the transcript"))
    }
}

impl fmt::Debug for Transcript<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transcript").field("checks", &self.checks).finish_non_exhaustive()
    }
}
