mod at_work;
mod fixture;
mod properties;
use fixture::Fixture;

use crate::{
    ids::ConversationId,
    mail::{
        preferences::{Frequency, PreferenceChange, QuietHours},
        service::*,
    },
    testing::fixture::user,
};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

fn no_mail() -> Vec<Vec<String>> {
    vec![]
}

#[tokio::test]
async fn three_messages_that_wait_are_one_mail() {
    let fixture = Fixture::new().await;
    let talk = fixture.talk().await;
    for words in ["1", "2", "3"] {
        fixture.say(&talk, words).await;
    }
    assert_eq!(fixture.after(4 * MINUTE_MS).await, no_mail());
    assert_eq!(fixture.after(MINUTE_MS).await, [["3", "2", "1"]]);
    assert_eq!(fixture.after(24 * HOUR_MS).await, no_mail());
}

#[tokio::test]
async fn several_conversations_that_wait_are_one_mail() {
    let fixture = Fixture::new().await;
    let (one, other) = (fixture.talk().await, fixture.talk().await);
    fixture.say(&one, "1").await;
    fixture.say(&other, "2").await;
    assert_eq!(fixture.after(6 * MINUTE_MS).await, [["1", "2"]]);
}

#[tokio::test]
async fn what_was_read_in_time_is_not_mailed() {
    let fixture = Fixture::new().await;
    let talk = fixture.talk().await;
    fixture.say(&talk, "1").await;
    fixture.read(&talk).await;
    assert_eq!(fixture.after(6 * MINUTE_MS).await, no_mail());
    assert_eq!(fixture.on_their_way().await, []);
}

#[tokio::test]
async fn who_wants_none_or_muted_it_gets_no_mail() {
    let fixture = Fixture::new().await;
    let (muted, heard) = (fixture.talk().await, fixture.talk().await);
    fixture.service.preferences.mute(&user("c1"), &muted).await.expect("it is theirs");
    fixture.say(&muted, "1").await;
    fixture.say(&heard, "2").await;
    assert_eq!(fixture.after(6 * MINUTE_MS).await, [["2"]]);
    fixture.service.preferences.unsubscribe(&user("c1")).await.expect("the store works");
    fixture.say(&heard, "3").await;
    assert_eq!(fixture.after(24 * HOUR_MS).await, no_mail());
}

#[tokio::test]
async fn a_second_mail_about_a_conversation_waits_for_an_hour() {
    let fixture = Fixture::new().await;
    let talk = fixture.talk().await;
    fixture.say(&talk, "1").await;
    assert_eq!(fixture.after(6 * MINUTE_MS).await, [["1"]]);
    fixture.say(&talk, "2").await;
    assert_eq!(fixture.after(6 * MINUTE_MS).await, no_mail());
    fixture.say(&talk, "3").await;
    assert_eq!(fixture.after(53 * MINUTE_MS).await, no_mail());
    assert_eq!(fixture.after(2 * MINUTE_MS).await, [["3", "2"]]);
}

#[tokio::test]
async fn a_digest_comes_at_the_hour() {
    let fixture = Fixture::new().await;
    fixture.choose(Frequency::Hourly).await;
    let (one, other) = (fixture.talk().await, fixture.talk().await);
    fixture.say(&one, "1").await;
    assert_eq!(fixture.after(20 * MINUTE_MS).await, no_mail());
    fixture.say(&other, "2").await;
    assert_eq!(fixture.after(10 * MINUTE_MS).await, [["1", "2"]], "it is eleven o'clock");
    fixture.choose(Frequency::Daily).await;
    fixture.say(&one, "3").await;
    assert_eq!(fixture.after(21 * HOUR_MS).await, no_mail(), "it is eight in the morning");
    assert_eq!(fixture.after(HOUR_MS).await, [["3"]]);
}

#[tokio::test]
async fn two_nodes_that_decide_at_once_make_one_mail() {
    let fixture = Fixture::new().await;
    let talk = fixture.talk().await;
    fixture.say(&talk, "1").await;
    fixture.service.clock.advance_millis(6 * MINUTE_MS);
    let other = fixture.mailing.clone();
    let (one, two) = futures_util::join!(fixture.mailing.decide_due(10), other.decide_due(10));
    let mails = one.expect("works").mails + two.expect("works").mails;
    assert_eq!((mails, fixture.on_their_way().await.len()), (1, 1));
}

#[tokio::test]
async fn what_is_read_before_a_mail_leaves_is_left_out_of_it() {
    let fixture = Fixture::new().await;
    let talk = fixture.talk().await;
    fixture.say(&talk, "1").await;
    fixture.service.clock.advance_millis(6 * MINUTE_MS);
    assert_eq!(fixture.decide().await, 1);
    fixture.read(&talk).await;
    assert_eq!(fixture.after(0).await, no_mail());
    let mail = fixture.first_mail().await;
    assert_eq!(fixture.service.store.open_mail(&mail).await.expect("the store works"), None);
}

#[tokio::test]
async fn quiet_hours_hold_up_a_mail_that_was_decided_on() {
    let fixture = Fixture::new().await;
    let talk = fixture.talk().await;
    fixture.say(&talk, "1").await;
    fixture.service.clock.advance_millis(6 * MINUTE_MS);
    fixture.decide().await;
    let quiet_hours = Some(QuietHours::new(10 * 60, 11 * 60).ok());
    fixture.wish(PreferenceChange { quiet_hours, ..Default::default() }).await;
    let mail = fixture.first_mail().await;
    let Err(JobFailure::Postponed { until, .. }) = fixture.mailing.send(&mail).await else {
        panic!("it is not the hour for mail");
    };
    assert_eq!(Some(until), Timestamp::parse("2026-01-05T11:00:00+01:00"));
    fixture.service.clock.set(until);
    assert_eq!(fixture.after(0).await, [["1"]]);
}
