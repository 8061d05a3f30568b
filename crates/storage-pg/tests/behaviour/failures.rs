//! Failures and retries; errors contain no user content.

use std::error::Error;

use domain::{
    appointments::store::{AppointmentStore, ReceiveOutcome},
    conversation::store::MessageStore,
    ids::ConversationId,
    participant::store::ParticipantStore,
    ports::StoreError,
    testing::{
        commands::Commands,
        fixture::{booking_event, pictures, salon, text},
    },
    text::Subject,
};

use crate::{
    booking::report,
    support::Scratch,
    talk::{ANSWERS, TestConversation, now, plan},
    waiting::{at_once, until_waiting},
};

/// The error in every form that a log could print.
fn printed(error: &StoreError) -> String {
    let mut written = format!("{error} {error:?} {error:#?}");
    let mut source = error.source();
    while let Some(error) = source {
        written = format!("{written} {error} {error:?}");
        source = error.source();
    }
    written
}

#[tokio::test]
async fn an_error_of_the_database_names_the_constraint_and_no_value() {
    let scratch = Scratch::new().await;
    let conversation = TestConversation::open(&scratch).await;
    let mut post = conversation.post(&conversation.client, text("un secret"));
    conversation.store.post_message(&post).await.expect(ANSWERS);
    post.draft = pictures("un secret", 0, Some("cle-secrete"));
    let error = conversation.store.post_message(&post).await.expect_err("the id is taken");

    assert!(matches!(error, StoreError::Internal(_)), "{error:?}");
    let written = printed(&error);
    assert!(written.contains("message_pkey") && written.contains("table message"), "{written}");
    for value in ["secret", post.id.as_str(), conversation.id.as_str()] {
        assert!(!written.contains(value), "{value} is in {written}");
    }
}

/// As in a migration of a running system: a prepared statement would return other columns now.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_table_may_change_under_a_running_store() {
    let scratch = Scratch::with(|settings| settings.pool_connections_max = 4).await;
    let event = report(&scratch, "e1", "booked").await;
    let read = |_| {
        let (store, id) = ((*scratch).clone(), event.id.clone());
        async move { store.pending_appointment_event(&id).await.expect(ANSWERS).is_some() }
    };
    // Every connection has the statement prepared: all are in use at the same time.
    let session = scratch.session().await;
    session
        .batch_execute("BEGIN; LOCK TABLE messaging.appointment_event")
        .await
        .expect("nobody is in the way");
    let readers = at_once(4, read);
    let released = async {
        until_waiting(&scratch, 4).await;
        session.batch_execute("COMMIT").await.expect("it can");
    };
    assert_eq!(tokio::join!(readers, released).0, [true; 4]);

    scratch.sql("ALTER TABLE messaging.appointment_event ADD COLUMN of_a_later_version text").await;
    assert_eq!(at_once(12, read).await, [true; 12]);

    // And within a transaction.
    let store = scratch.another(|settings| settings.pool_connections_max = 1);
    let mut wanting = booking_event("e2", "booked");
    wanting.conversation = ConversationId::parse("wanted-1").ok();
    let receive = async || store.receive_appointment_event(&wanting, now()).await.expect(ANSWERS);
    assert_eq!(receive().await, ReceiveOutcome::Stored);
    assert_eq!(receive().await, ReceiveOutcome::Known);
    scratch.sql("ALTER TABLE messaging.appointment_event DROP COLUMN of_a_later_version").await;
    assert_eq!(receive().await, ReceiveOutcome::Known);
}

#[tokio::test]
async fn a_value_the_database_quotes_is_left_out() {
    let scratch = Scratch::new().await;
    let mut person = salon("s1");
    person.profile.email = Some("lea@exemple.fr\0".to_owned());
    let error = scratch.upsert_participant(&person, now()).await.expect_err("no text holds that");
    assert!(!printed(&error).contains("exemple"), "{error:?}");

    let mut plan = plan(&scratch).await;
    plan.subject = Some(Subject::open("un secret").expect("it fits"));
    plan.parties.client = plan.parties.salon.clone();
    let error = scratch.open_conversation(&plan).await.expect_err("these are not two");
    let written = printed(&error);
    assert!(
        written.contains("conversation_sides_differ") && !written.contains("secret"),
        "{written}"
    );
}

#[tokio::test]
async fn a_stored_value_that_breaks_a_rule_is_named_by_its_column() {
    let scratch = Scratch::new().await;
    let conversation = TestConversation::open(&scratch).await;
    let message = conversation.send_text(&conversation.client, "Bonjour").await.message;
    let spoil = format!(
        "ALTER DOMAIN messaging.content DROP CONSTRAINT content_length;
         UPDATE messaging.message SET content = repeat('un secret', 10000) WHERE id = '{}'",
        message.id,
    );
    scratch.sql(&spoil).await;
    let error = conversation
        .store
        .message(&message.id, &conversation.client)
        .await
        .expect_err("it is no content");
    let written = printed(&error);
    assert!(written.contains("the stored `content` is not a good one"), "{written}");
    assert!(!written.contains("secret"), "{written}");
}
