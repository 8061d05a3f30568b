//! Interrupted imports.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use async_trait::async_trait;
use domain::{
    import::{
        ImportMark, ImportOutcome, ImportRow, ImportStep, ImportStore, ImportedConversation,
        ImportedMail, ImportedPreference,
    },
    participant::Participant,
    ports::StoreError,
};
use importer::{ImportedKind, Outcome};
use storage_pg::PgStore;

use crate::{fixture::Fixture, row_by_row::compare};

/// A store that fails after `calls_left` calls, before its last page is written or after it.
struct FailingStore {
    store: Arc<PgStore>,
    calls_left: AtomicUsize,
    is_written: bool,
}

impl FailingStore {
    fn fails(&self) -> bool {
        self.calls_left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_err()
    }

    async fn pass<T>(
        &self,
        page: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        if !self.fails() {
            return page.await;
        }
        if self.is_written {
            page.await?;
        }
        Err(StoreError::Unavailable("killed".into()))
    }
}

#[async_trait]
impl ImportStore for FailingStore {
    async fn import_mark(&self) -> Result<Option<ImportMark>, StoreError> {
        self.store.import_mark().await
    }

    async fn import_people(
        &self,
        people: Arc<[ImportRow<Participant>]>,
        step: ImportStep,
    ) -> Result<Vec<ImportOutcome>, StoreError> {
        self.pass(self.store.import_people(people, step)).await
    }

    async fn import_conversations(
        &self,
        conversations: Arc<[ImportRow<ImportedConversation>]>,
        step: ImportStep,
    ) -> Result<Vec<ImportOutcome>, StoreError> {
        self.pass(self.store.import_conversations(conversations, step)).await
    }

    async fn import_preferences(
        &self,
        preferences: Arc<[ImportRow<ImportedPreference>]>,
        step: ImportStep,
    ) -> Result<Vec<ImportOutcome>, StoreError> {
        self.pass(self.store.import_preferences(preferences, step)).await
    }

    async fn import_mail(
        &self,
        mail: Arc<[ImportRow<ImportedMail>]>,
        step: ImportStep,
    ) -> Result<Vec<ImportOutcome>, StoreError> {
        self.pass(self.store.import_mail(mail, step)).await
    }

    async fn finish_import(&self) -> Result<(), StoreError> {
        self.pass(self.store.finish_import()).await
    }
}

#[tokio::test]
async fn an_import_killed_at_every_page_ends_like_one_that_was_not() {
    let fixture = Fixture::small().await;
    let (whole, progress) = fixture.import().await;
    let undisturbed = fixture.digest().await;
    fixture.empty().await;

    let mut failures = 0;
    let report = loop {
        // Two pages at the most, so that each run gets one page further.
        let store = FailingStore {
            store: fixture.store.clone(),
            calls_left: AtomicUsize::new(1 + failures % 2),
            is_written: failures % 3 > 0,
        };
        match fixture.import_with(&fixture.settings(), Arc::new(store)).await {
            Ok((report, progress)) => {
                assert!(progress.resumed);
                break report;
            }
            Err(_) => failures += 1,
        }
        assert!(failures < 10 * progress.pages, "it gets on");
    };
    assert!(failures >= progress.pages / 2, "it failed often: {failures} of {}", progress.pages);
    assert_eq!(fixture.digest().await, undisturbed);
    compare(&fixture).await;
    for kind in ImportedKind::ALL {
        let read = report.count(*kind, Outcome::Read);
        assert_eq!(read, whole.count(*kind, Outcome::Read), "each {kind:?} is counted once");
        assert_eq!(report.refused_total(*kind), whole.refused_total(*kind), "{kind:?}");
    }
}

#[tokio::test]
async fn an_import_starts_over_when_the_source_has_changed() {
    let fixture = Fixture::small().await;
    let store = FailingStore {
        store: fixture.store.clone(),
        calls_left: AtomicUsize::new(8),
        is_written: true,
    };
    let killed = fixture.import_with(&fixture.settings(), Arc::new(store)).await;
    assert!(killed.is_err());
    fixture.change_source().await;
    let (_, progress) = fixture.import().await;
    assert!(!progress.resumed);
    compare(&fixture).await;
}
