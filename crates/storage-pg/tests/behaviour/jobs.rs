//! Concurrent claims, and jobs of crashed workers.

use std::collections::HashSet;

use domain::{
    jobs::{
        Job, PURGE_PERIOD_MS, Task,
        store::{ClaimJobs, JobStore},
    },
    time::Timestamp,
};
use storage_pg::PgStore;

use crate::{
    support::Scratch,
    talk::{ANSWERS, now},
    waiting::{at_once, until},
};

/// Enqueues `count` jobs, a second apart.
async fn enter(scratch: &Scratch, count: usize) {
    let enter = format!(
        "SELECT messaging.enqueue_job('erase_person', 'u' || n, '2026-01-01'::timestamptz + n * interval '1 s')
        FROM generate_series(1, {count}) AS n",
    );
    scratch.sql(&enter).await;
}

async fn claim(store: &PgStore, limit: u32) -> Vec<Job> {
    let claim = ClaimJobs { now: now(), lease_ms: 60_000, limit, kinds: &Task::KINDS };
    store.claim_jobs(&claim).await.expect(ANSWERS)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn claimers_at_the_same_moment_share_the_work() {
    let scratch = Scratch::new().await;
    let nodes = [(*scratch).clone(), scratch.another(|_| ())];
    enter(&scratch, 100).await;
    let mut claimed: Vec<Job> = at_once(12, |number| {
        let store = nodes[number % 2].clone();
        async move { claim(&store, 10).await }
    })
    .await
    .into_iter()
    .flatten()
    .collect();
    assert!(claimed.iter().all(|job| job.attempt == 1));
    // A concurrent claim may have found fewer jobs than there were.
    claimed.extend(claim(&scratch, 100).await);
    let ids: HashSet<_> = claimed.iter().map(|job| job.id.clone()).collect();
    assert_eq!((claimed.len(), ids.len()), (100, 100));
}

#[tokio::test]
async fn work_is_handed_out_oldest_first_however_it_lies_in_the_table() {
    let scratch = Scratch::new().await;
    enter(&scratch, 50).await;
    // Moves half of the rows to new pages.
    scratch.sql("UPDATE messaging.job SET attempts = 0 WHERE subject < 'u3'").await;
    let subjects = claim(&scratch, 20).await;
    let subjects: Vec<_> = subjects.iter().map(|job| job.task.subject().to_owned()).collect();
    let oldest: Vec<_> = (1..=20).map(|n| format!("u{n}")).collect();
    assert_eq!(subjects, oldest);
}

#[tokio::test]
async fn a_claim_that_was_cut_off_never_happened() {
    let scratch = Scratch::new().await;
    enter(&scratch, 1).await;
    let killed = scratch.session().await;
    let half = "BEGIN; UPDATE messaging.job SET attempts = attempts + 1, leased_until = 'infinity'";
    killed.batch_execute(half).await.expect("nobody else has it");
    assert_eq!(claim(&scratch, 10).await, [], "somebody is about to have it");
    drop(killed);
    let open = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND state = 'idle in transaction'";
    until(async || scratch.number(open).await == 0).await;
    let [job] = &claim(&scratch, 10).await[..] else { panic!("it waits") };
    assert_eq!(job.attempt, 1);
}

#[tokio::test]
async fn a_worker_that_was_killed_is_followed_by_another() {
    let scratch = Scratch::new().await;
    enter(&scratch, 1).await;
    let at = now();
    let first = ClaimJobs { now: at, lease_ms: 30_000, limit: 1, kinds: &Task::KINDS };
    let killed = scratch.another(|_| ());
    let job = killed.claim_jobs(&first).await.expect(ANSWERS).remove(0);
    drop(killed);

    // By the clock of the database: that of the other node is a day ahead, then.
    let second = ClaimJobs { now: later(at, 86_400_000), ..first };
    assert_eq!(scratch.claim_jobs(&second).await.expect(ANSWERS), []);
    let renewed = "SELECT count(*) FROM messaging.job
        WHERE leased_until BETWEEN now() + interval '50 s' AND now() + interval '60 s'";
    assert!(scratch.renew_job(&job.id, job.attempt, 60_000).await.expect(ANSWERS));
    assert_eq!(scratch.number(renewed).await, 1);
    scratch.sql("UPDATE messaging.job SET leased_until = now()").await;
    let again = scratch.claim_jobs(&second).await.expect(ANSWERS).remove(0);
    assert_eq!((&again.id, again.attempt, again.follows_lost_lease), (&job.id, 2, true));
    assert!(!scratch.finish_job(&job.id, job.attempt).await.expect(ANSWERS));
    assert!(scratch.finish_job(&again.id, again.attempt).await.expect(ANSWERS));
}

fn later(at: Timestamp, millis: i64) -> Timestamp {
    Timestamp::from_millis(at.as_millis() + millis).expect("within the calendar")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_several_nodes_one_starts_a_schedule() {
    let scratch = Scratch::new().await;
    let nodes = [(*scratch).clone(), scratch.another(|_| ())];
    let period = i64::try_from(PURGE_PERIOD_MS).expect("an hour");
    for round in 0..3 {
        let at = later(now(), round * 2 * period);
        let due = at_once(10, |number| {
            let store = nodes[number % 2].clone();
            async move { store.start_due_schedules(at).await.expect(ANSWERS) }
        })
        .await;
        assert_eq!(due.iter().sum::<u32>(), 1, "{due:?}");
        assert_eq!(scratch.number("SELECT count(*) FROM messaging.job").await, 1);
        scratch.sql("DELETE FROM messaging.job").await;
    }
}

#[tokio::test]
async fn the_schedule_in_the_table_is_the_one_of_the_rules() {
    let scratch = Scratch::new().await;
    let schedule = "SELECT name, every_ms FROM messaging.schedule WHERE at_ms IS NULL";
    let schedule = scratch.sql(schedule).await;
    assert_eq!(schedule, [["purge_uploads".to_owned(), PURGE_PERIOD_MS.to_string()]]);
}

#[tokio::test]
async fn work_that_only_newer_nodes_know_waits_for_them() {
    let scratch = Scratch::new().await;
    scratch.sql("SELECT messaging.enqueue_job('water_plants', 'ficus', '2026-01-01')").await;
    enter(&scratch, 1).await;
    let [job] = &claim(&scratch, 10).await[..] else { panic!("one is known") };
    assert_eq!(job.task.kind(), "erase_person");
    assert!(scratch.finish_job(&job.id, job.attempt).await.expect(ANSWERS));
    scratch.start_due_schedules(now()).await.expect(ANSWERS);
    let [purge] = &claim(&scratch, 10).await[..] else { panic!("one is known") };
    scratch.finish_job(&purge.id, purge.attempt).await.expect(ANSWERS);
    assert_eq!(claim(&scratch, 10).await.len(), 0);
    assert_eq!(scratch.job_counts().await.expect(ANSWERS).waiting, 1);
}
