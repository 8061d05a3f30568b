//! Question, retry, receipt, answer.

use serde_json::{Value, json};

use super::Play;
use crate::{Fault, fault::same, stage::text};

const QUESTION: &str = "Bonjour, samedi 14 h est possible ?";
const QUESTION_KEY: &str = "question-1";
const ANSWER: &str = "Oui, samedi 14 h, c'est noté. À bientôt !";

impl Play<'_> {
    fn message(&self, content: &str, key: &str) -> Value {
        json!({
            "conversationId": self.conversation,
            "content": content,
            "clientMessageId": key,
        })
    }

    /// The client asks. The salon, elsewhere in its application, sees its badge change.
    pub(super) async fn ask(&mut self) -> Result<(), Fault> {
        self.transcript.step("The client asks; the salon is busy elsewhere")?;
        let message = self.message(QUESTION, QUESTION_KEY);
        let sent = self.client.call("send-message", &message).await?;
        let seen = self.client.socket()?.hear("new-message").await?;
        same("the message in the room", text(&seen, "id")?, text(&sent, "id")?)?;
        same("read already", sent["isRead"].as_bool(), Some(false))?;
        self.transcript.says("client", &sent)?;
        self.salon.is_told_unread(1).await?;
        self.transcript.holds("the salon's badge says 1")
    }

    /// The client's phone lost the acknowledgement and sends again, under the same key.
    pub(super) async fn ask_again(&mut self) -> Result<(), Fault> {
        self.transcript.step("The client's phone sends the same message again")?;
        let message = self.message(QUESTION, QUESTION_KEY);
        let again = self.client.call("send-message", &message).await?;
        let history = self.history("").await?;
        same("the messages there are", history.len(), 2)?;
        same("the retried message", text(&again, "id")?, text(&history[0], "id")?)?;
        same("unread of the salon", self.salon.unread().await?, 1)?;
        let room = self.client.socket()?;
        room.catch_up().await?;
        same("copies shown in the room", room.heard("new-message").len(), 0)?;
        self.transcript.holds("same message: stored, shown and counted once")
    }

    /// The salon joins and marks the question as read; the client hears of it.
    pub(super) async fn read(&mut self) -> Result<(), Fault> {
        self.transcript.step("The salon opens the conversation and reads")?;
        let (history, last_seq) = self.salon.join(&self.conversation).await?;
        let words: Vec<_> =
            history.iter().filter_map(|message| message["content"].as_str()).collect();
        same("the newest message first", words.first().copied(), Some(QUESTION))?;
        same("the messages in the history", history.len(), 2)?;
        let question = &history[0];
        if question["seq"].as_u64() > Some(last_seq) {
            return Err(Fault::new("the history reaches beyond its last position"));
        }

        let id = text(question, "id")?;
        self.salon.call("mark-as-read", &json!({ "messageId": id })).await?;
        self.salon.is_told_unread(0).await?;
        let receipt = self.client.socket()?.hear("message-read").await?;
        same("the message of the receipt", text(&receipt, "messageId")?, id)?;
        let at = text(&receipt, "readAt")?;
        self.transcript.holds(&format!("the client sees it was read at {at}"))
    }

    /// The salon answers while the client looks on: read as it arrives.
    pub(super) async fn answer(&mut self) -> Result<(), Fault> {
        self.transcript.step("The salon answers; the client is looking")?;
        let message = self.message(ANSWER, "answer-1");
        let sent = self.salon.call("send-message", &message).await?;
        let seen = self.client.socket()?.hear("new-message").await?;
        same("the message in the room", text(&seen, "id")?, text(&sent, "id")?)?;
        same("read on arrival", seen["isRead"].as_bool(), Some(true))?;
        text(&seen, "readAt")?;
        self.transcript.says("salon", &seen)?;
        same("unread of the client", self.client.unread().await?, 0)?;
        self.transcript.holds("read on arrival, client 0 unread")
    }

    /// A page of the history, by REST, as the client sees it.
    pub(super) async fn history(&self, query: &str) -> Result<Vec<Value>, Fault> {
        let mut page = self.history_page(query).await?;
        match page["data"].take() {
            Value::Array(messages) => Ok(messages),
            other => Err(Fault::new(format!("a page without data: {other}"))),
        }
    }

    pub(super) async fn history_page(&self, query: &str) -> Result<Value, Fault> {
        let path = format!("/messaging/conversations/{}/messages{query}", self.conversation);
        self.client.rest.get(&path).await?.expect(200)
    }
}
