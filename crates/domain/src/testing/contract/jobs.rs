//! The job queue.

use futures_util::future::join_all;

use super::setup::{ANSWERS, Fixture};
use crate::{
    ids::JobId,
    jobs::{
        Job, JobGroup, PURGE_PERIOD_MS, Task,
        store::{ClaimJobs, JobCounts, JobFilter, RetryOrDead},
    },
    store::Store,
    testing::fixture::booking_event,
    time::Timestamp,
};

const LEASE_MS: u64 = 60_000;

/// Enqueues one job, by a report. Returns when.
async fn enqueue(fixture: &Fixture<'_>, event: &str) -> Timestamp {
    let at = fixture.now();
    let report = booking_event(event, "booked");
    fixture.store.receive_appointment_event(&report, at).await.expect(ANSWERS);
    at
}

async fn claim(fixture: &Fixture<'_>, now: Timestamp, limit: u32) -> Vec<Job> {
    claim_for(fixture, now, limit, LEASE_MS).await
}

/// With a lease of 0 milliseconds, which has ended when the next claim is made.
async fn claim_for(fixture: &Fixture<'_>, now: Timestamp, limit: u32, lease_ms: u64) -> Vec<Job> {
    let claim = ClaimJobs { now, lease_ms, limit, kinds: &Task::KINDS };
    fixture.store.claim_jobs(&claim).await.expect(ANSWERS)
}

async fn claim_one(fixture: &Fixture<'_>, now: Timestamp) -> Job {
    let mut jobs = claim(fixture, now, 10).await;
    assert_eq!(jobs.len(), 1, "{jobs:?}");
    jobs.remove(0)
}

async fn finish(fixture: &Fixture<'_>, job: &Job) -> bool {
    fixture.store.finish_job(&job.id, job.attempt).await.expect(ANSWERS)
}

async fn fail(fixture: &Fixture<'_>, job: &Job, outcome: RetryOrDead) -> bool {
    let reason = "a_test";
    fixture.store.fail_job(&job.id, job.attempt, outcome, reason).await.expect(ANSWERS)
}

fn later(time: Timestamp, millis: u64) -> Timestamp {
    let millis = i64::try_from(millis).expect("a test waits for less");
    Timestamp::from_millis(time.as_millis() + millis).expect("within the calendar")
}

fn subjects(jobs: &[Job]) -> Vec<&str> {
    jobs.iter().map(|job| job.task.subject()).collect()
}

/// A due job is claimed by one worker, and by nobody else while the lease runs.
pub async fn a_job_is_claimed_once(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let at = enqueue(&fixture, "e1").await;
    let before = later(at, 0).as_millis() - 1;
    let before = Timestamp::from_millis(before).expect("within the calendar");
    assert_eq!(claim(&fixture, before, 10).await, []);
    let job = claim_one(&fixture, at).await;
    assert_eq!((job.task.kind(), job.task.subject()), ("handle_appointment_event", "e1"));
    assert_eq!((job.attempt, job.follows_lost_lease), (1, false));
    // Also not by a node whose clock is fast.
    assert_eq!(claim(&fixture, later(at, 10 * LEASE_MS), 10).await, []);
}

/// After the lease expired another worker may claim the job, and the first one cannot record an
/// outcome.
pub async fn a_lease_that_ran_out_passes_the_job_on(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let at = enqueue(&fixture, "e1").await;
    let late = claim_for(&fixture, at, 10, 0).await.remove(0);
    let next = claim_one(&fixture, at).await;
    assert_eq!((&next.id, &next.task, next.attempt), (&late.id, &late.task, 2));
    assert!(next.follows_lost_lease);
    let views = store.jobs(JobFilter::All, 10).await.expect(ANSWERS);
    assert_eq!(views[0].last_failure.as_deref(), Some("lease_lost"));

    assert!(!finish(&fixture, &late).await);
    assert!(!fail(&fixture, &late, RetryOrDead::RetryAt(at)).await);
    assert!(!fail(&fixture, &late, RetryOrDead::DeadAt(at)).await);
    assert_eq!(claim(&fixture, later(at, LEASE_MS + 1), 10).await, []);
    assert!(finish(&fixture, &next).await);
}

/// A lease that is renewed runs on; only the newest claimant renews it, and only while the job is
/// not done.
pub async fn a_lease_is_renewed_by_the_newest_claimant(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let at = enqueue(&fixture, "e1").await;
    let renew =
        async |job: &Job| store.renew_job(&job.id, job.attempt, LEASE_MS).await.expect(ANSWERS);
    let first = claim_for(&fixture, at, 10, 0).await.remove(0);
    assert!(renew(&first).await);
    assert_eq!(claim(&fixture, later(at, 10 * LEASE_MS), 10).await, []);

    assert!(fail(&fixture, &first, RetryOrDead::RetryAt(at)).await);
    let second = claim_one(&fixture, at).await;
    assert_eq!((second.attempt, second.follows_lost_lease), (2, false));
    assert!(!renew(&first).await);
    assert!(renew(&second).await);
    assert!(finish(&fixture, &second).await);
    assert!(!renew(&second).await);
}

/// Only jobs of the requested kinds are claimed; others keep nobody waiting, however long they wait.
pub async fn only_jobs_of_the_requested_kinds_are_claimed(store: &dyn Store) {
    let fixture = Fixture::new(store);
    for event in ["e1", "e2"] {
        enqueue(&fixture, event).await;
    }
    let now = fixture.now();
    assert_eq!(store.start_due_schedules(now).await.expect(ANSWERS), 1);
    let claim = ClaimJobs { now, lease_ms: LEASE_MS, limit: 1, kinds: JobGroup::Mail.kinds() };
    assert_eq!(store.claim_jobs(&claim).await.expect(ANSWERS), []);
    let files = ClaimJobs { kinds: JobGroup::Files.kinds(), ..claim };
    let claimed = store.claim_jobs(&files).await.expect(ANSWERS);
    assert!(claimed.iter().map(|job| &job.task).eq([&Task::PurgeUploads]), "{claimed:?}");
    let bookings = ClaimJobs { kinds: JobGroup::Bookings.kinds(), ..claim };
    assert_eq!(subjects(&store.claim_jobs(&bookings).await.expect(ANSWERS)), ["e1"]);
}

/// A finished job is in no list and cannot be finished again.
pub async fn a_job_that_is_done_is_gone(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let at = enqueue(&fixture, "e1").await;
    let job = claim_one(&fixture, at).await;
    assert!(finish(&fixture, &job).await);
    assert!(!finish(&fixture, &job).await);
    assert!(!fail(&fixture, &job, RetryOrDead::RetryAt(at)).await);
    assert_eq!(store.jobs(JobFilter::All, 10).await.expect(ANSWERS), []);
    assert_eq!(store.job_counts().await.expect(ANSWERS), JobCounts::default());
    assert_eq!(claim(&fixture, later(at, LEASE_MS), 10).await, []);
}

/// The longest waiting job comes first, and not more than requested.
pub async fn the_longest_waiting_job_is_claimed_first(store: &dyn Store) {
    let fixture = Fixture::new(store);
    for event in ["e3", "e1", "e2"] {
        enqueue(&fixture, event).await;
    }
    let now = fixture.now();
    assert_eq!(subjects(&claim(&fixture, now, 2).await), ["e3", "e1"]);
    assert_eq!(subjects(&claim(&fixture, now, 2).await), ["e2"]);
}

/// A failed job is due at the given time, not when its lease ends.
pub async fn a_failed_job_is_due_at_the_given_time(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let at = enqueue(&fixture, "e1").await;
    let first = claim_one(&fixture, at).await;
    let again = later(at, 5_000);
    assert!(fail(&fixture, &first, RetryOrDead::RetryAt(again)).await);

    let views = store.jobs(JobFilter::All, 10).await.expect(ANSWERS);
    let [view] = &views[..] else { panic!("one waits: {views:?}") };
    assert_eq!((&view.id, &view.task, view.attempts), (&first.id, &first.task, 1));
    assert_eq!((view.created_at, view.run_at, view.dead_at), (at, again, None));
    assert_eq!(view.last_failure.as_deref(), Some("a_test"));
    assert_eq!(claim(&fixture, later(at, 4_999), 10).await, []);
    let second = claim_one(&fixture, again).await;
    assert_eq!((&second.id, second.attempt), (&first.id, 2));
}

/// A dead letter cannot be claimed, is listed, and starts again when the operator retries it.
pub async fn a_dead_letter_waits_for_the_operator(store: &dyn Store) {
    let fixture = Fixture::new(store);
    for event in ["e1", "e2", "e3"] {
        enqueue(&fixture, event).await;
    }
    let now = fixture.now();
    let jobs = claim(&fixture, now, 2).await;
    for job in &jobs {
        assert!(fail(&fixture, job, RetryOrDead::DeadAt(now)).await);
        assert!(!finish(&fixture, job).await);
    }
    let counts = JobCounts { waiting: 1, dead: 2 };
    assert_eq!(store.job_counts().await.expect(ANSWERS), counts);
    let dead = store.jobs(JobFilter::Dead, 10).await.expect(ANSWERS);
    assert!(dead.iter().map(|job| job.task.subject()).eq(["e1", "e2"]), "{dead:?}");
    assert!(dead.iter().all(|job| job.dead_at == Some(now)), "{dead:?}");
    assert_eq!(store.jobs(JobFilter::Dead, 1).await.expect(ANSWERS).len(), 1);
    assert_eq!(store.jobs(JobFilter::All, 10).await.expect(ANSWERS).len(), 3);
    let expired = later(now, LEASE_MS);
    assert_eq!(subjects(&claim(&fixture, expired, 10).await), ["e3"]);

    let nobody = Some(fixture.new_id::<JobId>());
    assert_eq!(store.retry_dead_jobs(nobody, now).await.expect(ANSWERS), 0);
    let first = Some(jobs[0].id.clone());
    assert_eq!(store.retry_dead_jobs(first.clone(), now).await.expect(ANSWERS), 1);
    assert_eq!(store.retry_dead_jobs(first, now).await.expect(ANSWERS), 0);
    let again = claim_one(&fixture, now).await;
    assert_eq!((&again.id, again.attempt), (&jobs[0].id, 1));
    assert_eq!(store.retry_dead_jobs(None, now).await.expect(ANSWERS), 1);
    assert_eq!(subjects(&claim(&fixture, now, 10).await), ["e2"]);
}

/// However many claim at the same time, each job has one claimant.
pub async fn of_ten_claimers_at_once_each_job_has_one(store: &dyn Store) {
    let fixture = Fixture::new(store);
    for number in 0..20 {
        enqueue(&fixture, &format!("e{number}")).await;
    }
    let now = fixture.now();
    let claimed = join_all((0..10).map(|_| claim(&fixture, now, 3))).await.concat();
    let mut ids: Vec<_> = claimed.iter().map(|job| job.id.as_str()).collect();
    ids.sort_unstable();
    let total = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), total, "a job was claimed twice");
    let rest = claim(&fixture, now, 100).await.len();
    assert_eq!(total + rest, 20);
}

/// A schedule comes due once, whoever asks, and again a period later.
pub async fn a_schedule_comes_due_once_for_all(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let now = fixture.now();
    let due = async |now| -> u32 {
        let answers = join_all((0..5).map(|_| store.start_due_schedules(now))).await;
        answers.into_iter().map(|answer| answer.expect(ANSWERS)).sum()
    };
    assert_eq!(due(now).await, 1);
    let job = claim_one(&fixture, now).await;
    assert_eq!(job.task, Task::PurgeUploads);
    assert!(finish(&fixture, &job).await);
    let next = later(now, PURGE_PERIOD_MS);
    assert_eq!(due(later(now, PURGE_PERIOD_MS - 1)).await, 0);
    assert_eq!(due(next).await, 1);
}

/// The job of a schedule is not enqueued while it waits; a dead letter blocks nothing.
pub async fn a_schedule_s_work_does_not_pile_up(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let mut now = fixture.now();
    for _ in 0..3 {
        assert_eq!(store.start_due_schedules(now).await.expect(ANSWERS), 1);
        now = later(now, PURGE_PERIOD_MS);
    }
    let job = claim_one(&fixture, now).await;
    assert!(fail(&fixture, &job, RetryOrDead::DeadAt(now)).await);
    assert_eq!(store.start_due_schedules(now).await.expect(ANSWERS), 1);
    assert_ne!(claim_one(&fixture, now).await.id, job.id);
}
