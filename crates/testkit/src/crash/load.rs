//! People who send over sockets and by REST, each message again under the same key until there is an
//! acknowledgement.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

use crate::{
    Fault, database,
    person::{self, Person},
    rest::Rest,
    server::Server,
    socket::Socket,
    test_app::text,
    wait,
};

// The conversations.

/// A participant, with a token.
#[derive(Clone, Debug)]
pub(super) struct Participant {
    pub(super) id: String,
    pub(super) token: String,
}

/// A conversation.
#[derive(Clone, Debug)]
pub(super) struct Conversation {
    pub(super) id: String,
    pub(super) salon: Participant,
    pub(super) client: Participant,
}

impl Conversation {
    /// Opens one between two new people.
    pub(super) async fn open(server: &Server) -> Result<Self, Fault> {
        let salon = participant(server, Person::salon(&database::id("salon"), "Encre Noire"))?;
        let client = Person::client(&database::id("client"), "Camille", "Martin");
        let client = participant(server, client)?;
        let rest = Rest::new(&server.url());
        // The server stores profiles from tokens.
        let any_path = "/messaging/conversations/unread/total";
        rest.with_token(&client.token).get(any_path).await?.expect(200)?;
        let new = json!({ "clientUserId": client.id, "subject": "Rendez-vous" });
        let opened = rest.with_token(&salon.token).post("/messaging/conversations", &new).await?;
        Ok(Self { id: text(&opened.expect(201)?, "id")?, salon, client })
    }
}

fn participant(server: &Server, person: Person) -> Result<Participant, Fault> {
    let token = person::mint(server.secret(), &person, person::LIFETIME_S)?;
    Ok(Participant { id: person.id, token })
}

// What was acknowledged.

/// An acknowledged message: it must be on disk.
#[derive(Clone, Debug)]
pub(super) struct Receipt {
    pub(super) conversation: String,
    pub(super) author: String,
    pub(super) key: String,
    pub(super) id: String,
    pub(super) seq: i64,
    pub(super) content: String,
}

/// All that was acknowledged, to everybody.
#[derive(Clone, Debug)]
pub(super) struct Receipts {
    all: Arc<Mutex<Vec<Receipt>>>,
    count: watch::Sender<usize>,
    retries: Arc<AtomicUsize>,
}

impl Default for Receipts {
    fn default() -> Self {
        Self { all: Arc::default(), count: watch::Sender::new(0), retries: Arc::default() }
    }
}

impl Receipts {
    fn add(&self, receipt: Receipt) {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(receipt);
        self.count.send_replace(all.len());
    }

    /// Waits until there are so many.
    pub(super) async fn reach(&self, count: usize) -> Result<(), Fault> {
        let mut counted = self.count.subscribe();
        let reached = counted.wait_for(|now| *now >= count);
        wait::within(&format!("{count} acknowledgements"), reached)
            .await?
            .map(drop)
            .map_err(Fault::while_doing("count acknowledgements"))
    }

    /// Their number.
    pub(super) fn count(&self) -> usize {
        *self.count.borrow()
    }

    /// How often something had to be sent again.
    pub(super) fn retries(&self) -> usize {
        self.retries.load(Ordering::Relaxed)
    }

    /// Takes all of them.
    pub(super) fn take(&self) -> Vec<Receipt> {
        std::mem::take(&mut self.all.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

// The senders.

/// The pause after a message that was not acknowledged.
const RETRY_PAUSE: Duration = Duration::from_millis(50);
/// How long one message may take, kills and restarts included.
const ACKNOWLEDGED_WITHIN: Duration = Duration::from_mins(1);
/// A sender that reads marks the conversation as read with each of so many messages.
const READ_EVERY: usize = 5;

/// How a sender reaches the server.
#[derive(Debug)]
pub(super) enum Door {
    /// A socket, while it is connected.
    Socket(Option<Socket>),
    /// REST.
    Rest(Rest),
}

/// Sends to one conversation, one message at a time.
#[derive(Debug)]
pub(super) struct Sender {
    /// Where messages of this sender come from; no other sender has the same name.
    pub(super) name: String,
    pub(super) url: String,
    pub(super) author: Participant,
    pub(super) conversation: String,
    pub(super) door: Door,
    /// Whether it marks the conversation as read from time to time.
    pub(super) reads: bool,
    pub(super) receipts: Receipts,
}

/// What the server answered to one attempt.
enum Answer {
    /// It is done.
    Done(Value),
    /// Nobody knows whether it is done, or there is no room: to be sent again.
    Again,
}

impl Sender {
    /// Sends until `is_over`; the last message too until it is acknowledged.
    pub(super) async fn run(mut self, is_over: watch::Receiver<bool>) -> Result<(), Fault> {
        let mut number: usize = 0;
        while !*is_over.borrow() {
            self.say(&format!("{}-{number}", self.name)).await?;
            if self.reads && number.is_multiple_of(READ_EVERY) {
                // Whether it is done does not matter here: the next one says the same.
                self.mark_read().await?;
            }
            number += 1;
        }
        Ok(())
    }

    async fn say(&mut self, key: &str) -> Result<(), Fault> {
        let deadline = Instant::now() + ACKNOWLEDGED_WITHIN;
        while Instant::now() < deadline {
            if let Answer::Done(message) = self.try_to_say(key).await? {
                self.receipts.add(self.receipt(key, &message)?);
                return Ok(());
            }
            self.receipts.retries.fetch_add(1, Ordering::Relaxed);
            sleep(RETRY_PAUSE).await;
        }
        let seconds = ACKNOWLEDGED_WITHIN.as_secs();
        Err(Fault::new(format!("message {key} was not acknowledged within {seconds} s")))
    }

    async fn try_to_say(&mut self, key: &str) -> Result<Answer, Fault> {
        let message = json!({
            "conversationId": self.conversation,
            "content": content(key),
            "clientMessageId": key,
        });
        let path = format!("/messaging/conversations/{}/messages", self.conversation);
        self.ask("send-message", &message, "POST", &path).await
    }

    async fn mark_read(&mut self) -> Result<Answer, Fault> {
        let what = json!({ "conversationId": self.conversation });
        let path = format!("/messaging/conversations/{}/mark-read", self.conversation);
        self.ask("mark-conversation-as-read", &what, "PATCH", &path).await
    }

    /// Asks through the sender's door: by the event `name` or by `method` and `path`.
    async fn ask(
        &mut self,
        name: &str,
        data: &Value,
        method: &str,
        path: &str,
    ) -> Result<Answer, Fault> {
        match &mut self.door {
            Door::Socket(socket) => {
                if socket.as_ref().is_none_or(Socket::is_over) {
                    *socket = Socket::connect(&self.url, &self.author.token).await.ok();
                }
                let Some(open) = socket else { return Ok(Answer::Again) };
                open.discard_events();
                // No answer: the socket ended.
                match wait::within("an acknowledgement", open.ask(name, data)).await? {
                    Ok(ack) if ack["ok"] == true => Ok(Answer::Done(ack["data"].clone())),
                    Ok(ack) => again(&ack["error"]["code"], &ack),
                    Err(_) => Ok(Answer::Again),
                }
            }
            Door::Rest(rest) => match rest.call(method, path, Some(data)).await {
                Ok(answer) if (200..300).contains(&answer.status) => Ok(Answer::Done(answer.body)),
                Ok(answer) => again(&answer.body["code"], &answer.body),
                // The connection ended.
                Err(_) => Ok(Answer::Again),
            },
        }
    }

    fn receipt(&self, key: &str, message: &Value) -> Result<Receipt, Fault> {
        let seq = message["seq"].as_i64();
        Ok(Receipt {
            conversation: self.conversation.clone(),
            author: self.author.id.clone(),
            key: key.to_owned(),
            id: text(message, "id")?,
            seq: seq.ok_or_else(|| Fault::new(format!("no seq in {message}")))?,
            content: content(key),
        })
    }
}

fn content(key: &str) -> String {
    format!("Message {key}")
}

/// Only two refusals ask for the same message again.
fn again(code: &Value, answer: &Value) -> Result<Answer, Fault> {
    if code == "unavailable" || code == "busy" {
        return Ok(Answer::Again);
    }
    Err(Fault::new(format!("a message was refused: {answer}")))
}
