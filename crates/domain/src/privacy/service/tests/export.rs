use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    jobs::{
        store::JobFilter,
        worker::{Worker, WorkerSettings},
    },
    ports::{Clock, FilesError},
    privacy::{export::EXPORT_LIFETIME_MS, service::*},
    store::Store,
    testing::{
        MemoryStore,
        fixture::{CountingIds, MemoryFiles, Pieces, Service, user},
    },
};

/// An exporter that writes three bytes.
struct FakeExporter {
    files: Arc<MemoryFiles>,
    store: Arc<dyn Store>,
    concurrent: Concurrent,
}

/// What others do while it writes.
#[derive(Clone, Copy)]
enum Concurrent {
    Nothing,
    Forget,
    Finish,
}

#[async_trait]
impl Exporter for FakeExporter {
    async fn write(&self, export: &Export) -> Result<u64, JobFailure> {
        let (person, at) = (&export.person, export.requested_at);
        match self.concurrent {
            Concurrent::Nothing => {}
            Concurrent::Forget => drop(self.store.request_erasure(person, at).await?),
            Concurrent::Finish => {
                let ready = ReadyExport::new(3, at);
                assert!(self.store.finish_export(person, &export.key, &ready).await?);
            }
        }
        let written = self.files.write(&export.key, &mut Pieces::of(b"zip")).await;
        Ok(written.map_err(|error| FilesError::Failed(error.into()))?)
    }
}

async fn build(concurrent: Concurrent) -> (Service, Arc<MemoryFiles>) {
    let service = Service::over(Arc::new(MemoryStore::new()));
    service.open("s1", "c1").await;
    let files = Arc::new(MemoryFiles::new());
    let writer = FakeExporter { files: files.clone(), store: service.store.clone(), concurrent };
    let asked = service.privacy.request_export(&user("c1")).await.expect("the store works");
    assert!(asked.is_some_and(|export| export.ready.is_none()));
    for _ in 0..2 {
        let made = service.privacy.make_export(&user("c1"), &writer, &*files).await;
        made.expect("everything works");
    }
    (service, files)
}

#[tokio::test]
async fn an_archive_is_built_and_can_be_downloaded() {
    let (service, files) = build(Concurrent::Nothing).await;
    let export = service.privacy.request_export(&user("c1")).await.expect("the store works");
    let export = export.expect("nobody forgot them");
    assert_eq!(export.ready.map(|ready| ready.size_bytes), Some(3));
    assert_eq!(files.keys(), [export.key]);
}

#[tokio::test]
async fn a_slower_worker_keeps_the_finished_archive() {
    let (service, files) = build(Concurrent::Finish).await;
    let export = service.privacy.request_export(&user("c1")).await.expect("the store works");
    assert_eq!(files.keys(), [export.expect("nobody forgot them").key]);
}

#[tokio::test]
async fn an_archive_is_deleted_after_a_day() {
    let service = Service::over(Arc::new(MemoryStore::new()));
    service.open("s1", "c1").await;
    let files = Arc::new(MemoryFiles::new());
    let (store, concurrent) = (service.store.clone(), Concurrent::Nothing);
    let writer = FakeExporter { files: files.clone(), store: store.clone(), concurrent };
    let (services, clock) = (service.services.clone(), service.clock.clone());
    let (ids, settings) = (Arc::new(CountingIds::new()), WorkerSettings::default());
    let worker = Worker::new(services, store, files.clone(), clock, ids, settings)
        .with_exporter(Arc::new(writer));
    let work = async || {
        for job in worker.claim(10).await.expect("the store works") {
            worker.perform(&job).await.expect("the store works");
        }
        files.keys().len()
    };
    service.privacy.request_export(&user("c1")).await.expect("the store works");
    assert_eq!(work().await, 1, "it is there");
    service.clock.advance_millis(EXPORT_LIFETIME_MS - 1_000);
    assert_eq!(work().await, 1, "it is still there");
    service.clock.advance_millis(1_000);
    assert_eq!(work().await, 0, "it is gone");
    let jobs = service.store.jobs(JobFilter::All, 10).await.expect("the store works");
    assert_eq!(jobs, [], "and nothing is left to do");
}

#[tokio::test]
async fn peeking_requests_nothing() {
    let service = Service::over(Arc::new(MemoryStore::new()));
    service.open("s1", "c1").await;
    let client = user("c1");
    let peek = async || service.privacy.peek_export(&client).await.expect("the store works");
    assert!(peek().await.is_some_and(|export| export.ready.is_none()));
    assert_eq!(service.store.export(&client).await.expect("the store works"), None);
    let asked = service.privacy.request_export(&client).await.expect("the store works");
    assert_eq!(peek().await, asked);
    let now = service.clock.now();
    service.store.request_erasure(&client, now).await.expect("the store works");
    assert_eq!(peek().await, None);
}

#[tokio::test]
async fn an_erasure_during_the_export_leaves_no_archive() {
    let (service, files) = build(Concurrent::Forget).await;
    assert_eq!(files.keys(), []);
    assert_eq!(service.privacy.request_export(&user("c1")).await.expect("the store works"), None);
    let jobs = service.store.jobs(JobFilter::All, 10).await.expect("the store works");
    assert_eq!(jobs.len(), 3, "export, deletion, erasure: {jobs:?}");
}
