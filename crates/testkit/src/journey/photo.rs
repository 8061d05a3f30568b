//! A photo, from the client's phone to the salon's eyes, and away again.

use serde_json::{Value, json};

use super::Play;
use crate::{Fault, fault::same, multipart::FormFile, rest::fetch, stage::text, wait};

/// As a phone makes them: lying on its side, and telling where it was taken.
const PHOTO: &[u8] = include_bytes!("../../assets/phone-photo.jpg");
const EXIF: &[u8] = b"Exif\0\0";

impl Play<'_> {
    /// The client sends a photo; the salon sees it, without the place it was taken at; then the
    /// client takes it back.
    pub(super) async fn photo(&mut self) -> Result<(), Fault> {
        self.transcript.step("The client sends a photo from their phone")?;
        same("the phone says where it was", holds_exif(PHOTO), true)?;
        let sent = self.send_photo().await?;
        self.transcript.says("client", &sent)?;

        let seen = self.seen_by_salon(&sent["id"]).await?;
        let [attachment] = seen["attachments"].as_array().map(Vec::as_slice).unwrap_or_default()
        else {
            return Err(Fault::new(format!("a photo without its file: {seen}")));
        };
        let link = text(attachment, "fileUrl")?;
        let picture = fetch(&link).await?;
        same("what the salon fetches", picture.status, 200)?;
        same("whether it says where it was taken", holds_exif(&picture.bytes), false)?;
        let (width, height) = (attachment["width"].as_u64(), attachment["height"].as_u64());
        same("whether it stands upright", width < height, true)?;
        self.transcript
            .holds("seen by the salon, upright, and without the place it was taken at")?;

        let forged = fetch(&link.replace("signature=", "signature=A")).await?;
        same("a link that somebody changed", forged.status, 404)?;
        let path = format!("/messaging/messages/{}", text(&sent, "id")?);
        self.client.rest.delete(&path).await?.expect(204)?;
        let gone = wait::until("the photo gone", async || {
            let status = fetch(&link).await?.status;
            Ok((status != 200).then_some(status))
        });
        same("the photo of a deleted message", gone.await?, 404)?;
        self.transcript.holds("taken back: the file is gone with its message")
    }

    /// The message with this id, as it reaches the salon's socket.
    async fn seen_by_salon(&mut self, id: &Value) -> Result<Value, Fault> {
        loop {
            let message = self.salon.socket()?.hear("new-message").await?;
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

fn holds_exif(bytes: &[u8]) -> bool {
    bytes.windows(EXIF.len()).any(|window| window == EXIF)
}
