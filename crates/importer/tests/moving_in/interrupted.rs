//! Cut off, and started again.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use async_trait::async_trait;
use domain::{
    import::{
        ImportedConversation, ImportedMail, ImportedPreference,
        store::{ImportMark, ImportOutcome, ImportRow, ImportStep, ImportStore},
    },
    participant::Participant,
    ports::StoreError,
};
use importer::{ImportedKind, Outcome};
use storage_pg::PgStore;

use crate::{fixture::Fixture, row_by_row::compare};

/// A store whose importer dies at its last call: before the page is written, or after it.
struct LastPage {
    store: Arc<PgStore>,
    calls_left: AtomicUsize,
    is_written: bool,
}

impl LastPage {
    fn dies(&self) -> bool {
        self.calls_left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_err()
    }

    async fn pass<T>(
        &self,
        page: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        if !self.dies() {
            return page.await;
        }
        if self.is_written {
            page.await?;
        }
        Err(StoreError::Unavailable("killed".into()))
    }
}

#[async_trait]
impl ImportStore for LastPage {
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
    let (whole, told) = fixture.import().await;
    let undisturbed = fixture.digest().await;
    fixture.empty().await;

    let mut deaths = 0;
    let tally = loop {
        // Two pages at the most, so that each run gets one page further.
        let store = LastPage {
            store: fixture.store.clone(),
            calls_left: AtomicUsize::new(1 + deaths % 2),
            is_written: deaths % 3 > 0,
        };
        match fixture.import_with(&fixture.settings(), Arc::new(store)).await {
            Ok((tally, told)) => {
                assert!(told.resumed);
                break tally;
            }
            Err(_) => deaths += 1,
        }
        assert!(deaths < 10 * told.pages, "it gets on");
    };
    assert!(deaths >= told.pages / 2, "it died often: {deaths} of {}", told.pages);
    assert_eq!(fixture.digest().await, undisturbed);
    compare(&fixture).await;
    for thing in ImportedKind::ALL {
        let read = tally.count(*thing, Outcome::Read);
        assert_eq!(read, whole.count(*thing, Outcome::Read), "each {thing:?} is counted once");
        assert_eq!(tally.refused_in_all(*thing), whole.refused_in_all(*thing), "{thing:?}");
    }
}

#[tokio::test]
async fn an_import_begins_anew_when_the_source_went_on_meanwhile() {
    let fixture = Fixture::small().await;
    let store = LastPage {
        store: fixture.store.clone(),
        calls_left: AtomicUsize::new(8),
        is_written: true,
    };
    let killed = fixture.import_with(&fixture.settings(), Arc::new(store)).await;
    assert!(killed.is_err());
    fixture.former_goes_on().await;
    let (_, told) = fixture.import().await;
    assert!(!told.resumed);
    compare(&fixture).await;
}
