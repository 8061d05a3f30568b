use super::Messaging;
use crate::{caller::Caller, mail::directory_address, participant::Participant, ports::StoreError};

impl Messaging {
    /// Brings the directory up to date with what a caller's token says of them (D3). A token that
    /// says nothing changes nothing.
    ///
    /// # Errors
    /// The store's.
    pub async fn sync_profile(&self, caller: &Caller) -> Result<(), StoreError> {
        if caller.profile.is_empty() {
            return Ok(());
        }
        let Caller { user, role, profile, .. } = caller;
        let mut profile = profile.clone();
        profile.email = profile.email.as_deref().map(directory_address);
        let said = Participant::new(user.clone(), *role, profile);
        let known = self.store.participant(user).await?;
        if known.is_some_and(|known| is_up_to_date(&known, &said)) {
            return Ok(());
        }
        self.store.note_participant(&said, self.clock.now()).await
    }
}

fn is_up_to_date(known: &Participant, said: &Participant) -> bool {
    known.role == said.role && known.profile.updated_with(&said.profile) == known.profile
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        participant::Profile,
        testing::{
            MockStore,
            fixture::{Service, caller, salon},
        },
    };

    /// Brings the directory, which knows `known`, up to date with `caller`. Returns what was noted.
    async fn recognised(known: Option<Participant>, caller: &Caller) -> Vec<Participant> {
        let (tell, noted) = std::sync::mpsc::channel();
        let mut store = MockStore::new();
        store.expect_participant().return_once(move |_| Ok(known));
        store.expect_note_participant().returning(move |person, _| {
            tell.send(person.clone()).expect("the test listens");
            Ok(())
        });
        let service = Service::over(Arc::new(store));
        service.messaging.sync_profile(caller).await.expect("the store works");
        noted.try_iter().collect()
    }

    fn named(name: &str) -> Caller {
        let profile = Profile { salon_name: Some(name.to_owned()), ..Profile::default() };
        Caller { profile, ..caller(&salon("s1")) }
    }

    #[tokio::test]
    async fn a_token_without_details_does_not_even_ask() {
        let mut store = MockStore::new();
        store.expect_participant().never();
        store.expect_note_participant().never();
        let service = Service::over(Arc::new(store));
        let bare = caller(&salon("s1"));
        assert!(service.messaging.sync_profile(&bare).await.is_ok());
    }

    #[tokio::test]
    async fn what_is_known_already_is_not_written_again() {
        let mut known = salon("s1");
        known.profile.email = Some("s1@example.test".to_owned());
        assert_eq!(recognised(Some(known), &named("Salon s1")).await, []);
    }

    #[tokio::test]
    async fn a_new_person_a_new_name_and_a_new_role_are_written() {
        let caller = named("Encre Bleue");
        let said = Participant { profile: caller.profile.clone(), ..salon("s1") };
        let written = std::slice::from_ref(&said);
        assert_eq!(recognised(None, &caller).await, written);
        assert_eq!(recognised(Some(salon("s1")), &caller).await, written);
        let promoted = Participant { role: crate::participant::Role::Artist, ..said.clone() };
        assert_eq!(recognised(Some(promoted), &caller).await, written);
    }

    #[tokio::test]
    async fn a_directory_that_cannot_be_read_is_not_written() {
        let mut store = MockStore::new();
        let failure = || Err(StoreError::Busy("a test".into()));
        store.expect_participant().return_once(move |_| failure());
        store.expect_note_participant().never();
        let service = Service::over(Arc::new(store));
        let recognised = service.messaging.sync_profile(&named("Encre Bleue")).await;
        assert!(matches!(recognised, Err(StoreError::Busy(_))));
    }

    #[tokio::test]
    async fn an_address_with_accents_in_its_domain_is_no_news_each_time() {
        let written = Profile { email: Some("lea@café.fr".to_owned()), ..Profile::default() };
        let caller = Caller { profile: written, ..caller(&salon("s1")) };
        let noted = recognised(None, &caller).await;
        let email = noted[0].profile.email.as_deref();
        assert_eq!(email, Some("lea@xn--caf-dma.fr"));
        assert_eq!(recognised(Some(noted[0].clone()), &caller).await, []);
    }
}
