//! Connected clients see a booking become a conversation without reloading.

use serde_json::json;
use testkit::{
    Fault, appointment::Report, database, fault::same, person::Person, test_app::TestApp,
};

use crate::{CLIENT, EAGER, SALON, SERVER, all_handled, both_known, conversations, service};

#[tokio::test]
async fn both_sides_hear_of_a_booking_while_they_are_connected() -> Result<(), Fault> {
    let app = TestApp::start_with(SERVER, &EAGER).await?;
    both_known(&app).await?;
    let mut salon = app.socket(&Person::new(SALON, "user_salon")).await?;
    let mut client = app.socket(&Person::new(CLIENT, "client")).await?;
    let booking = database::id("appointment");
    Report::new("requested", &booking, SALON, CLIENT).send(&service(&app)?).await?.expect(202)?;

    let opened = client.wait_for("conversation-created").await?;
    let event = salon.wait_for("conversation-created").await?;
    same("the salon is sent the same", &event["conversationId"], &opened["conversationId"])?;
    client.wait_for("unread-count-updated").await?;

    let here = json!({ "conversationId": opened["conversationId"] });
    client.call_ok("join-conversation", &here).await?;
    Report::new("cancelled", &booking, SALON, CLIENT)
        .with("occurredAt", "2025-12-02T08:00:00.000Z")
        .send(&service(&app)?)
        .await?
        .expect(202)?;
    let said = client.wait_for("new-message").await?;
    same("what it says", &said["content"], &"Ce rendez-vous a été annulé.".into())?;
    same("read by who looks on", said["isRead"].as_bool(), Some(true))?;
    let archived = salon.wait_for("conversation-updated").await?;
    same("the status", &archived["status"], &"ARCHIVED".into())
}

#[tokio::test]
async fn a_booking_s_page_knows_its_conversation_before_it_is_there() -> Result<(), Fault> {
    let app = TestApp::start_with(SERVER, &EAGER).await?;
    both_known(&app).await?;
    let service = service(&app)?;
    let mut client = app.socket(&Person::new(CLIENT, "client")).await?;
    let (booking, wanted) = (database::id("appointment"), database::id("conversation"));
    let report =
        Report::new("requested", &booking, SALON, CLIENT).with("conversationId", wanted.as_str());
    report.send(&service).await?.expect(202)?;
    let other = Report::new("booked", &database::id("appointment"), SALON, CLIENT);
    let taken = other.with("conversationId", wanted.as_str()).send(&service).await?;
    same("another booking", (taken.status, taken.code()), (409, "conversation_id_taken"))?;

    let opened = client.wait_for("conversation-created").await?;
    same("the conversation", opened["conversationId"].as_str(), Some(wanted.as_str()))?;
    let again = report.send(&service).await?.expect(202)?;
    same("the report again", again["state"].as_str(), Some("known"))?;
    let path = format!("/internal/conversations?salonId={SALON}&appointmentId={booking}");
    let found = service.get(&path).await?.expect(200)?;
    same("what is found", found["conversations"][0]["id"].as_str(), Some(wanted.as_str()))?;
    all_handled(&app).await?;
    let reader = app.rest(&Person::new(CLIENT, "client"))?;
    same("conversations", conversations(&reader).await?.len(), 1)
}
