//! The former system goes on after it was taken over, or ours does.

use std::sync::Arc;

use domain::{
    conversation::Parties,
    id::ConversationId,
    import::{Refusal, Thing},
    participant::Role,
    ports::{ConversationStore, ParticipantStore, Store},
    testing::fixture::{Service, text},
};
use importer::Outcome;

use crate::{
    house::{ANSWERS, House},
    row_by_row::compare,
};

/// The conversation that hears something new when the former application goes on.
async fn first(house: &House) -> (ConversationId, Parties) {
    let sql = "SELECT min(id COLLATE \"C\") FROM \"Conversation\" WHERE id ~ '^c[0-9a-f]{24}$'
        AND EXISTS (SELECT FROM \"Message\" WHERE \"conversationId\" = \"Conversation\".id)";
    let id = ConversationId::parse(&house.lines(sql).await[0]).expect("a good id");
    let parties = house.store.parties(&id).await.expect(ANSWERS).expect("it is here");
    (id, parties)
}

#[tokio::test]
async fn what_changed_there_is_brought_up_to_date() {
    let house = House::small().await;
    house.import().await;
    house.former_goes_on().await;
    let (tally, _) = house.import().await;
    compare(&house).await;
    assert_eq!(tally.count(Thing::Conversation, Outcome::Updated), 4);
    assert_eq!(tally.count(Thing::Conversation, Outcome::New), 0);
    assert_eq!(tally.count(Thing::Person, Outcome::Updated), 1);
}

#[tokio::test]
async fn what_went_on_here_is_left_alone_and_told() {
    let house = House::small().await;
    house.import().await;
    let (id, parties) = first(&house).await;
    let store: Arc<dyn Store> = house.store.clone();
    let service = Service::over(store);
    let client = house.store.participant(&parties.client).await.expect(ANSWERS).expect("known");
    assert_eq!(client.role, Role::Client);
    let sent = service.messaging.send_message(&id, &client.id, text("Déjà ici")).await;
    sent.expect("the client takes part");

    house.former_goes_on().await;
    let (tally, told) = house.import().await;
    assert_eq!(tally.count(Thing::Conversation, Outcome::Updated), 3);
    let reason = told.refused.iter().find(|it| it.id == id.as_str()).map(|it| it.reason);
    assert_eq!(reason, Some(Refusal::WentOnHere));
    let newest = format!(
        "SELECT content FROM messaging.message WHERE conversation_id = '{id}' ORDER BY seq DESC LIMIT 1"
    );
    assert_eq!(house.lines(&newest).await, ["Déjà ici"]);
}

#[tokio::test]
async fn what_was_deleted_here_does_not_come_back() {
    let house = House::small().await;
    house.import().await;
    let (id, parties) = first(&house).await;
    let now = domain::ports::Clock::now(&*house.clock);
    let deleted = house.store.delete_conversation(&id, &parties.salon, now).await;
    assert!(deleted.expect(ANSWERS).is_some());
    house.former_goes_on().await;
    let (_, told) = house.import().await;
    let reason = told.refused.iter().find(|it| it.id == id.as_str()).map(|it| it.reason);
    assert_eq!(reason, Some(Refusal::DeletedHere));
    let left = format!(
        "SELECT count(*) FROM messaging.message WHERE conversation_id = '{id}' AND content <> ''"
    );
    assert_eq!(house.number(&left).await, 0);
}

#[tokio::test]
async fn a_booking_that_has_a_conversation_here_keeps_it() {
    let house = House::small().await;
    let taken = "INSERT INTO messaging.participant (id, role, created_at, updated_at)
            SELECT id, role, now(), now() FROM \"User\" WHERE id ~ '^c[0-9a-f]{24}$';
        INSERT INTO messaging.conversation (id, salon_id, client_id, appointment_id, status, created_at,
            updated_at, last_message_at, last_seq)
        SELECT 'ours', \"salonId\", \"clientUserId\", \"appointmentId\", 'ACTIVE', now(), now(), now(), 1
        FROM \"Conversation\" WHERE \"appointmentId\" ~ '^c[0-9a-f]{24}$' ORDER BY id LIMIT 1";
    house.client.batch_execute(taken).await.expect(ANSWERS);
    let (tally, _) = house.import().await;
    assert_eq!(tally.refused(Thing::Conversation, Refusal::AppointmentTaken), 1);
    assert!(tally.refused(Thing::Message, Refusal::ConversationRefused) > 0);
}
