use std::collections::VecDeque;

use crate::ports::StoreError;

/// What is to fail.
#[derive(Debug, Default)]
pub(super) struct Faults {
    next: VecDeque<StoreError>,
    unavailable: bool,
}

impl Faults {
    pub(super) fn fail_next(&mut self, error: StoreError) {
        self.next.push_back(error);
    }

    pub(super) fn set_unavailable(&mut self, unavailable: bool) {
        self.unavailable = unavailable;
    }

    /// Fails when the present call is to fail.
    pub(super) fn check(&mut self) -> Result<(), StoreError> {
        if let Some(error) = self.next.pop_front() {
            return Err(error);
        }
        if self.unavailable {
            return Err(StoreError::Unavailable("the test made it so".into()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        ports::{LogStore, ParticipantStore, StoreError},
        testing::{MemoryStore, fixture::client},
        time::Timestamp,
    };

    #[tokio::test]
    async fn a_store_fails_as_often_as_it_was_told_to_and_changes_nothing_then() {
        let store = MemoryStore::new();
        let person = client("c1");
        store.fail_next(StoreError::Busy("a test".into()));
        store.fail_next(StoreError::Internal("a test".into()));
        let noted = store.note_participant(&person, Timestamp::UNIX_EPOCH).await;
        assert!(matches!(noted, Err(StoreError::Busy(_))));
        assert!(matches!(store.ping().await, Err(StoreError::Internal(_))));
        assert_eq!(store.participant(&person.id).await.expect("works again"), None);
    }

    #[tokio::test]
    async fn a_store_is_away_until_it_is_back() {
        let store = MemoryStore::new();
        store.set_unavailable(true);
        for _ in 0..2 {
            assert!(matches!(store.ping().await, Err(StoreError::Unavailable(_))));
        }
        store.set_unavailable(false);
        assert!(store.ping().await.is_ok());
    }
}
