use super::Messaging;
use crate::{
    id::{MessageId, UserId},
    ports::StoreError,
};

/// Why a message stays.
#[derive(Debug, thiserror::Error)]
pub enum DeleteMessageError {
    /// It is not there, or the caller may not know that it is.
    #[error("no such message")]
    Unknown,
    /// The caller takes part, but somebody else wrote it.
    #[error("only its author deletes a message")]
    NotTheAuthor,
    /// The store failed.
    #[error("the message could not be deleted")]
    Store(#[from] StoreError),
}

impl Messaging {
    /// Deletes a message of one's own, for both.
    ///
    /// # Errors
    /// See [`DeleteMessageError`]; nothing is deleted then.
    pub async fn delete_message(
        &self,
        id: &MessageId,
        by: &UserId,
    ) -> Result<(), DeleteMessageError> {
        let message = self.store.message(id, by).await?.ok_or(DeleteMessageError::Unknown)?;
        if message.author.id != *by {
            return Err(DeleteMessageError::NotTheAuthor);
        }
        let turn = self.fanout.turn(&message.conversation).await;
        let deleted = self.store.delete_message(id, by, self.clock.now()).await?;
        turn.publish(vec![deleted.ok_or(DeleteMessageError::Unknown)?]);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        event::EventKind,
        testing::{
            MemoryStore, MockStore,
            fixture::{Service, said, text, user},
        },
    };

    #[tokio::test]
    async fn nobody_deletes_what_another_said_and_the_store_is_not_asked_to() {
        let message = said("c1", "hello");
        let id = message.id.clone();
        let mut store = MockStore::new();
        store.expect_message().return_once(move |_, _| Ok(Some(message)));
        store.expect_delete_message().never();
        let service = Service::over(Arc::new(store));
        let deleted = service.messaging.delete_message(&id, &user("s1")).await;
        assert!(matches!(deleted, Err(DeleteMessageError::NotTheAuthor)));
        assert_eq!(service.fanout.published(), []);
    }

    #[tokio::test]
    async fn a_stranger_learns_nothing_of_a_message() {
        let mut store = MockStore::new();
        store.expect_message().return_once(|_, _| Ok(None));
        store.expect_delete_message().never();
        let service = Service::over(Arc::new(store));
        let id = said("c1", "hello").id;
        let deleted = service.messaging.delete_message(&id, &user("x")).await;
        assert!(matches!(deleted, Err(DeleteMessageError::Unknown)));
    }

    #[tokio::test]
    async fn a_deletion_that_failed_or_came_late_is_told_to_nobody() {
        for answer in [Ok(None), Err(StoreError::Busy("a test".into()))] {
            let message = said("c1", "hello");
            let id = message.id.clone();
            let mut store = MockStore::new();
            store.expect_message().return_once(move |_, _| Ok(Some(message)));
            store.expect_delete_message().return_once(move |_, _, _| answer);
            let service = Service::over(Arc::new(store));
            let deleted = service.messaging.delete_message(&id, &user("c1")).await;
            assert!(deleted.is_err());
            assert_eq!(service.fanout.published(), []);
        }
    }

    #[tokio::test]
    async fn a_deletion_is_told() {
        let service = Service::over(Arc::new(MemoryStore::new()));
        let id = service.open("s1", "c1").await;
        let (messaging, author) = (&service.messaging, user("c1"));
        let sent = messaging.send_message(&id, &author, text("hello")).await;
        let message = sent.expect("the client takes part").message;
        service.fanout.take();
        let deleted = messaging.delete_message(&message.id, &author).await;
        deleted.expect("its author may");
        let told = service.fanout.take();
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].kind, EventKind::MessageDeleted(message.id.clone()));
    }
}
