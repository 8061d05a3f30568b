//! Keeps the directory up to date with the platform and with tokens.

use std::sync::Arc;

use super::{Caller, Participant, store::ParticipantStore};
use crate::{
    ids::UserId,
    mail::directory_address,
    ports::{Clock, Fanout, PersonChange, StoreError},
};

/// The most people per call.
pub const PUT_PARTICIPANTS_MAX: usize = 1_000;

/// Why nobody was stored.
#[derive(Debug, thiserror::Error)]
pub enum PutParticipantsError {
    /// More than [`PUT_PARTICIPANTS_MAX`].
    #[error("too many people at once")]
    TooMany,
    /// The details of one of them are invalid.
    #[error("a detail of a person is too long or holds a control character")]
    Invalid {
        /// Its index, from 0.
        index: usize,
    },
    /// Some of them asked to be forgotten.
    #[error("some of these people asked to be forgotten")]
    Forgotten(Vec<UserId>),
    /// The store failed.
    #[error("the people could not be entered")]
    Store(#[from] StoreError),
}

/// The directory of people, from the platform and from tokens. Cheap to clone.
#[derive(Clone)]
pub struct Directory {
    store: Arc<dyn ParticipantStore>,
    fanout: Arc<dyn Fanout>,
    clock: Arc<dyn Clock>,
}

crate::opaque_debug!(Directory);

impl Directory {
    /// Creates the service.
    pub fn new(
        store: Arc<dyn ParticipantStore>,
        fanout: Arc<dyn Fanout>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { store, fanout, clock }
    }

    /// Stores people, replacing their entries completely, all or none (D3). Of several entries of
    /// one person the last one is used.
    ///
    /// # Errors
    /// See [`PutParticipantsError`]; nobody is stored then.
    pub async fn put_participants(
        &self,
        people: &[Participant],
    ) -> Result<(), PutParticipantsError> {
        if people.len() > PUT_PARTICIPANTS_MAX {
            return Err(PutParticipantsError::TooMany);
        }
        if let Some(index) = people.iter().position(|person| person.profile.check().is_err()) {
            return Err(PutParticipantsError::Invalid { index });
        }
        let people: Vec<_> = people.iter().cloned().map(with_directory_address).collect();
        let forgotten = self.store.put_participants(&people, self.clock.now()).await?;
        if !forgotten.is_empty() {
            return Err(PutParticipantsError::Forgotten(forgotten));
        }
        for person in &people {
            self.fanout.person_changed(&person.id, PersonChange::Profile);
        }
        Ok(())
    }
}

fn with_directory_address(mut person: Participant) -> Participant {
    person.profile.email = person.profile.email.as_deref().map(directory_address);
    person
}

impl Directory {
    /// Updates the directory from the claims of a caller's token (D3). A token without a profile
    /// changes nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn sync_profile(&self, caller: &Caller) -> Result<(), StoreError> {
        if caller.profile.is_empty() {
            return Ok(());
        }
        let Caller { user, role, profile, .. } = caller;
        let mut profile = profile.clone();
        profile.email = profile.email.as_deref().map(directory_address);
        let claimed = Participant::new(user.clone(), *role, profile);
        let known = self.store.participant(user).await?;
        if known.is_some_and(|known| is_up_to_date(&known, &claimed)) {
            return Ok(());
        }
        self.store.upsert_participant(&claimed, self.clock.now()).await?;
        self.fanout.person_changed(user, PersonChange::Profile);
        Ok(())
    }
}

fn is_up_to_date(known: &Participant, claimed: &Participant) -> bool {
    known.role == claimed.role && known.profile.updated_with(&claimed.profile) == known.profile
}

#[cfg(test)]
mod put_participants_tests {
    use std::sync::Arc;

    use super::*;
    use crate::testing::{
        MemoryStore, MockParticipantStore,
        fixture::{FixedClock, RecordingFanout, Service, client, salon},
    };

    #[tokio::test]
    async fn too_many_or_invalid_people_never_reach_the_store() {
        let mut store = MockParticipantStore::new();
        store.expect_put_participants().never();
        let directory = Directory::new(
            Arc::new(store),
            Arc::new(RecordingFanout::new()),
            Arc::new(FixedClock::ticking()),
        );
        let many = vec![client("c1"); PUT_PARTICIPANTS_MAX + 1];
        let put = directory.put_participants(&many).await;
        assert!(matches!(put, Err(PutParticipantsError::TooMany)));
        let mut invalid = client("c2");
        invalid.profile.first_name = Some("x".repeat(10_000));
        let put = directory.put_participants(&[client("c1"), invalid]).await;
        assert!(matches!(put, Err(PutParticipantsError::Invalid { index: 1 })));
    }

    #[tokio::test]
    async fn a_forgotten_person_is_not_stored_nor_anybody_in_the_same_call() {
        let service = Service::over(Arc::new(MemoryStore::new()));
        let forgotten_person = client("c1");
        service.privacy.request_erasure(&forgotten_person.id).await.expect("the store works");
        let put =
            service.directory.put_participants(&[salon("s1"), forgotten_person.clone()]).await;
        let Err(PutParticipantsError::Forgotten(forgotten)) = put else { panic!("{put:?}") };
        assert_eq!(forgotten, [forgotten_person.id]);
        let found = service.store.participant(&salon("s1").id).await;
        assert_eq!(found.expect("the store works"), None);
        service.directory.put_participants(&[salon("s1")]).await.expect("a salon may be entered");
    }

    #[tokio::test]
    async fn an_address_is_kept_with_its_domain_in_ascii() {
        let service = Service::over(Arc::new(MemoryStore::new()));
        let mut person = client("c1");
        person.profile.email = Some("Lea@Café.fr".to_owned());
        service.directory.put_participants(&[person.clone()]).await.expect("the store works");
        let found = service.store.participant(&person.id).await.expect("the store works");
        let email = found.and_then(|found| found.profile.email);
        assert_eq!(email.as_deref(), Some("Lea@xn--caf-dma.fr"));
    }
}

#[cfg(test)]
mod sync_profile_tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        participant::Profile,
        testing::{
            MockParticipantStore,
            fixture::{FixedClock, RecordingFanout, caller, salon},
        },
    };

    fn over(store: MockParticipantStore) -> Directory {
        Directory::new(
            Arc::new(store),
            Arc::new(RecordingFanout::new()),
            Arc::new(FixedClock::ticking()),
        )
    }

    /// Syncs `caller` into a directory that contains `known`. Returns what was written.
    async fn synced(known: Option<Participant>, caller: &Caller) -> Vec<Participant> {
        let (sender, written) = std::sync::mpsc::channel();
        let mut store = MockParticipantStore::new();
        store.expect_participant().return_once(move |_| Ok(known));
        store.expect_upsert_participant().returning(move |person, _| {
            sender.send(person.clone()).expect("the test listens");
            Ok(())
        });
        over(store).sync_profile(caller).await.expect("the store works");
        written.try_iter().collect()
    }

    fn named(name: &str) -> Caller {
        let profile = Profile { salon_name: Some(name.to_owned()), ..Profile::default() };
        Caller { profile, ..caller(&salon("s1")) }
    }

    #[tokio::test]
    async fn a_token_without_details_reads_nothing() {
        let mut store = MockParticipantStore::new();
        store.expect_participant().never();
        store.expect_upsert_participant().never();
        let bare = caller(&salon("s1"));
        assert!(over(store).sync_profile(&bare).await.is_ok());
    }

    #[tokio::test]
    async fn what_is_known_already_is_not_written_again() {
        let mut known = salon("s1");
        known.profile.email = Some("s1@example.test".to_owned());
        assert_eq!(synced(Some(known), &named("Salon s1")).await, []);
    }

    #[tokio::test]
    async fn a_new_person_a_new_name_and_a_new_role_are_written() {
        let caller = named("Encre Bleue");
        let claimed = Participant { profile: caller.profile.clone(), ..salon("s1") };
        let written = std::slice::from_ref(&claimed);
        assert_eq!(synced(None, &caller).await, written);
        assert_eq!(synced(Some(salon("s1")), &caller).await, written);
        let promoted = Participant { role: crate::participant::Role::Artist, ..claimed.clone() };
        assert_eq!(synced(Some(promoted), &caller).await, written);
    }

    #[tokio::test]
    async fn a_directory_that_cannot_be_read_is_not_written() {
        let mut store = MockParticipantStore::new();
        let failure = || Err(StoreError::Busy("a test".into()));
        store.expect_participant().return_once(move |_| failure());
        store.expect_upsert_participant().never();
        let synced = over(store).sync_profile(&named("Encre Bleue")).await;
        assert!(matches!(synced, Err(StoreError::Busy(_))));
    }

    #[tokio::test]
    async fn an_address_with_accents_in_its_domain_is_written_once() {
        let written = Profile { email: Some("lea@café.fr".to_owned()), ..Profile::default() };
        let caller = Caller { profile: written, ..caller(&salon("s1")) };
        let written = synced(None, &caller).await;
        let email = written[0].profile.email.as_deref();
        assert_eq!(email, Some("lea@xn--caf-dma.fr"));
        assert_eq!(synced(Some(written[0].clone()), &caller).await, []);
    }
}
