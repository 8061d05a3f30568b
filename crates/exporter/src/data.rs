//! `data.json`: the archive for programs.

use domain::{
    conversation::{
        ConversationView,
        attachment::{Attachment, StorageLocation},
        message::Message,
    },
    jobs::JobFailure,
};
use serde_json::{Value, json};

use crate::{
    archive::{Contents, Messages, Person, path_of},
    zip::Zip,
};

pub(crate) async fn write(contents: &Contents<'_>, zip: &mut Zip) -> Result<(), JobFailure> {
    let head = format!(
        "{{\n\"until\": {},\n\"profile\": {},\n\"preferences\": {},\n\"conversations\": [",
        json!(contents.export.requested_at.to_string()),
        profile(&contents.person),
        preferences(&contents.person),
    );
    zip.write(head.as_bytes()).await?;
    let mut comma = "\n";
    for id in &contents.conversations {
        let Some(here) = contents.conversation(id).await? else { continue };
        zip.write(comma.as_bytes()).await?;
        conversation(contents, &here, zip).await?;
        comma = ",\n";
    }
    zip.write(b"\n]\n}\n").await
}

async fn conversation(
    contents: &Contents<'_>,
    here: &ConversationView,
    zip: &mut Zip,
) -> Result<(), JobFailure> {
    let conversation = &here.conversation;
    let head = json!({
        "id": conversation.id.as_str(),
        "salon": { "id": here.salon.id.as_str(), "name": here.salon.display_name() },
        "client": { "id": here.client.id.as_str(), "name": here.client.display_name() },
        "appointmentId": conversation.appointment.as_ref().map(domain::ids::AppointmentId::as_str),
        "subject": conversation.subject.as_ref().map(domain::text::Subject::as_str),
        "status": conversation.status.as_str(),
        "createdAt": conversation.created_at.to_string(),
    })
    .to_string();
    // Without its closing brace, for the messages to follow.
    let head = head.strip_suffix('}').unwrap_or(&head);
    zip.write(format!("{head},\"messages\":[").as_bytes()).await?;
    let mut messages = Messages::of(contents.store, contents.export, here);
    let mut comma = "\n";
    while let Some(page) = messages.next().await? {
        for message in &page {
            zip.write(format!("{comma}{}", message_json(contents, message)).as_bytes()).await?;
            comma = ",\n";
        }
    }
    zip.write(b"]}").await
}

fn message_json(contents: &Contents<'_>, message: &Message) -> Value {
    let files = message.attachments.iter();
    let files: Vec<_> = files.map(|attachment| file(contents, attachment)).collect();
    json!({
        "id": message.id.as_str(),
        "position": message.seq.get(),
        "authorId": message.author.id.as_str(),
        "kind": message.kind.as_str(),
        "content": message.content.as_str(),
        "files": files,
        "sentAt": message.created_at.to_string(),
        "isRead": message.is_read,
        "readAt": message.read_at.map(|at| at.to_string()),
    })
}

fn file(contents: &Contents<'_>, attachment: &Attachment) -> Value {
    let file = &attachment.file;
    let place = match file.location() {
        StorageLocation::Stored(_) if contents.is_missing(attachment) => json!({ "missing": true }),
        StorageLocation::Stored(_) => json!({ "path": path_of(attachment) }),
        StorageLocation::Hosted(hosted) => json!({ "url": hosted.url().as_str() }),
    };
    json!({
        "id": attachment.id.as_str(),
        "name": file.name(),
        "type": file.media_type().as_str(),
        "sizeBytes": file.size_bytes(),
        "place": place,
    })
}

fn profile(Person { participant, .. }: &Person) -> Value {
    let known = &participant.profile;
    json!({
        "id": participant.id.as_str(),
        "role": participant.role.as_str(),
        "firstName": known.first_name,
        "lastName": known.last_name,
        "salonName": known.salon_name,
        "image": known.image,
        "email": known.email,
        "language": known.language.map(domain::participant::Language::as_str),
        "timeZone": known.zone.as_ref().map(domain::time::Zone::as_str),
    })
}

fn preferences(Person { preferences, .. }: &Person) -> Value {
    let quiet = preferences.quiet_hours;
    json!({
        "mailEnabled": preferences.mail_enabled,
        "frequency": preferences.frequency.as_str(),
        "quietFromMinute": quiet.map(domain::mail::preferences::QuietHours::from_minute),
        "quietToMinute": quiet.map(domain::mail::preferences::QuietHours::to_minute),
        "timeZone": preferences.zone.as_ref().map(domain::time::Zone::as_str),
        "mutedConversations": preferences.muted.iter().map(domain::ids::ConversationId::as_str).collect::<Vec<_>>(),
    })
}
