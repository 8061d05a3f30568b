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

struct House {
    service: Service,
    store: Arc<MemoryStore>,
    files: Arc<MemoryFiles>,
    worker: Worker,
}

fn house() -> House {
    let store = Arc::new(MemoryStore::new());
    let service = Service::over(store.clone());
    let files = Arc::new(MemoryFiles::new());
    let backoff = Backoff { first_ms: 1_000, longest_ms: 4_000, attempts_max: 3 };
    let settings = WorkerSettings { backoff, ..WorkerSettings::default() };
    let worker = Worker::new(
        service.services.clone(),
        store.clone(),
        files.clone(),
        service.clock.clone(),
        Arc::new(CountingIds::new()),
        settings,
    );
    House { service, store, files, worker }
}

impl House {
    /// Does everything that is due, and says what became of it.
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
    let house = house();
    house.service.note(&salon("s1")).await;
    house.service.note(&client("c1")).await;
    let event = booking_event("e1", "booked");
    house.service.appointments.receive_appointment_event(&event).await.expect("it works");
    assert!(house.conversations().await.is_empty(), "it is stored first");
    assert!(matches!(house.work().await[..], [Performed::Done]));
    assert_eq!(house.conversations().await.len(), 1);
    assert_eq!(house.counts().await, JobCounts::default());
}

#[tokio::test]
async fn a_job_that_fails_is_tried_again_later_and_given_up_in_the_end() {
    let house = house();
    let event = booking_event("e1", "booked");
    house.service.appointments.receive_appointment_event(&event).await.expect("it works");
    for _ in 0..2 {
        let performed = house.work().await;
        let [Performed::Retried(failure)] = &performed[..] else { panic!("{performed:?}") };
        assert_eq!(failure.reason(), "unknown_person");
        assert!(house.work().await.is_empty(), "it has to wait");
        house.service.clock.advance_millis(4_000);
    }
    let performed = house.work().await;
    assert!(matches!(performed[..], [Performed::Dead(_)]), "{performed:?}");
    assert_eq!(house.counts().await, JobCounts { waiting: 0, dead: 1 });
    let dead = house.service.store.jobs(JobFilter::Dead, 9).await.expect("the store works");
    assert_eq!(dead[0].last_failure.as_deref(), Some("unknown_person"));

    // It holds up no event behind it, and an operator brings it back.
    house.service.note(&salon("s1")).await;
    house.service.note(&client("c1")).await;
    let mut later = booking_event("e2", "cancelled");
    later.occurred_at = house.service.clock.now();
    house.service.appointments.receive_appointment_event(&later).await.expect("it works");
    assert!(matches!(house.work().await[..], [Performed::Done]));
    let retried = house.service.store.retry_dead_jobs(None, house.service.clock.now()).await;
    assert_eq!(retried.expect("the store works"), 1);
    assert!(matches!(house.work().await[..], [Performed::Done]));
    let views = house.conversations().await;
    assert_eq!((views.len(), views[0].unread), (1, 2));
    assert_eq!(views[0].conversation.status, crate::conversation::Status::Archived);
}

#[tokio::test]
async fn a_failure_that_will_not_pass_is_given_up_at_once() {
    let house = house();
    house.service.note(&client("s1")).await;
    house.service.note(&client("c1")).await;
    let event = booking_event("e1", "booked");
    house.service.appointments.receive_appointment_event(&event).await.expect("it works");
    let performed = house.work().await;
    let [Performed::Dead(failure)] = &performed[..] else { panic!("{performed:?}") };
    assert_eq!(failure.reason(), "not_a_salon");
}

#[tokio::test]
async fn whoever_was_too_slow_has_no_say() {
    let house = house();
    let event = booking_event("e1", "completed");
    house.service.appointments.receive_appointment_event(&event).await.expect("it works");
    let slow = house.worker.claim(1).await.expect("the store works").remove(0);
    house.service.clock.advance_millis(120_000);
    let quick = house.worker.claim(1).await.expect("the store works").remove(0);
    let performed = house.worker.perform(&slow).await.expect("the store works");
    assert!(matches!(performed, Performed::LeaseLost));
    let performed = house.worker.perform(&quick).await.expect("the store works");
    assert!(matches!(performed, Performed::Done));
}

#[tokio::test]
async fn a_store_that_is_away_is_the_worker_s_error_and_the_job_comes_back() {
    let house = house();
    let event = booking_event("e1", "completed");
    house.service.appointments.receive_appointment_event(&event).await.expect("it works");
    let job = house.worker.claim(1).await.expect("the store works").remove(0);
    house.store.set_unavailable(true);
    assert!(house.worker.perform(&job).await.is_err());
    house.store.set_unavailable(false);
    house.service.clock.advance_millis(120_000);
    assert!(matches!(house.work().await[..], [Performed::Done]));
}

#[tokio::test]
async fn files_of_deleted_messages_are_deleted_and_those_still_shown_are_not() {
    let house = house();
    let id = house.service.open("s1", "c1").await;
    let author = user("c1");
    let messaging = &house.service.messaging;
    let send = async || {
        let sent = messaging.send_message(&id, &author, pictures("", 1, None)).await;
        sent.expect("the client takes part").message.id.clone()
    };
    // Two messages name the same file of the upload service.
    let (first, second) = (send().await, send().await);
    messaging.delete_message(&first, &author).await.expect("its author may");
    assert!(matches!(house.work().await[..], [Performed::Done]));
    assert!(house.files.deleted_hosted().is_empty(), "the other message still shows it");
    messaging.delete_message(&second, &author).await.expect("its author may");
    house.files.set_broken(true);
    let performed = house.work().await;
    let [Performed::Retried(failure)] = &performed[..] else { panic!("{performed:?}") };
    assert_eq!(failure.reason(), "files_failed");
    house.files.set_broken(false);
    house.service.clock.advance_millis(4_000);
    assert!(matches!(house.work().await[..], [Performed::Done]));
    assert_eq!(house.files.deleted_hosted(), ["upload-1"]);
}

#[tokio::test]
async fn uploads_that_nobody_sent_are_gone_after_a_day() {
    let house = house();
    let owner = user("c1");
    let upload = async || {
        let mut bytes = Pieces::of(b"picture");
        house.uploads().upload(&owner, "a.webp", None, &mut bytes).await
    };
    upload().await.expect("a good picture");
    assert_eq!(house.worker.start_due_schedules().await.expect("the store works"), 1);
    assert!(matches!(house.work().await[..], [Performed::Done]));
    assert_eq!(house.files.keys().len(), 2, "it is not old yet");
    assert_eq!(house.worker.start_due_schedules().await.expect("the store works"), 0);

    // A night has passed too, whose work is done beside it and finds nothing.
    house.service.clock.advance_millis(86_400_000);
    assert_eq!(house.worker.start_due_schedules().await.expect("the store works"), 4);
    let performed = house.work().await;
    assert_eq!(performed.len(), 6, "four schedules and two files: {performed:?}");
    assert!(performed.iter().all(|it| matches!(it, Performed::Done)), "{performed:?}");
    assert!(house.files.keys().is_empty());
    assert_eq!(house.counts().await, JobCounts::default());
}

#[tokio::test]
async fn a_person_is_forgotten_by_a_job() {
    let house = house();
    let id = house.service.open("s1", "c1").await;
    let Service { messaging, privacy, .. } = &house.service;
    let draft = pictures("un secret", 1, None);
    messaging.send_message(&id, &user("c1"), draft).await.expect("the client takes part");
    privacy.request_erasure(&user("c1")).await.expect("it works");
    assert_eq!(house.work().await.len(), 2, "the person, then their file");
    let receipt = privacy.erasure(&user("c1")).await.expect("it works").expect("asked for");
    assert!(receipt.finished_at.is_some());
    assert_eq!((receipt.conversations, receipt.messages, receipt.files), (1, 1, 1));
    assert_eq!(house.files.deleted_hosted(), ["upload-1"]);
}

#[test]
fn what_only_an_operator_can_change_is_not_tried_again() {
    let failed = FilesError::Failed("a test".into());
    assert!(matches!(JobFailure::from(failed), JobFailure::Retry { .. }));
    assert!(matches!(JobFailure::from(FilesError::NobodyToAsk), JobFailure::Dead { .. }));
}
