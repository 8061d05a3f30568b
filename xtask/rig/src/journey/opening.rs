//! The salon opens a conversation, and both come to it.

use serde_json::json;

use super::{Cast, Play, actor::Actor, transcript::Transcript};
use crate::{Fault, fault::same, fresh, stage::text};

const SUBJECT: &str = "RDV Tatouage - samedi";
const WELCOME: &str = "Bonjour, votre demande de rendez-vous a bien été enregistrée.";

impl<'a> Play<'a> {
    /// The salon opens a conversation by REST, with a first message.
    pub(super) async fn open(cast: &Cast, mut transcript: Transcript<'a>) -> Result<Self, Fault> {
        let salon = Actor::new(cast, &cast.salon_token).await?;
        let client = Actor::new(cast, &cast.client_token).await?;
        let new = json!({
            "clientUserId": client.id,
            "appointmentId": fresh::id("appointment"),
            "subject": SUBJECT,
            "firstMessage": WELCOME,
        });

        transcript.step(&format!("The salon opens a conversation: {SUBJECT}"))?;
        let created = salon.rest.post("/messaging/conversations", &new).await?;
        let created = created.expect(201)?;
        let again = salon.rest.post("/messaging/conversations", &new).await?;
        let again = again.expect(201)?;
        let conversation = text(&created, "id")?;
        same("the conversation of the same booking", text(&again, "id")?, conversation.clone())?;
        same("its status", text(&created, "status")?, "ACTIVE".to_owned())?;
        same("its client", text(&created, "clientUserId")?, client.id.clone())?;
        transcript.holds("opened once, however often it is asked for")?;
        same("unread of the salon", salon.unread().await?, 0)?;
        same("unread of the client", client.unread().await?, 1)?;
        transcript.holds("unread: salon 0, client 1")?;
        Ok(Self { salon, client, conversation, transcript })
    }

    /// Both connect; the client joins, sees what was said, and marks it as read.
    pub(super) async fn connect(&mut self) -> Result<(), Fault> {
        self.transcript.step("Both connect, the client opens the conversation")?;
        self.salon.connect().await?;
        self.client.connect().await?;
        self.salon.is_told_unread(0).await?;
        self.client.is_told_unread(1).await?;

        let (history, last_seq) = self.client.join(&self.conversation).await?;
        let [welcome] = history.as_slice() else {
            return Err(Fault::new(format!("a history of {} messages", history.len())));
        };
        same("the first words", text(welcome, "content")?, WELCOME.to_owned())?;
        same("their kind", text(welcome, "type")?, "SYSTEM".to_owned())?;
        same("the last position", Some(last_seq), welcome["seq"].as_u64())?;
        self.transcript.says("salon", welcome)?;

        let here = json!({ "conversationId": self.conversation });
        let marked = self.client.call("mark-conversation-as-read", &here).await?;
        same("unread here", marked["unreadCount"].as_i64(), Some(0))?;
        self.client.is_told_unread(0).await?;
        self.transcript.holds("history shown; marked as read, client 0 unread")
    }
}
