//! Failing mail servers, and retries by jobs.

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

/// Runs the only due job.
async fn perform(worker: &Worker) -> Performed {
    let jobs = worker.claim(10).await.expect("the store works");
    let [job] = &jobs[..] else { panic!("one job is due: {jobs:?}") };
    worker.perform(job).await.expect("the store works")
}

/// Lets `worker` queue a mail.
async fn queue_mail(fixture: &Fixture, worker: &Worker) {
    let conversation = fixture.conversation().await;
    fixture.send(&conversation, "1").await;
    fixture.service.clock.advance_millis(6 * MINUTE_MS);
    let decided = worker.decide_due_mail().await.expect("the store works");
    assert_eq!(decided, DueMailCounts { people: 1, mails: 1, too_old: 0 });
}

#[tokio::test]
async fn what_waited_for_a_week_is_counted_once_and_mailed_with_something_new() {
    let fixture = Fixture::new().await;
    let worker = worker(&fixture).with_mailing(fixture.mailing.clone());
    let conversation = fixture.conversation().await;
    fixture.send(&conversation, "1").await;
    fixture.service.clock.advance_millis(8 * 24 * 60 * MINUTE_MS);
    let late = worker.decide_due_mail().await.expect("the store works");
    assert_eq!(late, DueMailCounts { people: 1, mails: 0, too_old: 1 });
    let again = worker.decide_due_mail().await.expect("the store works");
    assert_eq!(again, DueMailCounts::default());
    fixture.send(&conversation, "2").await;
    fixture.service.clock.advance_millis(6 * MINUTE_MS);
    let decided = worker.decide_due_mail().await.expect("the store works");
    assert_eq!(decided, DueMailCounts { people: 1, mails: 1, too_old: 0 });
    assert!(matches!(perform(&worker).await, Performed::Done));
    assert_eq!(fixture.delivered(), [["2", "1"]]);
}

#[tokio::test]
async fn a_mail_is_sent_by_a_job_and_retried_when_the_server_was_unavailable() {
    let fixture = Fixture::new().await;
    let worker = worker(&fixture).with_mailing(fixture.mailing.clone());
    queue_mail(&fixture, &worker).await;
    let mail = fixture.first_mail().await;
    fixture.mail_sender.refuse_next(DeliveryError::Later("a test".into()));
    let performed = perform(&worker).await;
    assert!(matches!(performed, Performed::Retried(JobFailure::Retry { .. })), "{performed:?}");
    fixture.service.clock.advance_millis(MINUTE_MS);
    assert!(matches!(perform(&worker).await, Performed::Done));
    let emails = fixture.mail_sender.take();
    assert_eq!(emails.iter().map(|email| &email.id).collect::<Vec<_>>(), [&mail]);
    assert_eq!(fixture.queued_mails().await, []);
}

#[tokio::test]
async fn a_refused_mail_waits_for_the_operator() {
    let fixture = Fixture::new().await;
    let worker = worker(&fixture).with_mailing(fixture.mailing.clone());
    queue_mail(&fixture, &worker).await;
    fixture.mail_sender.refuse_next(DeliveryError::Refused("a test".into()));
    assert!(matches!(perform(&worker).await, Performed::Dead(JobFailure::Dead { .. })));
    let now = fixture.service.clock.now();
    let retried = fixture.service.store.retry_dead_jobs(None, now).await;
    assert_eq!(retried.expect("the store works"), 1);
    assert!(matches!(perform(&worker).await, Performed::Done));
    assert_eq!(fixture.delivered(), [["1"]]);
}

#[tokio::test]
async fn an_address_without_a_mailbox_gets_no_more_mail() {
    let fixture = Fixture::new().await;
    let worker = worker(&fixture).with_mailing(fixture.mailing.clone());
    queue_mail(&fixture, &worker).await;
    fixture.mail_sender.refuse_next(DeliveryError::NoSuchMailbox("a test".into()));
    assert!(matches!(perform(&worker).await, Performed::Done));
    let conversation = fixture.conversation().await;
    fixture.send(&conversation, "2").await;
    assert_eq!(fixture.after(24 * HOUR_MS).await, no_mail());
    assert_eq!(fixture.queued_mails().await, []);
}

#[tokio::test]
async fn a_mail_whose_sending_could_not_be_recorded_is_sent_again_with_the_same_id() {
    let fixture = Fixture::new().await;
    let conversation = fixture.conversation().await;
    fixture.send(&conversation, "1").await;
    fixture.service.clock.advance_millis(6 * MINUTE_MS);
    fixture.decide().await;
    let mail = fixture.first_mail().await;
    fixture.send_and_crash(&mail).await;
    fixture.mailing.send(&mail).await.expect("the mail server works");
    fixture.mailing.send(&mail).await.expect("it left");
    let ids: Vec<_> = fixture.mail_sender.take().into_iter().map(|email| email.id).collect();
    assert_eq!(ids, [mail.clone(), mail]);
}

#[tokio::test]
async fn quiet_hours_postpone_a_job_to_their_end() {
    let fixture = Fixture::new().await;
    let worker = worker(&fixture).with_mailing(fixture.mailing.clone());
    queue_mail(&fixture, &worker).await;
    let quiet_hours = Some(QuietHours::new(10 * 60, 11 * 60).ok());
    fixture.change_preferences(PreferenceChange { quiet_hours, ..Default::default() }).await;
    let performed = perform(&worker).await;
    assert!(matches!(performed, Performed::Retried(JobFailure::Postponed { .. })), "{performed:?}");
    let jobs = fixture.service.store.jobs(JobFilter::All, 10).await.expect("the store works");
    assert_eq!(Some(jobs[0].run_at), Timestamp::parse("2026-01-05T11:00:00+01:00"));
}

#[tokio::test]
async fn without_mailing_no_mail_is_decided_on_and_none_is_lost() {
    let fixture = Fixture::new().await;
    let conversation = fixture.conversation().await;
    fixture.send(&conversation, "1").await;
    fixture.service.clock.advance_millis(6 * MINUTE_MS);
    let idle = worker(&fixture);
    assert_eq!(idle.decide_due_mail().await.expect("nothing to do"), DueMailCounts::default());
    fixture.decide().await;
    assert!(matches!(perform(&idle).await, Performed::Retried(JobFailure::Retry { .. })));
    assert_eq!(fixture.after(0).await, [["1"]]);
}

#[tokio::test]
async fn a_person_whose_mail_state_cannot_be_read_blocks_nobody() {
    let mut store = crate::testing::MockMailStore::new();
    store.expect_due_for_mail().return_once(|_| Ok(vec![user("c1"), user("c2")]));
    store
        .expect_pending_notifications()
        .withf(|person, _| *person == user("c1"))
        .times(1)
        .return_once(|_, _| Err(StoreError::Internal("a test".into())));
    store
        .expect_pending_notifications()
        .withf(|person, _| *person == user("c2"))
        .times(1)
        .return_once(|_, _| Ok(None));
    let fixture = Fixture::new().await;
    let mailing = fixture::mailing(Arc::new(store), &fixture.service, fixture.mail_sender.clone());
    let failed = mailing.decide_due(10).await.expect_err("somebody is left");
    assert!(matches!(failed, StoreError::Internal(_)), "{failed:?}");
}
