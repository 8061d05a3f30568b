//! The steps of the journey.

use serde_json::{Value, json};

use super::{Journey, Participant, Target, Transcript};
use crate::{
    Fault,
    appointment::Report,
    database,
    fault::same,
    rest::{FormFile, Rest, fetch},
    test_app::text,
    wait,
};

const MISTAKE: &str = "Pensez à régler l'acompte de 500 €.";
const NEW_MESSAGE: &str = "Merci ! Faut-il venir à jeun ?";

impl Journey<'_> {
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
            self.transcript.message(who, message)?;
        }
        self.transcript.passed("each once, newest first")
    }

    /// The salon deletes its message; it is gone for both.
    pub(super) async fn delete(&mut self) -> Result<(), Fault> {
        self.transcript.step("The salon deletes a mistaken message")?;
        let mistake = json!({ "conversationId": self.conversation, "content": MISTAKE });
        let sent = self.salon.call("send-message", &mistake).await?;
        self.transcript.message("salon", &sent)?;
        let id = text(&sent, "id")?;
        let path = format!("/messaging/messages/{id}");
        let refused = self.client.rest.delete(&path).await?;
        same("the client's try to delete it", refused.status, 403)?;
        self.salon.rest.delete(&path).await?.expect(204)?;
        let left = self.history("").await?;
        if left.iter().any(|message| message["id"] == id.as_str()) {
            return Err(Fault::new("a deleted message is still shown"));
        }
        self.transcript.passed("only its author could; gone for both")
    }

    /// The unread totals of both, by REST.
    pub(super) async fn count(&mut self) -> Result<(), Fault> {
        self.transcript.step("Unread messages, by REST")?;
        same("unread of the salon", self.salon.unread().await?, 0)?;
        same("unread of the client", self.client.unread().await?, 0)?;
        self.transcript.passed("salon 0, client 0")
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
        if last == MISTAKE {
            return Err(Fault::new("the list shows a deleted message"));
        }
        self.transcript.passed(&format!("first, 0 unread, last message « {last} »"))
    }

    /// The salon archives the conversation; a new message of the client reactivates it.
    pub(super) async fn archive_and_reactivate(&mut self) -> Result<(), Fault> {
        self.transcript.step("The salon archives; the client writes once more")?;
        let path = format!("/messaging/conversations/{}/archive", self.conversation);
        self.salon.rest.patch(&path, &json!({})).await?.expect(204)?;
        same("the status", self.status().await?, "ARCHIVED".to_owned())?;
        self.transcript.passed("archived")?;

        let message = json!({ "conversationId": self.conversation, "content": NEW_MESSAGE });
        let sent = self.client.call("send-message", &message).await?;
        self.transcript.message("client", &sent)?;
        same("the status after a new message", self.status().await?, "ACTIVE".to_owned())?;
        self.transcript.passed("active again")
    }

    async fn status(&self) -> Result<String, Fault> {
        let path = format!("/messaging/conversations/{}", self.conversation);
        text(&self.salon.rest.get(&path).await?.expect(200)?, "status")
    }
}

// The platform reports a booking, and both join its conversation.

const SUBJECT: &str = "RDV Tatouage - 05/01/2026";
const WELCOME: &str = "Bonjour Camille, Votre demande de rendez-vous a bien été enregistrée et est en attente de confirmation par le salon. N'hésitez pas à nous contacter pour toute question.";

impl<'a> Journey<'a> {
    /// The platform reports three times that the client requested a booking.
    pub(super) async fn open(
        target: &Target,
        mut transcript: Transcript<'a>,
    ) -> Result<Self, Fault> {
        let salon = Participant::new(target, &target.salon_token).await?;
        let client = Participant::new(target, &target.client_token).await?;
        let service = Rest::new(&target.url).with_token(&target.service_token);
        let booking = database::id("appointment");

        transcript.step("The client books; the platform reports it, three times to be sure")?;
        let report = Report::new("requested", &booking, &salon.id, &client.id);
        for state in ["stored", "known", "known"] {
            let accepted = report.send(&service).await?.expect(202)?;
            same("the state of the report", text(&accepted, "state")?, state.to_owned())?;
        }
        let conversation = find_by_booking(&client, &booking).await?;
        same("its subject", text(&conversation, "subject")?, SUBJECT.to_owned())?;
        same("its status", text(&conversation, "status")?, "ACTIVE".to_owned())?;
        same("its salon", text(&conversation, "salonId")?, salon.id.clone())?;
        transcript.passed(&format!("one conversation: {SUBJECT}"))?;
        same("unread of the salon", salon.unread().await?, 0)?;
        same("unread of the client", client.unread().await?, 1)?;
        transcript.passed("unread: salon 0, client 1")?;
        let conversation = text(&conversation, "id")?;
        Ok(Self { salon, client, conversation, transcript })
    }

    /// Both connect; the client joins, sees the history, and marks it as read.
    pub(super) async fn connect(&mut self) -> Result<(), Fault> {
        self.transcript.step("Both connect, the client opens the conversation")?;
        self.salon.connect().await?;
        self.client.connect().await?;
        self.salon.wait_for_unread(0).await?;
        self.client.wait_for_unread(1).await?;

        let (history, last_seq) = self.client.join(&self.conversation).await?;
        let [welcome] = history.as_slice() else {
            return Err(Fault::new(format!("a history of {} messages", history.len())));
        };
        same("the first message", text(welcome, "content")?, WELCOME.to_owned())?;
        same("their kind", text(welcome, "type")?, "SYSTEM".to_owned())?;
        same("the last position", Some(last_seq), welcome["seq"].as_u64())?;
        self.transcript.message("salon", welcome)?;

        let here = json!({ "conversationId": self.conversation });
        let marked = self.client.call("mark-conversation-as-read", &here).await?;
        same("unread here", marked["unreadCount"].as_i64(), Some(0))?;
        self.client.wait_for_unread(0).await?;
        self.transcript.passed("history shown; marked as read, client 0 unread")
    }
}

/// Waits for the conversation about a booking.
async fn find_by_booking(client: &Participant, booking: &str) -> Result<Value, Fault> {
    wait::until("the conversation about the booking", async || {
        let page = client.rest.get("/messaging/conversations").await?.expect(200)?;
        let listed = page["data"].as_array().cloned().unwrap_or_default();
        Ok(listed.into_iter().find(|conversation| conversation["appointmentId"] == booking))
    })
    .await
}

// A photo: upload, delivery, metadata and deletion.

/// A phone photo: rotated by its EXIF data, which also contain the place.
const PHOTO: &[u8] = include_bytes!("../../assets/phone-photo.jpg");
const EXIF: &[u8] = b"Exif\0\0";

impl Journey<'_> {
    /// The client sends a photo; the salon sees it without its location; then the client deletes
    /// it.
    pub(super) async fn photo(&mut self) -> Result<(), Fault> {
        self.transcript.step("The client sends a photo from their phone")?;
        same("the phone photo has EXIF data", contains_exif(PHOTO), true)?;
        let sent = self.send_photo().await?;
        self.transcript.message("client", &sent)?;

        let seen = self.seen_by_salon(&sent["id"]).await?;
        let [attachment] = seen["attachments"].as_array().map(Vec::as_slice).unwrap_or_default()
        else {
            return Err(Fault::new(format!("a photo without its file: {seen}")));
        };
        let link = text(attachment, "fileUrl")?;
        let picture = fetch(&link).await?;
        same("what the salon fetches", picture.status, 200)?;
        same("whether it still has EXIF data", contains_exif(&picture.bytes), false)?;
        let (width, height) = (attachment["width"].as_u64(), attachment["height"].as_u64());
        same("whether it is upright", width < height, true)?;
        self.transcript.passed("seen by the salon, upright and without its location")?;

        let forged = fetch(&link.replace("signature=", "signature=A")).await?;
        same("a forged link", forged.status, 404)?;
        let path = format!("/messaging/messages/{}", text(&sent, "id")?);
        self.client.rest.delete(&path).await?.expect(204)?;
        let gone = wait::until("the photo gone", async || {
            let status = fetch(&link).await?.status;
            Ok((status != 200).then_some(status))
        });
        same("the photo of a deleted message", gone.await?, 404)?;
        self.transcript.passed("deleted: the file is gone with its message")
    }

    /// Waits for the message with this id on the salon's socket.
    async fn seen_by_salon(&mut self, id: &Value) -> Result<Value, Fault> {
        loop {
            let message = self.salon.socket()?.wait_for("new-message").await?;
            if message["id"] == *id {
                return Ok(message);
            }
        }
    }

    async fn send_photo(&mut self) -> Result<Value, Fault> {
        let file = FormFile { name: "dessin.jpg", media_type: "image/jpeg", bytes: PHOTO };
        let upload = file.post(&self.client.rest, "/messaging/attachments").await?.expect(201)?;
        let message = json!({
            "conversationId": self.conversation,
            "content": "",
            "attachments": [{ "attachmentId": text(&upload, "id")? }],
        });
        self.client.call("send-message", &message).await
    }
}

fn contains_exif(bytes: &[u8]) -> bool {
    bytes.windows(EXIF.len()).any(|window| window == EXIF)
}

// Question, retry, receipt, answer.

const QUESTION: &str = "Bonjour, samedi 14 h est possible ?";
const QUESTION_KEY: &str = "question-1";
const ANSWER: &str = "Oui, samedi 14 h, c'est noté. À bientôt !";

impl Journey<'_> {
    fn message(&self, content: &str, key: &str) -> Value {
        json!({
            "conversationId": self.conversation,
            "content": content,
            "clientMessageId": key,
        })
    }

    /// The client asks. The salon has not joined, and sees its unread badge change.
    pub(super) async fn ask(&mut self) -> Result<(), Fault> {
        self.transcript.step("The client asks; the salon has not joined")?;
        let message = self.message(QUESTION, QUESTION_KEY);
        let sent = self.client.call("send-message", &message).await?;
        let seen = self.client.socket()?.wait_for("new-message").await?;
        same("the message in the room", text(&seen, "id")?, text(&sent, "id")?)?;
        same("read already", sent["isRead"].as_bool(), Some(false))?;
        self.transcript.message("client", &sent)?;
        self.salon.wait_for_unread(1).await?;
        self.transcript.passed("the salon's badge says 1")
    }

    /// The client's phone lost the acknowledgement and retries with the same idempotency key.
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
        same("copies shown in the room", room.received("new-message").len(), 0)?;
        self.transcript.passed("same message: stored, shown and counted once")
    }

    /// The salon joins and marks the question as read; the client receives the receipt.
    pub(super) async fn read(&mut self) -> Result<(), Fault> {
        self.transcript.step("The salon opens the conversation and reads")?;
        let (history, last_seq) = self.salon.join(&self.conversation).await?;
        let contents: Vec<_> =
            history.iter().filter_map(|message| message["content"].as_str()).collect();
        same("the newest message first", contents.first().copied(), Some(QUESTION))?;
        same("the messages in the history", history.len(), 2)?;
        let question = &history[0];
        if question["seq"].as_u64() > Some(last_seq) {
            return Err(Fault::new("the history reaches beyond its last position"));
        }

        let id = text(question, "id")?;
        self.salon.call("mark-as-read", &json!({ "messageId": id })).await?;
        self.salon.wait_for_unread(0).await?;
        let receipt = self.client.socket()?.wait_for("message-read").await?;
        same("the message of the receipt", text(&receipt, "messageId")?, id)?;
        let at = text(&receipt, "readAt")?;
        self.transcript.passed(&format!("the client sees it was read at {at}"))
    }

    /// The salon answers while the client has the conversation open, so the answer is read at once.
    pub(super) async fn answer(&mut self) -> Result<(), Fault> {
        self.transcript.step("The salon answers; the client is looking")?;
        let message = self.message(ANSWER, "answer-1");
        let sent = self.salon.call("send-message", &message).await?;
        let seen = self.client.socket()?.wait_for("new-message").await?;
        same("the message in the room", text(&seen, "id")?, text(&sent, "id")?)?;
        same("read on arrival", seen["isRead"].as_bool(), Some(true))?;
        text(&seen, "readAt")?;
        self.transcript.message("salon", &seen)?;
        same("unread of the client", self.client.unread().await?, 0)?;
        self.transcript.passed("read on arrival, client 0 unread")
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
