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
async fn three_pending_messages_are_one_mail() {
    let fixture = Fixture::new().await;
    let conversation = fixture.conversation().await;
    for number in ["1", "2", "3"] {
        fixture.send(&conversation, number).await;
    }
    assert_eq!(fixture.after(4 * MINUTE_MS).await, no_mail());
    assert_eq!(fixture.after(MINUTE_MS).await, [["3", "2", "1"]]);
    assert_eq!(fixture.after(24 * HOUR_MS).await, no_mail());
}

#[tokio::test]
async fn several_pending_conversations_are_one_mail() {
    let fixture = Fixture::new().await;
    let (one, other) = (fixture.conversation().await, fixture.conversation().await);
    fixture.send(&one, "1").await;
    fixture.send(&other, "2").await;
    assert_eq!(fixture.after(6 * MINUTE_MS).await, [["1", "2"]]);
}

#[tokio::test]
async fn what_was_read_in_time_is_not_mailed() {
    let fixture = Fixture::new().await;
    let conversation = fixture.conversation().await;
    fixture.send(&conversation, "1").await;
    fixture.read(&conversation).await;
    assert_eq!(fixture.after(6 * MINUTE_MS).await, no_mail());
    assert_eq!(fixture.queued_mails().await, []);
}

#[tokio::test]
async fn no_mail_is_sent_if_disabled_or_muted() {
    let fixture = Fixture::new().await;
    let (muted, audible) = (fixture.conversation().await, fixture.conversation().await);
    fixture.service.preferences.mute(&user("c1"), &muted).await.expect("it is theirs");
    fixture.send(&muted, "1").await;
    fixture.send(&audible, "2").await;
    assert_eq!(fixture.after(6 * MINUTE_MS).await, [["2"]]);
    fixture.service.preferences.unsubscribe(&user("c1")).await.expect("the store works");
    fixture.send(&audible, "3").await;
    assert_eq!(fixture.after(24 * HOUR_MS).await, no_mail());
}

#[tokio::test]
async fn a_second_mail_about_a_conversation_waits_for_an_hour() {
    let fixture = Fixture::new().await;
    let conversation = fixture.conversation().await;
    fixture.send(&conversation, "1").await;
    assert_eq!(fixture.after(6 * MINUTE_MS).await, [["1"]]);
    fixture.send(&conversation, "2").await;
    assert_eq!(fixture.after(6 * MINUTE_MS).await, no_mail());
    fixture.send(&conversation, "3").await;
    assert_eq!(fixture.after(53 * MINUTE_MS).await, no_mail());
    assert_eq!(fixture.after(2 * MINUTE_MS).await, [["3", "2"]]);
}

#[tokio::test]
async fn a_digest_comes_at_the_hour() {
    let fixture = Fixture::new().await;
    fixture.choose_frequency(Frequency::Hourly).await;
    let (one, other) = (fixture.conversation().await, fixture.conversation().await);
    fixture.send(&one, "1").await;
    assert_eq!(fixture.after(20 * MINUTE_MS).await, no_mail());
    fixture.send(&other, "2").await;
    assert_eq!(fixture.after(10 * MINUTE_MS).await, [["1", "2"]], "it is eleven o'clock");
    fixture.choose_frequency(Frequency::Daily).await;
    fixture.send(&one, "3").await;
    assert_eq!(fixture.after(21 * HOUR_MS).await, no_mail(), "it is eight in the morning");
    assert_eq!(fixture.after(HOUR_MS).await, [["3"]]);
}

#[tokio::test]
async fn two_nodes_that_decide_at_once_make_one_mail() {
    let fixture = Fixture::new().await;
    let conversation = fixture.conversation().await;
    fixture.send(&conversation, "1").await;
    fixture.service.clock.advance_millis(6 * MINUTE_MS);
    let other = fixture.mailing.clone();
    let (one, two) = futures_util::join!(fixture.mailing.decide_due(10), other.decide_due(10));
    let mails = one.expect("works").mails + two.expect("works").mails;
    assert_eq!((mails, fixture.queued_mails().await.len()), (1, 1));
}

#[tokio::test]
async fn what_is_read_before_a_mail_is_sent_is_left_out_of_it() {
    let fixture = Fixture::new().await;
    let conversation = fixture.conversation().await;
    fixture.send(&conversation, "1").await;
    fixture.service.clock.advance_millis(6 * MINUTE_MS);
    assert_eq!(fixture.decide().await, 1);
    fixture.read(&conversation).await;
    assert_eq!(fixture.after(0).await, no_mail());
    let mail = fixture.first_mail().await;
    assert_eq!(fixture.service.store.queued_mail(&mail).await.expect("the store works"), None);
}

#[tokio::test]
async fn quiet_hours_delay_a_queued_mail() {
    let fixture = Fixture::new().await;
    let conversation = fixture.conversation().await;
    fixture.send(&conversation, "1").await;
    fixture.service.clock.advance_millis(6 * MINUTE_MS);
    fixture.decide().await;
    let quiet_hours = Some(QuietHours::new(10 * 60, 11 * 60).ok());
    fixture.change_preferences(PreferenceChange { quiet_hours, ..Default::default() }).await;
    let mail = fixture.first_mail().await;
    let Err(JobFailure::Postponed { until, .. }) = fixture.mailing.send(&mail).await else {
        panic!("it is not the hour for mail");
    };
    assert_eq!(Some(until), Timestamp::parse("2026-01-05T11:00:00+01:00"));
    fixture.service.clock.set(until);
    assert_eq!(fixture.after(0).await, [["1"]]);
}
