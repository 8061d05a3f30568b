//! Nothing that people wrote is in an error.

use std::error::Error;

use domain::{
    conversation::store::{ConversationStore, MessageStore},
    participant::store::ParticipantStore,
    ports::StoreError,
    testing::fixture::{pictures, salon, text},
    text::Subject,
};

use crate::{
    support::Scratch,
    talk::{ANSWERS, Talk, now, plan},
};

/// All that a log would print of an error, in every form.
fn told(error: &StoreError) -> String {
    let mut told = format!("{error} {error:?} {error:#?}");
    let mut source = error.source();
    while let Some(error) = source {
        told = format!("{told} {error} {error:?}");
        source = error.source();
    }
    told
}

#[tokio::test]
async fn an_error_of_the_database_names_the_constraint_and_no_value() {
    let scratch = Scratch::new().await;
    let talk = Talk::open(&scratch).await;
    let mut post = talk.post(&talk.client, text("un secret"));
    talk.store.post_message(&post).await.expect(ANSWERS);
    post.draft = pictures("un secret", 0, Some("cle-secrete"));
    let error = talk.store.post_message(&post).await.expect_err("the id is taken");

    assert!(matches!(error, StoreError::Internal(_)), "{error:?}");
    let told = told(&error);
    assert!(told.contains("message_pkey") && told.contains("table message"), "{told}");
    for value in ["secret", post.id.as_str(), talk.id.as_str()] {
        assert!(!told.contains(value), "{value} is in {told}");
    }
}

#[tokio::test]
async fn a_value_the_database_quotes_is_left_out() {
    let scratch = Scratch::new().await;
    let mut person = salon("s1");
    person.profile.email = Some("lea@exemple.fr\0".to_owned());
    let error = scratch.note_participant(&person, now()).await.expect_err("no text holds that");
    assert!(!told(&error).contains("exemple"), "{error:?}");

    let mut plan = plan(&scratch).await;
    plan.subject = Some(Subject::open("un secret").expect("it fits"));
    plan.parties.client = plan.parties.salon.clone();
    let error = scratch.open_conversation(&plan).await.expect_err("these are not two");
    let told = told(&error);
    assert!(told.contains("conversation_sides_differ") && !told.contains("secret"), "{told}");
}

#[tokio::test]
async fn a_stored_value_that_breaks_a_rule_is_named_by_its_column() {
    let scratch = Scratch::new().await;
    let talk = Talk::open(&scratch).await;
    let message = talk.say(&talk.client, "Bonjour").await.message;
    let spoil = format!(
        "ALTER DOMAIN messaging.content DROP CONSTRAINT content_length;
         UPDATE messaging.message SET content = repeat('un secret', 10000) WHERE id = '{}'",
        message.id,
    );
    scratch.sql(&spoil).await;
    let error = talk.store.message(&message.id, &talk.client).await.expect_err("it is no content");
    let told = told(&error);
    assert!(told.contains("the stored `content` is not a good one"), "{told}");
    assert!(!told.contains("secret"), "{told}");
}
