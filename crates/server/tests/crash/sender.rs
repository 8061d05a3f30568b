//! Somebody who sends again, under the same key, until there is an acknowledgement.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use serde_json::{Value, json};
use testkit::{Fault, socket::Socket, test_app::text, wait};
use tokio::sync::watch;

/// An acknowledged message: it must be on disk.
#[derive(Clone, Debug)]
pub(crate) struct Receipt {
    pub(crate) author: String,
    pub(crate) key: String,
    pub(crate) id: String,
    pub(crate) seq: i64,
    pub(crate) content: String,
}

/// All that was acknowledged, to everybody.
#[derive(Clone)]
pub(crate) struct Receipts {
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
    pub(crate) async fn reach(&self, count: usize) -> Result<(), Fault> {
        let mut counted = self.count.subscribe();
        let reached = counted.wait_for(|now| *now >= count);
        wait::within(&format!("{count} acknowledgements"), reached)
            .await?
            .map(drop)
            .map_err(Fault::while_doing("count acknowledgements"))
    }

    /// How often something had to be sent again.
    pub(crate) fn retries(&self) -> usize {
        self.retries.load(Ordering::Relaxed)
    }

    /// What there is.
    pub(crate) fn take(&self) -> Vec<Receipt> {
        std::mem::take(&mut self.all.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// One side of the conversation.
pub(crate) struct Sender {
    pub(crate) url: String,
    pub(crate) token: String,
    pub(crate) author: String,
    pub(crate) conversation: String,
    pub(crate) receipts: Receipts,
}

impl Sender {
    /// Says `count` things, over as many sockets as it takes.
    pub(crate) async fn say(&self, round: usize, count: usize) -> Result<(), Fault> {
        let mut left: Vec<String> = (0..count).map(|i| format!("{round}-{i}")).collect();
        wait::until("everything acknowledged", async || {
            if let Ok(socket) = Socket::connect(&self.url, &self.token).await {
                self.try_all(&socket, &mut left).await?;
            }
            Ok(left.is_empty().then_some(()))
        })
        .await
    }

    /// Sends all at once; what is not acknowledged stays in `left`.
    async fn try_all(&self, socket: &Socket, left: &mut Vec<String>) -> Result<(), Fault> {
        let asked: Vec<_> =
            left.iter().map(|key| socket.ask("send-message", &self.message(key))).collect();
        let mut again = Vec::new();
        for (key, answer) in left.drain(..).zip(asked) {
            // No answer: the socket ended, and nobody knows whether the message is there.
            let ack = wait::within("an acknowledgement", answer).await?;
            match ack.ok().filter(|ack| !is_temporary(ack)) {
                Some(ack) => self.receipts.add(self.receipt(&key, &ack)?),
                None => again.push(key),
            }
        }
        self.receipts.retries.fetch_add(again.len(), Ordering::Relaxed);
        *left = again;
        Ok(())
    }

    fn message(&self, key: &str) -> Value {
        json!({
            "conversationId": self.conversation,
            "content": content(key),
            "clientMessageId": key,
        })
    }

    fn receipt(&self, key: &str, ack: &Value) -> Result<Receipt, Fault> {
        let message = &ack["data"];
        let seq = message["seq"].as_i64().filter(|_| ack["ok"] == true);
        Ok(Receipt {
            author: self.author.clone(),
            key: key.to_owned(),
            id: text(message, "id")?,
            seq: seq.ok_or_else(|| Fault::new(format!("an acknowledgement says {ack}")))?,
            content: content(key),
        })
    }
}

fn content(key: &str) -> String {
    format!("Message {key}")
}

/// The one refusal after which the same message is to be sent again.
fn is_temporary(ack: &Value) -> bool {
    ack["ok"] == false && ack["error"]["code"] == "unavailable"
}
