//! The other side of the fixture: a salon that is forgotten, and clients who stay.

use std::collections::BTreeSet;

use serde_json::json;
use testkit::{
    Fault,
    appointment::{Report, booking_service, register},
    backup::empty_folder,
    database::Database,
    fault::same,
    leak_check,
    person::Person,
    rest::fetch,
};

use crate::{
    fixture::Fixture,
    seed::{MARKER, archive, upload},
};

const SALON: &str = "salon-forgotten";

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_salon_s_words_are_nowhere_and_its_client_keeps_theirs() -> Result<(), Fault> {
    empty_folder(&Fixture::folder("salon"))?;
    let fixture = Fixture::start("salon", Database::fresh().await?).await?;
    let entry = json!({
        "role": "user_salon", "salonName": MARKER, "lastName": format!("de {MARKER}"),
        "email": format!("{MARKER}@salon.example"), "timeZone": "Europe/Brussels",
    });
    register(&fixture.app, SALON, &entry).await?;
    let (salon, client) = (Person::new(SALON, "user_salon"), Person::new("client-1", "client"));
    register(&fixture.app, &client.id, &json!({ "role": "client", "firstName": "Léa" })).await?;
    let conversation = fixture.app.conversation_about("booking-1", &salon, &client).await?;
    fixture.app.message(&client, &conversation, "Je reste").await?;
    speak(&fixture, &salon, &conversation).await?;
    let report = Report::new("confirmed", "booking-1", SALON, &client.id);
    report.send(&fixture.app.rest(&booking_service())?).await?.expect(202)?;
    fixture
        .wait_for_rows("a booking handled", "appointment_event WHERE handled_at IS NOT NULL")
        .await?;
    let link = archive(&fixture.app.rest(&client)?).await?;
    for column in ["participant.salon_name", "message.content", "attachment.name"] {
        assert!(
            fixture.columns_with(MARKER).await?.contains(column),
            "nothing was seeded in {column}"
        );
    }

    let service = fixture.app.rest(&booking_service())?;
    service.delete(&format!("/internal/participants/{SALON}")).await?.expect(202)?;
    fixture.wait_for_erasure(SALON).await?;
    same("columns", fixture.columns_with(MARKER).await?, BTreeSet::new())?;
    same("files", leak_check::files_with(&fixture.files, MARKER.as_bytes())?, vec![])?;
    same("the files that are left", fixture.file_names()?, BTreeSet::new())?;
    same("the client's archive", fetch(&link).await?.status, 404)?;
    same("lines of the log", fixture.log_line_with(MARKER)?, None)?;
    let stays = BTreeSet::from(["message.content".to_owned()]);
    same("what the client said", fixture.columns_with("Je reste").await?, stays)
}

/// The salon says something, shows something, and names the conversation.
async fn speak(fixture: &Fixture, salon: &Person, conversation: &str) -> Result<(), Fault> {
    let rest = fixture.app.rest(salon)?;
    let path = format!("/messaging/conversations/{conversation}");
    let photo = upload(&rest, MARKER, &media::testing::phone_photo()).await?;
    let message = json!({
        "content": format!("Bonjour, ici {MARKER}"),
        "clientMessageId": format!("key-of-{MARKER}"),
        "attachments": [{ "attachmentId": photo }],
    });
    rest.post(&format!("{path}/messages"), &message).await?.expect(201)?;
    let subject = json!({ "subject": format!("Chez {MARKER}") });
    rest.patch(&path, &subject).await?.expect(200).map(drop)
}
