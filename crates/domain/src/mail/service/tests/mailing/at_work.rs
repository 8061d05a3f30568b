//! Mail servers that fail, and the jobs that live with it.

use super::*;
use crate::{
    Worker,
    jobs::{
        store::JobFilter,
        worker::{Performed, WorkerSettings},
    },
    testing::fixture::{CountingIds, MemoryFiles, Service},
};

fn worker(fixture: &Fixture) -> Worker {
    let Service { services, store, clock, .. } = fixture.service.clone();
    let (files, ids) = (Arc::new(MemoryFiles::new()), Arc::new(CountingIds::new()));
    Worker::new(services, store, files, clock, ids, WorkerSettings::default())
}

/// Does the one job that there is.
async fn perform(worker: &Worker) -> Performed {
    let jobs = worker.claim(10).await.expect("the store works");
    let [job] = &jobs[..] else { panic!("one job is due: {jobs:?}") };
    worker.perform(job).await.expect("the store works")
}

/// A mail that was just decided on by `worker`.
async fn decided(fixture: &Fixture, worker: &Worker) {
    let talk = fixture.talk().await;
    fixture.say(&talk, "1").await;
    fixture.service.clock.advance_millis(6 * MINUTE_MS);
    let decided = worker.decide_due_mail().await.expect("the store works");
    assert_eq!(decided, Decided { people: 1, mails: 1, too_old: 0 });
}

#[tokio::test]
async fn what_waited_for_a_week_is_counted_once_and_something_new_is_told_with_it() {
    let fixture = Fixture::new().await;
    let worker = worker(&fixture).with_mailing(fixture.mailing.clone());
    let talk = fixture.talk().await;
    fixture.say(&talk, "1").await;
    fixture.service.clock.advance_millis(8 * 24 * 60 * MINUTE_MS);
    let late = worker.decide_due_mail().await.expect("the store works");
    assert_eq!(late, Decided { people: 1, mails: 0, too_old: 1 });
    let again = worker.decide_due_mail().await.expect("the store works");
    assert_eq!(again, Decided::default());
    fixture.say(&talk, "2").await;
    fixture.service.clock.advance_millis(6 * MINUTE_MS);
    let decided = worker.decide_due_mail().await.expect("the store works");
    assert_eq!(decided, Decided { people: 1, mails: 1, too_old: 0 });
    assert!(matches!(perform(&worker).await, Performed::Done));
    assert_eq!(fixture.delivered(), [["2", "1"]]);
}

#[tokio::test]
async fn a_mail_leaves_by_a_job_and_again_when_the_server_was_away() {
    let fixture = Fixture::new().await;
    let worker = worker(&fixture).with_mailing(fixture.mailing.clone());
    decided(&fixture, &worker).await;
    let mail = fixture.first_mail().await;
    fixture.post_office.refuse_next(DeliveryError::Later("a test".into()));
    let performed = perform(&worker).await;
    assert!(matches!(performed, Performed::Retried(JobFailure::Retry { .. })), "{performed:?}");
    fixture.service.clock.advance_millis(MINUTE_MS);
    assert!(matches!(perform(&worker).await, Performed::Done));
    let letters = fixture.post_office.take();
    assert_eq!(letters.iter().map(|letter| &letter.id).collect::<Vec<_>>(), [&mail]);
    assert_eq!(fixture.on_their_way().await, []);
}

#[tokio::test]
async fn a_refused_mail_waits_for_the_operator() {
    let fixture = Fixture::new().await;
    let worker = worker(&fixture).with_mailing(fixture.mailing.clone());
    decided(&fixture, &worker).await;
    fixture.post_office.refuse_next(DeliveryError::Refused("a test".into()));
    assert!(matches!(perform(&worker).await, Performed::Dead(JobFailure::Dead { .. })));
    let now = fixture.service.clock.now();
    let retried = fixture.service.store.retry_dead_jobs(None, now).await;
    assert_eq!(retried.expect("the store works"), 1);
    assert!(matches!(perform(&worker).await, Performed::Done));
    assert_eq!(fixture.delivered(), [["1"]]);
}

#[tokio::test]
async fn an_address_without_a_box_gets_no_more_mail() {
    let fixture = Fixture::new().await;
    let worker = worker(&fixture).with_mailing(fixture.mailing.clone());
    decided(&fixture, &worker).await;
    fixture.post_office.refuse_next(DeliveryError::NoSuchMailbox("a test".into()));
    assert!(matches!(perform(&worker).await, Performed::Done));
    let talk = fixture.talk().await;
    fixture.say(&talk, "2").await;
    assert_eq!(fixture.after(24 * HOUR_MS).await, no_mail());
    assert_eq!(fixture.on_their_way().await, []);
}

#[tokio::test]
async fn a_mail_whose_departure_could_not_be_noted_leaves_again_as_the_same() {
    let fixture = Fixture::new().await;
    let talk = fixture.talk().await;
    fixture.say(&talk, "1").await;
    fixture.service.clock.advance_millis(6 * MINUTE_MS);
    fixture.decide().await;
    let mail = fixture.first_mail().await;
    fixture.send_and_die(&mail).await;
    fixture.mailing.send(&mail).await.expect("the mail server works");
    fixture.mailing.send(&mail).await.expect("it left");
    let ids: Vec<_> = fixture.post_office.take().into_iter().map(|letter| letter.id).collect();
    assert_eq!(ids, [mail.clone(), mail]);
}

#[tokio::test]
async fn quiet_hours_postpone_a_job_to_their_end() {
    let fixture = Fixture::new().await;
    let worker = worker(&fixture).with_mailing(fixture.mailing.clone());
    decided(&fixture, &worker).await;
    let quiet_hours = Some(QuietHours::new(10 * 60, 11 * 60).ok());
    fixture.wish(PreferenceChange { quiet_hours, ..Default::default() }).await;
    let performed = perform(&worker).await;
    assert!(matches!(performed, Performed::Retried(JobFailure::Postponed { .. })), "{performed:?}");
    let jobs = fixture.service.store.jobs(JobFilter::All, 10).await.expect("the store works");
    assert_eq!(Some(jobs[0].run_at), Timestamp::parse("2026-01-05T11:00:00+01:00"));
}

#[tokio::test]
async fn where_no_mail_leaves_none_is_decided_on_and_none_is_lost() {
    let fixture = Fixture::new().await;
    let talk = fixture.talk().await;
    fixture.say(&talk, "1").await;
    fixture.service.clock.advance_millis(6 * MINUTE_MS);
    let idle = worker(&fixture);
    assert_eq!(idle.decide_due_mail().await.expect("nothing to do"), Decided::default());
    fixture.decide().await;
    assert!(matches!(perform(&idle).await, Performed::Retried(JobFailure::Retry { .. })));
    assert_eq!(fixture.after(0).await, [["1"]]);
}

#[tokio::test]
async fn somebody_whose_case_cannot_be_read_holds_up_nobody() {
    let mut store = crate::testing::MockMailStore::new();
    store.expect_due_for_mail().return_once(|_| Ok(vec![user("c1"), user("c2")]));
    store
        .expect_mail_case()
        .withf(|person, _| *person == user("c1"))
        .times(1)
        .return_once(|_, _| Err(StoreError::Internal("a test".into())));
    store
        .expect_mail_case()
        .withf(|person, _| *person == user("c2"))
        .times(1)
        .return_once(|_, _| Ok(None));
    let fixture = Fixture::new().await;
    let mailing = fixture::mailing(Arc::new(store), &fixture.service, fixture.post_office.clone());
    let failed = mailing.decide_due(10).await.expect_err("somebody is left");
    assert!(matches!(failed, StoreError::Internal(_)), "{failed:?}");
}
