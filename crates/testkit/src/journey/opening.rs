//! The platform reports a booking, and both come to its conversation.

use serde_json::{Value, json};

use super::{Cast, Play, actor::Actor, transcript::Transcript};
use crate::{Fault, appointment::Report, fault::same, fresh, rest::Rest, stage::text, wait};

const SUBJECT: &str = "RDV Tatouage - 05/01/2026";
const WELCOME: &str = "Bonjour Camille, Votre demande de rendez-vous a bien été enregistrée et est en attente de confirmation par le salon. N'hésitez pas à nous contacter pour toute question.";

impl<'a> Play<'a> {
    /// The platform reports, three times, that the client asked for a booking.
    pub(super) async fn open(cast: &Cast, mut transcript: Transcript<'a>) -> Result<Self, Fault> {
        let salon = Actor::new(cast, &cast.salon_token).await?;
        let client = Actor::new(cast, &cast.client_token).await?;
        let service = Rest::new(&cast.url).with_token(&cast.service_token);
        let booking = fresh::id("appointment");

        transcript.step("The client books; the platform reports it, three times to be sure")?;
        let report = Report::new("requested", &booking, &salon.id, &client.id);
        for state in ["stored", "known", "known"] {
            let taken = report.send(&service).await?.expect(202)?;
            same("the state of the report", text(&taken, "state")?, state.to_owned())?;
        }
        let conversation = about(&client, &booking).await?;
        same("its subject", text(&conversation, "subject")?, SUBJECT.to_owned())?;
        same("its status", text(&conversation, "status")?, "ACTIVE".to_owned())?;
        same("its salon", text(&conversation, "salonId")?, salon.id.clone())?;
        transcript.holds(&format!("one conversation: {SUBJECT}"))?;
        same("unread of the salon", salon.unread().await?, 0)?;
        same("unread of the client", client.unread().await?, 1)?;
        transcript.holds("unread: salon 0, client 1")?;
        let conversation = text(&conversation, "id")?;
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

/// The conversation about a booking, as soon as there is one.
async fn about(client: &Actor, booking: &str) -> Result<Value, Fault> {
    wait::until("the conversation about the booking", async || {
        let page = client.rest.get("/messaging/conversations").await?.expect(200)?;
        let listed = page["data"].as_array().cloned().unwrap_or_default();
        Ok(listed.into_iter().find(|conversation| conversation["appointmentId"] == booking))
    })
    .await
}
