//! Workers of several nodes on many booking events.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use domain::{
    Services, Worker,
    appointments::AppointmentEvent,
    conversation::store::CounterStore,
    ids::AppointmentId,
    jobs::{
        ATTEMPTS_MAX, Backoff, Task,
        store::JobStore,
        worker::{Performed, WorkerSettings},
    },
    participant::store::ParticipantStore,
    ports::Clock,
    retention::store::RetentionStore,
    testing::fixture::{
        CountingIds, FixedClock, MemoryFiles, RecordingFanout, booking_event, client, salon, user,
    },
    time::Timestamp,
};
use storage_pg::PgStore;

use crate::{
    concurrency::assert_counters_are_true,
    support::Scratch,
    talk::{ANSWERS, TestConversation, now},
    waiting::{at_once, hold, until_waiting},
};

const BOOKINGS: usize = 20;
/// The events of each booking, in order; every second booking does not have the last one.
const DAY: [&str; 6] =
    ["requested", "confirmed", "rescheduled", "rescheduled", "completed", "cancelled"];
const SENDERS: usize = 2;

/// One of several nodes, which share a clock and never generate the same id.
#[derive(Clone)]
struct Node {
    store: PgStore,
    services: Services,
    worker: Worker,
    clock: Arc<FixedClock>,
}

fn nodes(scratch: &Scratch) -> [Node; 2] {
    let (clock, ids) = (Arc::new(FixedClock::ticking()), Arc::new(CountingIds::new()));
    // So that the reported events lie in the past.
    clock.advance_millis(86_400_000);
    [(**scratch).clone(), scratch.another(|_| ())].map(|store| {
        let shared: Arc<PgStore> = Arc::new(store.clone());
        let fanout = Arc::new(RecordingFanout::new());
        let services = Services::new(shared.clone(), fanout, clock.clone(), ids.clone());
        let (files, ids) = (Arc::new(MemoryFiles::new()), ids.clone());
        let backoff = Backoff { attempts_max: ATTEMPTS_MAX, ..Backoff::default() };
        let settings = WorkerSettings { lease_ms: 500, backoff, ..WorkerSettings::default() };
        let worker = Worker::new(services.clone(), shared, files, clock.clone(), ids, settings);
        Node { store, services, worker, clock: clock.clone() }
    })
}

#[tokio::test]
async fn the_audit_finds_wrong_counters_mends_them_and_says_where() {
    const COUNTERS: &str = "SELECT unread_by_salon, unread_by_client, waits_for_salon, waits_for_client,
        salon_message_seq, client_message_seq, message_count, last_seq FROM messaging.conversation ORDER BY id";
    let scratch = Scratch::new().await;
    let mut wrong = Vec::new();
    for _ in 0..3 {
        let conversation = TestConversation::open(&scratch).await;
        conversation.send_text(&conversation.client, "Bonjour").await;
        conversation.send_text(&conversation.client, "Êtes-vous là ?").await;
        conversation.send_text(&conversation.salon, "Oui").await;
        wrong.push(conversation.id);
    }
    let right = scratch.sql(COUNTERS).await;
    wrong.remove(1);
    wrong.sort();
    plant(&scratch, &format!("unread_by_salon = 0, message_count = 9 WHERE id = '{}'", wrong[0]))
        .await;
    plant(
        &scratch,
        &format!("unread_by_client = 3, client_message_seq = 0 WHERE id = '{}'", wrong[1]),
    )
    .await;
    assert_ne!(scratch.sql(COUNTERS).await, right);

    let [node, _] = nodes(&scratch);
    let audit = Task::AuditConversations(None);
    node.store.enqueue_continuation(&audit, node.clock.now()).await.expect(ANSWERS);
    let [job] = &node.worker.claim(9).await.expect(ANSWERS)[..] else { panic!("one job is due") };
    let performed = node.worker.perform(job).await.expect(ANSWERS);
    let Performed::Repaired(repaired) = performed else { panic!("{performed:?}") };
    assert_eq!(repaired, wrong);
    assert_eq!(scratch.sql(COUNTERS).await, right);

    node.store.enqueue_continuation(&audit, node.clock.now()).await.expect(ANSWERS);
    let [job] = &node.worker.claim(9).await.expect(ANSWERS)[..] else { panic!("one job is due") };
    let performed = node.worker.perform(job).await.expect(ANSWERS);
    assert!(matches!(performed, Performed::Done), "{performed:?}");
}

/// Changes counters without anything that keeps them right.
async fn plant(scratch: &Scratch, change: &str) {
    let change = format!(
        "BEGIN; SET LOCAL session_replication_role = replica;
        UPDATE messaging.conversation SET {change}; COMMIT"
    );
    scratch.sql(&change).await;
}

/// What differs only until the lock is taken is nobody's fault.
#[tokio::test]
async fn the_audit_looks_again_under_the_lock() {
    let scratch = Scratch::new().await;
    let conversation = TestConversation::open(&scratch).await;
    conversation.send_text(&conversation.client, "Bonjour").await;
    plant(&scratch, "unread_by_salon = 2").await;
    let holder = hold(&scratch, &conversation).await;
    let store = (*scratch).clone();
    let audit = tokio::spawn(async move { store.audit_heads(None, 9).await.expect(ANSWERS) });
    until_waiting(&scratch, 1).await;
    let mended = "UPDATE messaging.conversation SET unread_by_salon = 1; COMMIT";
    holder.batch_execute(mended).await.expect("it holds the lock");
    let audited = audit.await.expect("no panic");
    assert_eq!((audited.repaired, audited.next), (vec![], Some(conversation.id)));
}

/// All reports, ordered by the time of the event.
fn reports() -> Vec<AppointmentEvent> {
    let mut reports = Vec::new();
    for (hour, kind) in DAY.iter().enumerate() {
        for booking in 0..BOOKINGS {
            if *kind == "cancelled" && booking % 2 == 1 {
                continue;
            }
            let mut report = booking_event(&format!("e-{booking}-{hour}"), kind);
            report.appointment = AppointmentId::parse(&format!("rdv-{booking}")).expect("good");
            report.salon = user(if booking % 3 == 0 { "s2" } else { "s1" });
            let later = i64::try_from(hour).expect("few") * 3_600_000;
            let at = Timestamp::from_millis(report.occurred_at.as_millis() + later);
            report.occurred_at = at.expect("within the calendar");
            reports.push(report);
        }
    }
    reports
}

/// Sends every report, in a scattered order: the first sender once, the second one twice.
async fn send(node: &Node, sender: usize, reports: &[AppointmentEvent]) {
    for round in 0..=sender {
        for step in 0..reports.len() {
            let place = (step * 37 + sender * 11 + round * 53) % reports.len();
            node.services
                .appointments
                .receive_appointment_event(&reports[place])
                .await
                .expect(ANSWERS);
        }
    }
}

/// Runs jobs until none is pending and nobody sends any more.
async fn work(node: &Node, sending: &AtomicUsize) {
    loop {
        let is_last = sending.load(Ordering::SeqCst) == 0;
        let jobs = node.worker.claim(4).await.expect(ANSWERS);
        for job in &jobs {
            node.worker.perform(job).await.expect(ANSWERS);
        }
        if jobs.is_empty() {
            if is_last && node.store.job_counts().await.expect(ANSWERS).waiting == 0 {
                return;
            }
            // Lets retries become due and leases expire.
            node.clock.advance_millis(20);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_booking_has_one_conversation_and_each_event_one_text() {
    let scratch = Scratch::new().await;
    let nodes = nodes(&scratch);
    for person in [salon("s1"), salon("s2"), client("c1")] {
        scratch.upsert_participant(&person, now()).await.expect(ANSWERS);
    }
    let (reports, sending) = (Arc::new(reports()), Arc::new(AtomicUsize::new(SENDERS)));
    at_once(SENDERS + 5, |number| {
        let (node, reports, sending) =
            (nodes[number % 2].clone(), Arc::clone(&reports), Arc::clone(&sending));
        async move {
            if number < SENDERS {
                send(&node, number, &reports).await;
                sending.fetch_sub(1, Ordering::SeqCst);
                // Claims jobs and crashes.
                node.worker.claim(3).await.expect(ANSWERS);
            } else {
                work(&node, &sending).await;
            }
        }
    })
    .await;

    let counts = scratch.job_counts().await.expect(ANSWERS);
    assert_eq!((counts.waiting, counts.dead), (0, 0));
    let handled = "SELECT count(*) FROM messaging.appointment_event WHERE handled_at IS NOT NULL";
    assert_eq!(scratch.number(handled).await, 110);
    // Four messages each, and a fifth in cancelled bookings, whose conversations are archived.
    let spoken = "SELECT c.status, c.message_count, count(DISTINCT m.id), count(DISTINCT c.id)
        FROM messaging.conversation AS c JOIN messaging.message AS m ON m.conversation_id = c.id
        GROUP BY 1, 2 ORDER BY 1";
    let rows = scratch.sql(spoken).await;
    assert_eq!(rows, [["ACTIVE", "4", "40", "10"], ["ARCHIVED", "5", "50", "10"]]);
    assert_counters_are_true(&scratch).await;
}
