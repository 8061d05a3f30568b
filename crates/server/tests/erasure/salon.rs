//! The other side of the house: a salon that is forgotten, and clients who stay.

use std::collections::BTreeSet;

use serde_json::json;
use testkit::{
    Fault,
    appointment::{Report, booking_service, register},
    backup::emptied,
    database::Database,
    fault::same,
    person::Person,
    rest::fetch,
    traces,
};

use crate::{
    house::House,
    planted::{WORD, archive, upload},
};

const SALON: &str = "salon-forgotten";

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_salon_s_words_are_nowhere_and_its_client_keeps_theirs() -> Result<(), Fault> {
    emptied(&House::folder("salon"))?;
    let house = House::open("salon", Database::fresh().await?).await?;
    let entry = json!({
        "role": "user_salon", "salonName": WORD, "lastName": format!("de {WORD}"),
        "email": format!("{WORD}@salon.example"), "timeZone": "Europe/Brussels",
    });
    register(&house.stage, SALON, &entry).await?;
    let (salon, client) = (Person::new(SALON, "user_salon"), Person::new("client-1", "client"));
    register(&house.stage, &client.id, &json!({ "role": "client", "firstName": "Léa" })).await?;
    let conversation = house.stage.conversation_about("booking-1", &salon, &client).await?;
    house.stage.message(&client, &conversation, "Je reste").await?;
    speak(&house, &salon, &conversation).await?;
    let report = Report::new("confirmed", "booking-1", SALON, &client.id);
    report.send(&house.stage.rest(&booking_service())?).await?.expect(202)?;
    house.some("a booking told of", "appointment_event WHERE handled_at IS NOT NULL").await?;
    let link = archive(&house.stage.rest(&client)?).await?;
    for column in ["participant.salon_name", "message.content", "attachment.name"] {
        assert!(house.columns(WORD).await?.contains(column), "nothing was planted in {column}");
    }

    let service = house.stage.rest(&booking_service())?;
    service.delete(&format!("/internal/participants/{SALON}")).await?.expect(202)?;
    house.forgotten(SALON).await?;
    same("columns", house.columns(WORD).await?, BTreeSet::new())?;
    same("files", traces::in_folder(&house.files, WORD.as_bytes())?, vec![])?;
    same("the files that are left", house.kept()?, BTreeSet::new())?;
    same("the client's archive", fetch(&link).await?.status, 404)?;
    same("lines of the log", house.logged(WORD)?, None)?;
    let stays = BTreeSet::from(["message.content".to_owned()]);
    same("what the client said", house.columns("Je reste").await?, stays)
}

/// The salon says something, shows something, and names the conversation.
async fn speak(house: &House, salon: &Person, conversation: &str) -> Result<(), Fault> {
    let rest = house.stage.rest(salon)?;
    let path = format!("/messaging/conversations/{conversation}");
    let photo = upload(&rest, WORD, &media::testing::phone_photo()).await?;
    let message = json!({
        "content": format!("Bonjour, ici {WORD}"),
        "clientMessageId": format!("key-of-{WORD}"),
        "attachments": [{ "attachmentId": photo }],
    });
    rest.post(&format!("{path}/messages"), &message).await?.expect(201)?;
    let subject = json!({ "subject": format!("Chez {WORD}") });
    rest.patch(&path, &subject).await?.expect(200).map(drop)
}
