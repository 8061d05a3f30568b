use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use domain::{
    conversation::Status,
    jobs::{
        Backoff, JobView,
        store::{JobFilter, JobStore as _},
        worker::WorkerSettings,
    },
    mail::{
        Email, MailPolicy,
        service::Mailing,
        store::{DeliveryError, MailSender},
    },
    page::Window,
    ports::Clock as _,
    testing::{
        MemoryStore,
        fixture::{CountingIds, MemoryFiles, Service, booking_event, client, salon, text, user},
    },
};

use super::*;

/// What happens to each mail.
#[derive(Clone, Copy)]
enum Delivery {
    Hangs,
    Panics,
}

/// A mail server at which no mail arrives.
struct FaultySender {
    delivery: Delivery,
    begun: AtomicUsize,
}

#[async_trait]
impl MailSender for FaultySender {
    async fn deliver(&self, _: &Email) -> Result<(), DeliveryError> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        match self.delivery {
            Delivery::Hangs => std::future::pending().await,
            Delivery::Panics => panic!("on purpose"),
        }
    }
}

struct Fixture {
    service: Service,
    store: Arc<MemoryStore>,
    sender: Arc<FaultySender>,
    notifier: JobNotifier,
    runner: Runner,
}

const ONE_ATTEMPT: WorkerSettings = WorkerSettings {
    lease_ms: 120_000,
    backoff: Backoff { first_ms: 1_000, longest_ms: 1_000, attempts_max: 1 },
    unsent_age_max_ms: 86_400_000,
};

impl Fixture {
    /// A node whose mail is due, to so many people.
    async fn with_due_mail(people: usize, delivery: Delivery, settings: WorkerSettings) -> Self {
        let store = Arc::new(MemoryStore::new());
        let service = Service::over(store.clone());
        for number in 0..people {
            let conversation = service.open("s1", &format!("c{number}")).await;
            let mut person = client(&format!("c{number}"));
            person.profile.email = Some(format!("c{number}@mail.test"));
            service.add_participant(&person).await;
            let author = user("s1");
            let sent = service.messaging.send_message(&conversation, &author, text("Bonjour"));
            sent.await.expect("the salon takes part");
        }
        service.clock.advance_millis(3_600_000);
        let sender = Arc::new(FaultySender { delivery, begun: AtomicUsize::new(0) });
        let (files, ids) = (Arc::new(MemoryFiles::new()), Arc::new(CountingIds::new()));
        let (clock, policy) = (service.clock.clone(), MailPolicy::default());
        let mailing =
            Mailing::new(store.clone(), sender.clone(), clock.clone(), ids.clone(), policy);
        let services = service.services.clone();
        let worker = Worker::new(services, store.clone(), files, clock, ids, settings);
        let worker = worker.with_mailing(mailing);
        let notifier = JobNotifier::default();
        let runner = Runner::start(
            worker,
            RunnerSettings {
                at_once_max: 4,
                poll_interval: Duration::from_millis(100),
                time_max: Duration::from_mins(1),
            },
            notifier.clone(),
        );
        Self { service, store, sender, notifier, runner }
    }

    async fn jobs(&self, filter: JobFilter) -> Vec<JobView> {
        self.store.jobs(filter, 100).await.expect("the store works")
    }

    /// The only job that was given up.
    async fn dead_job(&self) -> JobView {
        until(async || !self.jobs(JobFilter::Dead).await.is_empty()).await;
        self.jobs(JobFilter::Dead).await.remove(0)
    }
}

/// Waits for `condition`, for at most an hour of the paused clock.
async fn until(condition: impl AsyncFn() -> bool) {
    let wait = async {
        while !condition().await {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_hours(1), wait).await.expect("it comes true");
}

#[tokio::test(start_paused = true)]
async fn a_mail_server_that_hangs_delays_mail_alone() {
    let fixture = Fixture::with_due_mail(6, Delivery::Hangs, WorkerSettings::default()).await;
    until(async || fixture.sender.begun.load(Ordering::SeqCst) > 0).await;
    fixture.service.add_participant(&salon("s2")).await;
    fixture.service.add_participant(&client("c-booked")).await;
    let mut event = booking_event("e1", "booked");
    (event.salon, event.client) = (user("s2"), user("c-booked"));
    event.occurred_at = fixture.service.clock.now();
    let received = fixture.service.appointments.receive_appointment_event(&event).await;
    received.expect("the store works");
    (fixture.notifier.callback())();
    until(async || {
        let (window, viewer) = (Window::first(9), user("c-booked"));
        let messaging = &fixture.service.messaging;
        let page = messaging.conversations(&viewer, Some(Status::Active), &window);
        !page.await.expect("the store works").items.is_empty()
    })
    .await;
    assert_eq!(fixture.sender.begun.load(Ordering::SeqCst), 1, "mail has one of four places");
    until(async || {
        let jobs = fixture.jobs(JobFilter::All).await;
        jobs.iter().all(|job| job.task.group() == JobGroup::Mail)
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_job_that_panics_has_failed() {
    let fixture = Fixture::with_due_mail(1, Delivery::Panics, ONE_ATTEMPT).await;
    let dead = fixture.dead_job().await;
    assert_eq!((dead.attempts, dead.last_failure.as_deref()), (1, Some("panicked")));
    fixture.runner.stop(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn a_job_that_takes_too_long_is_stopped_and_has_failed() {
    let fixture = Fixture::with_due_mail(1, Delivery::Hangs, ONE_ATTEMPT).await;
    let dead = fixture.dead_job().await;
    assert_eq!((dead.attempts, dead.last_failure.as_deref()), (1, Some("took_too_long")));
}

#[tokio::test(start_paused = true)]
async fn a_job_that_loses_its_lease_again_and_again_is_given_up() {
    let settings = WorkerSettings {
        lease_ms: 0,
        backoff: Backoff { attempts_max: 3, ..Backoff::default() },
        ..WorkerSettings::default()
    };
    let fixture = Fixture::with_due_mail(2, Delivery::Hangs, settings).await;
    // Another node claims what this one runs.
    until(async || fixture.sender.begun.load(Ordering::SeqCst) > 0).await;
    for _ in 0..3 {
        let claim = domain::jobs::store::ClaimJobs {
            now: fixture.service.clock.now(),
            lease_ms: 0,
            limit: 100,
            kinds: JobGroup::Mail.kinds(),
        };
        fixture.store.claim_jobs(&claim).await.expect("the store works");
    }
    // Its place is free again: both jobs come to their end.
    until(async || fixture.jobs(JobFilter::Dead).await.len() == 2).await;
    for dead in fixture.jobs(JobFilter::Dead).await {
        assert_eq!(dead.last_failure.as_deref(), Some("lease_lost"));
    }
}
