use super::*;
use crate::{
    conversation::{
        ConversationView,
        uploads::{UploadSettings, Uploads},
    },
    jobs::store::{JobCounts, JobFilter},
    page::Window,
    testing::{
        MemoryStore,
        fixture::{
            CountingIds, MemoryFiles, Pieces, Service, booking_event, client, pictures, salon, user,
        },
    },
};

/// Each claim finds the leases of those before it ended.
const LEASES_END_AT_ONCE: WorkerSettings = WorkerSettings {
    lease_ms: 0,
    backoff: Backoff { first_ms: 1_000, longest_ms: 4_000, attempts_max: 3 },
    unsent_age_max_ms: 86_400_000,
};

struct Fixture {
    service: Service,
    store: Arc<MemoryStore>,
    files: Arc<MemoryFiles>,
    worker: Worker,
}

fn fixture() -> Fixture {
    fixture_with(WorkerSettings::default())
}

fn fixture_with(settings: WorkerSettings) -> Fixture {
    let store = Arc::new(MemoryStore::new());
    let service = Service::over(store.clone());
    let files = Arc::new(MemoryFiles::new());
    let backoff = Backoff { first_ms: 1_000, longest_ms: 4_000, attempts_max: 3 };
    let settings = WorkerSettings { backoff, ..settings };
    let worker = Worker::new(
        service.services.clone(),
        store.clone(),
        files.clone(),
        service.clock.clone(),
        Arc::new(CountingIds::new()),
        settings,
    );
    Fixture { service, store, files, worker }
}

impl Fixture {
    /// Runs all due jobs and returns the outcomes.
    async fn work(&self) -> Vec<Performed> {
        let mut performed = vec![];
        loop {
            let jobs = self.worker.claim(2).await.expect("the store works");
            if jobs.is_empty() {
                return performed;
            }
            for job in &jobs {
                performed.push(self.worker.perform(job).await.expect("the store works"));
            }
        }
    }

    async fn counts(&self) -> JobCounts {
        self.service.store.job_counts().await.expect("the store works")
    }

    async fn conversations(&self) -> Vec<ConversationView> {
        let page = self.service.store.conversations(&user("c1"), None, &Window::first(9)).await;
        page.expect("the store works").items
    }

    fn uploads(&self) -> Uploads {
        let ids = Arc::new(CountingIds::new());
        let (store, files) = (self.store.clone(), self.files.clone());
        let clock = self.service.clock.clone();
        Uploads::new(store, files, clock, ids, UploadSettings::default())
    }
}

#[tokio::test]
async fn a_report_becomes_a_conversation_by_its_job() {
    let fixture = fixture();
    fixture.service.add_participant(&salon("s1")).await;
    fixture.service.add_participant(&client("c1")).await;
    let event = booking_event("e1", "booked");
    fixture.service.appointments.receive_appointment_event(&event).await.expect("it works");
    assert!(fixture.conversations().await.is_empty(), "it is stored first");
    assert!(matches!(fixture.work().await[..], [Performed::Done]));
    assert_eq!(fixture.conversations().await.len(), 1);
    assert_eq!(fixture.counts().await, JobCounts::default());
}

#[tokio::test]
async fn a_job_that_fails_is_tried_again_later_and_given_up_in_the_end() {
    let fixture = fixture();
    let event = booking_event("e1", "booked");
    fixture.service.appointments.receive_appointment_event(&event).await.expect("it works");
    for _ in 0..2 {
        let performed = fixture.work().await;
        let [Performed::Retried(failure)] = &performed[..] else { panic!("{performed:?}") };
        assert_eq!(failure.reason(), "unknown_person");
        assert!(fixture.work().await.is_empty(), "it has to wait");
        fixture.service.clock.advance_millis(4_000);
    }
    let performed = fixture.work().await;
    assert!(matches!(performed[..], [Performed::Dead(_)]), "{performed:?}");
    assert_eq!(fixture.counts().await, JobCounts { waiting: 0, dead: 1 });
    let dead = fixture.service.store.jobs(JobFilter::Dead, 9).await.expect("the store works");
    assert_eq!(dead[0].last_failure.as_deref(), Some("unknown_person"));

    // It does not block later events, and an operator can retry it.
    fixture.service.add_participant(&salon("s1")).await;
    fixture.service.add_participant(&client("c1")).await;
    let mut later = booking_event("e2", "cancelled");
    later.occurred_at = fixture.service.clock.now();
    fixture.service.appointments.receive_appointment_event(&later).await.expect("it works");
    assert!(matches!(fixture.work().await[..], [Performed::Done]));
    let retried = fixture.service.store.retry_dead_jobs(None, fixture.service.clock.now()).await;
    assert_eq!(retried.expect("the store works"), 1);
    assert!(matches!(fixture.work().await[..], [Performed::Done]));
    let views = fixture.conversations().await;
    assert_eq!((views.len(), views[0].unread), (1, 2));
    assert_eq!(views[0].conversation.status, crate::conversation::Status::Archived);
}

#[tokio::test]
async fn a_failure_that_will_not_pass_is_given_up_at_once() {
    let fixture = fixture();
    fixture.service.add_participant(&client("s1")).await;
    fixture.service.add_participant(&client("c1")).await;
    let event = booking_event("e1", "booked");
    fixture.service.appointments.receive_appointment_event(&event).await.expect("it works");
    let performed = fixture.work().await;
    let [Performed::Dead(failure)] = &performed[..] else { panic!("{performed:?}") };
    assert_eq!(failure.reason(), "not_a_salon");
}

#[tokio::test]
async fn a_worker_that_lost_its_lease_records_no_outcome() {
    let fixture = fixture_with(LEASES_END_AT_ONCE);
    let event = booking_event("e1", "completed");
    fixture.service.appointments.receive_appointment_event(&event).await.expect("it works");
    let slow = fixture.worker.claim(1).await.expect("the store works").remove(0);
    let quick = fixture.worker.claim(1).await.expect("the store works").remove(0);
    let performed = fixture.worker.perform(&slow).await.expect("the store works");
    assert!(matches!(performed, Performed::LeaseLost));
    let performed = fixture.worker.perform(&quick).await.expect("the store works");
    assert!(matches!(performed, Performed::Done));
}

#[tokio::test]
async fn an_unavailable_store_is_the_worker_s_error_and_the_job_is_retried() {
    let fixture = fixture_with(LEASES_END_AT_ONCE);
    let event = booking_event("e1", "completed");
    fixture.service.appointments.receive_appointment_event(&event).await.expect("it works");
    let job = fixture.worker.claim(1).await.expect("the store works").remove(0);
    fixture.store.set_unavailable(true);
    assert!(fixture.worker.perform(&job).await.is_err());
    fixture.store.set_unavailable(false);
    assert!(matches!(fixture.work().await[..], [Performed::Done]));
}

#[tokio::test]
async fn a_job_that_never_comes_to_an_outcome_is_given_up_after_its_last_attempt() {
    let fixture = fixture_with(LEASES_END_AT_ONCE);
    let event = booking_event("e1", "completed");
    fixture.service.appointments.receive_appointment_event(&event).await.expect("it works");
    for attempt in 1..=3 {
        let job = fixture.worker.claim(1).await.expect("the store works").remove(0);
        assert_eq!((job.attempt, job.follows_lost_lease), (attempt, attempt > 1));
    }
    let performed = fixture.work().await;
    let [Performed::Dead(failure)] = &performed[..] else { panic!("{performed:?}") };
    assert_eq!(failure.reason(), "lease_lost");
    assert_eq!(fixture.counts().await, JobCounts { waiting: 0, dead: 1 });
}

#[tokio::test]
async fn a_job_that_was_interrupted_is_retried_and_given_up_like_one_that_failed() {
    let fixture = fixture();
    let event = booking_event("e1", "completed");
    fixture.service.appointments.receive_appointment_event(&event).await.expect("it works");
    for attempt in 1..=3 {
        let job = fixture.worker.claim(1).await.expect("the store works").remove(0);
        assert_eq!((job.attempt, job.follows_lost_lease), (attempt, false));
        let performed = fixture.worker.record_interruption(&job, "panicked").await;
        let performed = performed.expect("the store works");
        match (attempt, &performed) {
            (1 | 2, Performed::Retried(failure)) | (3, Performed::Dead(failure)) => {
                assert_eq!(failure.reason(), "panicked");
            }
            _ => panic!("{attempt}: {performed:?}"),
        }
        fixture.service.clock.advance_millis(4_000);
    }
}

#[tokio::test]
async fn a_worker_may_claim_the_jobs_of_one_group() {
    let fixture = fixture();
    let event = booking_event("e1", "completed");
    fixture.service.appointments.receive_appointment_event(&event).await.expect("it works");
    fixture.worker.start_due_schedules().await.expect("the store works");
    for (group, kind) in [
        (JobGroup::Mail, None),
        (JobGroup::Files, Some("purge_uploads")),
        (JobGroup::Bookings, Some("handle_appointment_event")),
    ] {
        let claimed = fixture.worker.claim_group(group, 9).await.expect("the store works");
        assert!(claimed.iter().map(|job| job.task.kind()).eq(kind), "{group:?}: {claimed:?}");
    }
}

#[tokio::test]
async fn files_of_deleted_messages_are_deleted_and_those_still_shown_are_not() {
    let fixture = fixture();
    let id = fixture.service.open("s1", "c1").await;
    let author = user("c1");
    let messaging = &fixture.service.messaging;
    let send = async || {
        let sent = messaging.send_message(&id, &author, pictures("", 1, None)).await;
        sent.expect("the client takes part").message.id.clone()
    };
    // Two messages have the same file of the upload service.
    let (first, second) = (send().await, send().await);
    messaging.delete_message(&first, &author).await.expect("its author may");
    assert!(matches!(fixture.work().await[..], [Performed::Done]));
    assert!(fixture.files.deleted_hosted().is_empty(), "the other message still shows it");
    messaging.delete_message(&second, &author).await.expect("its author may");
    fixture.files.set_broken(true);
    let performed = fixture.work().await;
    let [Performed::Retried(failure)] = &performed[..] else { panic!("{performed:?}") };
    assert_eq!(failure.reason(), "files_failed");
    fixture.files.set_broken(false);
    fixture.service.clock.advance_millis(4_000);
    assert!(matches!(fixture.work().await[..], [Performed::Done]));
    assert_eq!(fixture.files.deleted_hosted(), ["upload-1"]);
}

#[tokio::test]
async fn uploads_that_nobody_sent_are_gone_after_a_day() {
    let fixture = fixture();
    let owner = user("c1");
    let upload = async || {
        let mut bytes = Pieces::of(b"picture");
        fixture.uploads().upload(&owner, "a.webp", None, &mut bytes).await
    };
    upload().await.expect("a good picture");
    assert_eq!(fixture.worker.start_due_schedules().await.expect("the store works"), 1);
    assert!(matches!(fixture.work().await[..], [Performed::Done]));
    assert_eq!(fixture.files.keys().len(), 2, "it is not old yet");
    assert_eq!(fixture.worker.start_due_schedules().await.expect("the store works"), 0);

    // A night has passed too, whose jobs run as well and find nothing.
    fixture.service.clock.advance_millis(86_400_000);
    assert_eq!(fixture.worker.start_due_schedules().await.expect("the store works"), 5);
    let performed = fixture.work().await;
    assert_eq!(performed.len(), 7, "five schedules and two files: {performed:?}");
    assert!(performed.iter().all(|it| matches!(it, Performed::Done)), "{performed:?}");
    assert!(fixture.files.keys().is_empty());
    assert_eq!(fixture.counts().await, JobCounts::default());
}

#[tokio::test]
async fn a_person_is_forgotten_by_a_job() {
    let fixture = fixture();
    let id = fixture.service.open("s1", "c1").await;
    let Services { messaging, privacy, .. } = &fixture.service.services;
    let draft = pictures("un secret", 1, None);
    messaging.send_message(&id, &user("c1"), draft).await.expect("the client takes part");
    privacy.request_erasure(&user("c1")).await.expect("it works");
    assert_eq!(fixture.work().await.len(), 2, "the person, then their file");
    let receipt = privacy.erasure(&user("c1")).await.expect("it works").expect("asked for");
    assert!(receipt.finished_at.is_some());
    assert_eq!((receipt.conversations, receipt.messages, receipt.files), (1, 1, 1));
    assert_eq!(fixture.files.deleted_hosted(), ["upload-1"]);
}

#[test]
fn what_only_an_operator_can_change_is_not_tried_again() {
    let failed = FilesError::Failed("a test".into());
    assert!(matches!(JobFailure::from(failed), JobFailure::Retry { .. }));
    assert!(matches!(JobFailure::from(FilesError::NoUploadService), JobFailure::Dead { .. }));
}
