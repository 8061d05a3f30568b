//! One conversation between a salon and a client over REST and Socket.IO, from its opening to archiving
//! and reactivation. Prints a transcript, and fails at the first guarantee that does not hold.

pub mod steps;

use std::{fmt, io::Write};

use serde_json::{Value, json};

use crate::{Fault, person, rest::Rest, socket::Socket};

/// The server, and the tokens of the participants.
#[derive(Clone, Debug)]
pub struct Target {
    /// The address of the server.
    pub url: String,
    /// The token of a salon user.
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
/// Names the guarantee that does not hold.
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
    journey.archive_and_reactivate().await?;
    journey.transcript.end()
}

// Participants.

/// A participant: a REST client, and a socket once connected.
#[derive(Debug)]
struct Participant {
    id: String,
    rest: Rest,
    url: String,
    token: String,
    socket: Option<Socket>,
    /// The unread total before the journey.
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

    /// Connects the socket.
    async fn connect(&mut self) -> Result<(), Fault> {
        self.socket = Some(Socket::connect(&self.url, &self.token).await?);
        Ok(())
    }

    /// Their socket.
    fn socket(&mut self) -> Result<&mut Socket, Fault> {
        self.socket.as_mut().ok_or_else(|| Fault::new("not connected yet"))
    }

    /// Sends an event on the socket; the acknowledgement must be `ok`.
    async fn call(&mut self, event: &str, data: &Value) -> Result<Value, Fault> {
        self.socket()?.call_ok(event, data).await
    }

    /// Joins a conversation. Returns its history, newest first, and its last position.
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

    /// The unread messages of this journey, by REST.
    async fn unread(&self) -> Result<i64, Fault> {
        let path = "/messaging/conversations/unread/total";
        let answer = self.rest.get(path).await?.expect(200)?;
        self.without_earlier(&answer)
    }

    /// Waits until the socket reports this unread total. Totals are counted asynchronously, so
    /// older ones may come first.
    async fn wait_for_unread(&mut self, expected: i64) -> Result<(), Fault> {
        let mut totals = Vec::new();
        loop {
            let update = self.socket()?.wait_for("unread-count-updated").await;
            let update = update.map_err(Fault::while_doing(format!(
                "receive an unread total of {expected} (received {totals:?})"
            )))?;
            totals.push(self.without_earlier(&update)?);
            if totals.last() == Some(&expected) {
                return Ok(());
            }
        }
    }

    fn without_earlier(&self, answer: &Value) -> Result<i64, Fault> {
        let total = answer["totalUnread"].as_i64();
        let total = total.ok_or_else(|| Fault::new(format!("no totalUnread in {answer}")))?;
        Ok(total - self.unread_before)
    }
}

// The transcript.

/// Writes messages (position, author, text) and the checks that passed.
pub(crate) struct Transcript<'a> {
    out: &'a mut dyn Write,
    checks: u32,
}

impl<'a> Transcript<'a> {
    /// An empty transcript.
    pub(crate) fn new(out: &'a mut dyn Write) -> Self {
        Self { out, checks: 0 }
    }

    /// Writes the headline of a step.
    pub(crate) fn step(&mut self, title: &str) -> Result<(), Fault> {
        self.line(&format!("\n  {title}"))
    }

    /// Writes a message as a participant sees it.
    pub(crate) fn message(&mut self, who: &str, message: &Value) -> Result<(), Fault> {
        let words = message["content"].as_str().unwrap_or_default();
        let tick = match message["isRead"].as_bool() {
            Some(true) => "✓✓",
            _ => "✓ ",
        };
        let position = message["seq"].as_u64().unwrap_or_default();
        self.line(&format!("  {position:>4}  {tick}  {who:<7}« {words} »"))
    }

    /// Writes a check that passed.
    pub(crate) fn passed(&mut self, what: &str) -> Result<(), Fault> {
        self.checks += 1;
        self.line(&format!("              · {what}"))
    }

    /// Writes a figure.
    pub(crate) fn note(&mut self, what: &str) -> Result<(), Fault> {
        self.line(&format!("                {what}"))
    }

    /// Writes the last line.
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
