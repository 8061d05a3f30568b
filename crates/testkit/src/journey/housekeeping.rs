//! Pages, deletion, counts, lists, and the archive.

use serde_json::{Value, json};

use super::Play;
use crate::{Fault, fault::same, stage::text};

const SLIP: &str = "Pensez à régler l'acompte de 500 €.";
const COMEBACK: &str = "Merci ! Faut-il venir à jeun ?";

impl Play<'_> {
    /// The history in pages: newest first, each message once.
    pub(super) async fn page(&mut self) -> Result<(), Fault> {
        self.transcript.step("The history, two messages a page")?;
        let mut first = self.history_page("?limit=2").await?;
        same("more to come", first["hasMore"].as_bool(), Some(true))?;
        let cursor = text(&first, "nextCursor")?;
        let second = self.history(&format!("?limit=2&cursor={cursor}")).await?;
        let Value::Array(mut messages) = first["data"].take() else {
            return Err(Fault::new("a page without data"));
        };
        messages.extend(second);
        same("the messages there are", messages.len(), 3)?;
        let positions: Vec<_> =
            messages.iter().filter_map(|message| message["seq"].as_u64()).collect();
        if !positions.is_sorted_by(|newer, older| newer > older) {
            return Err(Fault::new(format!("positions out of order: {positions:?}")));
        }
        for message in messages.iter().rev() {
            let who =
                if message["sender"]["id"] == self.client.id.as_str() { "client" } else { "salon" };
            self.transcript.says(who, message)?;
        }
        self.transcript.holds("each once, newest first")
    }

    /// The salon takes back what it said; it is gone for both.
    pub(super) async fn delete(&mut self) -> Result<(), Fault> {
        self.transcript.step("The salon takes back a slip")?;
        let slip = json!({ "conversationId": self.conversation, "content": SLIP });
        let sent = self.salon.call("send-message", &slip).await?;
        self.transcript.says("salon", &sent)?;
        let id = text(&sent, "id")?;
        let path = format!("/messaging/messages/{id}");
        let refused = self.client.rest.delete(&path).await?;
        same("the client's try to delete it", refused.status, 403)?;
        self.salon.rest.delete(&path).await?.expect(204)?;
        let left = self.history("").await?;
        if left.iter().any(|message| message["id"] == id.as_str()) {
            return Err(Fault::new("a deleted message is still shown"));
        }
        self.transcript.holds("only its author could; gone for both")
    }

    /// Both badges, by REST.
    pub(super) async fn count(&mut self) -> Result<(), Fault> {
        self.transcript.step("Unread messages, by REST")?;
        same("unread of the salon", self.salon.unread().await?, 0)?;
        same("unread of the client", self.client.unread().await?, 0)?;
        self.transcript.holds("salon 0, client 0")
    }

    /// The salon's list shows this conversation first.
    pub(super) async fn list(&mut self) -> Result<(), Fault> {
        self.transcript.step("The salon's list of conversations")?;
        let page =
            self.salon.rest.get("/messaging/conversations?status=ACTIVE").await?.expect(200)?;
        let first = &page["data"][0];
        same("the first of the list", text(first, "id")?, self.conversation.clone())?;
        same("its unread messages", first["unreadCount"].as_i64(), Some(0))?;
        let last = text(&first["lastMessage"], "content")?;
        if last == SLIP {
            return Err(Fault::new("the list shows a deleted message"));
        }
        self.transcript.holds(&format!("first, 0 unread, last words « {last} »"))
    }

    /// The salon archives; a new message of the client brings the conversation back.
    pub(super) async fn archive_and_come_back(&mut self) -> Result<(), Fault> {
        self.transcript.step("The salon archives; the client writes once more")?;
        let path = format!("/messaging/conversations/{}/archive", self.conversation);
        self.salon.rest.patch(&path, &json!({})).await?.expect(204)?;
        same("the status", self.status().await?, "ARCHIVED".to_owned())?;
        self.transcript.holds("archived")?;

        let message = json!({ "conversationId": self.conversation, "content": COMEBACK });
        let sent = self.client.call("send-message", &message).await?;
        self.transcript.says("client", &sent)?;
        same("the status after a new message", self.status().await?, "ACTIVE".to_owned())?;
        self.transcript.holds("active again")
    }

    async fn status(&self) -> Result<String, Fault> {
        let path = format!("/messaging/conversations/{}", self.conversation);
        text(&self.salon.rest.get(&path).await?.expect(200)?, "status")
    }
}
