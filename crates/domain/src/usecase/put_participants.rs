use super::Messaging;
use crate::{id::UserId, mail::directory_address, participant::Participant, ports::StoreError};

/// The most people that are entered at once.
pub const PUT_PARTICIPANTS_MAX: usize = 1_000;

/// Why nobody was entered.
#[derive(Debug, thiserror::Error)]
pub enum PutParticipantsError {
    /// More than [`PUT_PARTICIPANTS_MAX`].
    #[error("too many people at once")]
    TooMany,
    /// What is said of one of them is not acceptable.
    #[error("a detail of a person is too long or holds a control character")]
    Invalid {
        /// Which one, from 0.
        index: usize,
    },
    /// Some of them asked to be forgotten.
    #[error("some of these people asked to be forgotten")]
    Forgotten(Vec<UserId>),
    /// The store failed.
    #[error("the people could not be entered")]
    Store(#[from] StoreError),
}

impl Messaging {
    /// Enters people or replaces their entries wholly, all of them or none (D3). Of several entries
    /// of one person the last one counts.
    ///
    /// # Errors
    /// See [`PutParticipantsError`]; nobody is entered then.
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
        if forgotten.is_empty() { Ok(()) } else { Err(PutParticipantsError::Forgotten(forgotten)) }
    }
}

fn with_directory_address(mut person: Participant) -> Participant {
    person.profile.email = person.profile.email.as_deref().map(directory_address);
    person
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::testing::{
        MemoryStore, MockStore,
        fixture::{Service, client, salon},
    };

    #[tokio::test]
    async fn what_is_too_much_or_not_acceptable_never_reaches_the_store() {
        let mut store = MockStore::new();
        store.expect_put_participants().never();
        let messaging = Service::over(Arc::new(store)).messaging;
        let many = vec![client("c1"); PUT_PARTICIPANTS_MAX + 1];
        let put = messaging.put_participants(&many).await;
        assert!(matches!(put, Err(PutParticipantsError::TooMany)));
        let mut hostile = client("c2");
        hostile.profile.first_name = Some("x".repeat(10_000));
        let put = messaging.put_participants(&[client("c1"), hostile]).await;
        assert!(matches!(put, Err(PutParticipantsError::Invalid { index: 1 })));
    }

    #[tokio::test]
    async fn who_was_forgotten_is_not_entered_and_neither_is_anybody_with_them() {
        let service = Service::over(Arc::new(MemoryStore::new()));
        let gone = client("c1");
        service.messaging.request_erasure(&gone.id).await.expect("the store works");
        let put = service.messaging.put_participants(&[salon("s1"), gone.clone()]).await;
        let Err(PutParticipantsError::Forgotten(forgotten)) = put else { panic!("{put:?}") };
        assert_eq!(forgotten, [gone.id]);
        let found = service.store.participant(&salon("s1").id).await;
        assert_eq!(found.expect("the store works"), None);
        service.messaging.put_participants(&[salon("s1")]).await.expect("a salon may be entered");
    }

    #[tokio::test]
    async fn an_address_is_kept_with_its_domain_in_ascii() {
        let service = Service::over(Arc::new(MemoryStore::new()));
        let mut person = client("c1");
        person.profile.email = Some("Lea@Café.fr".to_owned());
        service.messaging.put_participants(&[person.clone()]).await.expect("the store works");
        let found = service.store.participant(&person.id).await.expect("the store works");
        let email = found.and_then(|found| found.profile.email);
        assert_eq!(email.as_deref(), Some("Lea@xn--caf-dma.fr"));
    }
}
