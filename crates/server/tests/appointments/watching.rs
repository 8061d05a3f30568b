//! Whoever is connected sees a booking become a conversation, without loading anything again.

use rig::{Fault, appointment::Report, fault::same, fresh, person::Person, stage::Stage};
use serde_json::json;

use crate::{CLIENT, EAGER, SALON, SERVER, both_known, service};

#[tokio::test]
async fn both_sides_hear_of_a_booking_while_they_are_connected() -> Result<(), Fault> {
    let stage = Stage::set_with(SERVER, &EAGER).await?;
    both_known(&stage).await?;
    let mut salon = stage.socket(&Person::new(SALON, "user_salon")).await?;
    let mut client = stage.socket(&Person::new(CLIENT, "client")).await?;
    let booking = fresh::id("appointment");
    Report::new("requested", &booking, SALON, CLIENT).send(&service(&stage)?).await?.expect(202)?;

    let opened = client.hear("conversation-created").await?;
    let told = salon.hear("conversation-created").await?;
    same("the salon is told the same", &told["conversationId"], &opened["conversationId"])?;
    client.hear("unread-count-updated").await?;

    let here = json!({ "conversationId": opened["conversationId"] });
    client.call_ok("join-conversation", &here).await?;
    Report::new("cancelled", &booking, SALON, CLIENT)
        .with("occurredAt", "2025-12-02T08:00:00.000Z")
        .send(&service(&stage)?)
        .await?
        .expect(202)?;
    let said = client.hear("new-message").await?;
    same("what it says", &said["content"], &"Ce rendez-vous a été annulé.".into())?;
    same("read by who looks on", said["isRead"].as_bool(), Some(true))?;
    let archived = salon.hear("conversation-updated").await?;
    same("the status", &archived["status"], &"ARCHIVED".into())
}
