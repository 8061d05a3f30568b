use super::{FindError, Messaging};
use crate::{
    id::{ConversationId, MessageId, UserId},
    message::Message,
    ports::{MarkRead, MarkedMessage, MarkedRead, ReadTarget},
};

/// How things stand after marking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marked {
    /// The reader's messages still unread in that conversation.
    pub unread: u64,
    /// Whether a message became read by this.
    pub changed: bool,
}

impl Messaging {
    /// Marks a conversation as read, wholly or up to a position.
    ///
    /// # Errors
    /// [`FindError::Unknown`] to anybody who takes no part, too.
    pub async fn mark_conversation_read(
        &self,
        conversation: &ConversationId,
        reader: &UserId,
        target: ReadTarget,
    ) -> Result<Marked, FindError> {
        self.mark(conversation, reader, target, None).await
    }

    /// Moves the reader's horizon. The author of `named`, if it was marked by itself, is told so in
    /// case anything became read by it.
    async fn mark(
        &self,
        conversation: &ConversationId,
        reader: &UserId,
        target: ReadTarget,
        named: Option<&MessageId>,
    ) -> Result<Marked, FindError> {
        let turn = self.fanout.turn(conversation).await;
        let mark = MarkRead {
            conversation: conversation.clone(),
            reader: reader.clone(),
            target,
            at: self.clock.now(),
        };
        let marked = self.store.mark_read(&mark).await?.ok_or(FindError::Unknown)?;
        let MarkedRead { parties, unread, event } = marked;
        let changed = event.is_some();
        if let (Some(event), Some(message)) = (&event, named)
            && let Some(author) = parties.counterpart_of(reader)
        {
            self.fanout.message_read(&MarkedMessage {
                message: message.clone(),
                author: author.clone(),
                read_at: event.at,
            });
        }
        turn.publish(event.into_iter().collect());
        Ok(Marked { unread, changed })
    }

    /// Marks a message as read, and hence what the other side posted before it; the author is told
    /// of this one (D9). One's own message, or one that is read already, stays as it is. Returns the
    /// message as it then is.
    ///
    /// # Errors
    /// [`FindError::Unknown`] to anybody who takes no part, too.
    pub async fn mark_message_read(
        &self,
        id: &MessageId,
        reader: &UserId,
    ) -> Result<Message, FindError> {
        let message = self.store.message(id, reader).await?.ok_or(FindError::Unknown)?;
        if message.is_read || message.author.id == *reader {
            return Ok(message);
        }
        let target = ReadTarget::UpTo(message.seq);
        self.mark(&message.conversation, reader, target, Some(id)).await?;
        self.store.message(id, reader).await?.ok_or(FindError::Unknown)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        ports::StoreError,
        testing::{
            MemoryStore, MockStore,
            fixture::{Service, said, talk, text, user},
        },
    };

    #[tokio::test]
    async fn one_s_own_message_is_answered_as_it_is_and_no_horizon_is_asked_to_move() {
        let message = said("c1", "hello");
        assert_untouched(message, "c1").await;
    }

    #[tokio::test]
    async fn a_message_read_before_is_answered_as_it_is_and_no_horizon_is_asked_to_move() {
        let mut message = said("c1", "hello");
        message.is_read = true;
        assert_untouched(message, "s1").await;
    }

    async fn assert_untouched(message: Message, reader: &str) {
        let mut store = MockStore::new();
        let known = message.clone();
        store.expect_message().return_once(move |_, _| Ok(Some(known)));
        store.expect_mark_read().never();
        let service = Service::over(Arc::new(store));
        let marked = service.messaging.mark_message_read(&message.id, &user(reader)).await;
        assert_eq!(marked.expect("the reader takes part"), message);
        assert_eq!(service.fanout.published(), []);
        assert_eq!(service.fanout.take_marked(), []);
    }

    #[tokio::test]
    async fn a_mark_that_failed_or_was_not_the_reader_s_is_told_to_nobody() {
        let (id, _) = talk("conversation", "s1", "c1");
        for answer in [Ok(None), Err(StoreError::Busy("a test".into()))] {
            let mut store = MockStore::new();
            store.expect_mark_read().return_once(move |_| answer);
            let service = Service::over(Arc::new(store));
            let marked = service
                .messaging
                .mark_conversation_read(&id, &user("s1"), ReadTarget::Everything)
                .await;
            assert!(marked.is_err());
            assert_eq!(service.fanout.published(), []);
        }
    }

    #[tokio::test]
    async fn marking_a_message_reads_it_and_what_came_before_and_is_told_once() {
        let service = Service::over(Arc::new(MemoryStore::new()));
        let Service { messaging, fanout, .. } = &service;
        let id = service.open("s1", "c1").await;
        let mut sent = vec![];
        for words in ["1", "2", "3"] {
            let message = messaging.send_message(&id, &user("c1"), text(words)).await;
            sent.push(message.expect("the client takes part").message);
        }
        fanout.take();

        for told in [1, 0] {
            let marked = messaging.mark_message_read(&sent[1].id, &user("s1")).await;
            let marked = marked.expect("the salon takes part");
            assert!(marked.is_read);
            assert_eq!(fanout.take().len(), told);
            // Its author hears of this one, once, and not of the one before it.
            let named = fanout.take_marked();
            assert_eq!(named.len(), told);
            for named in named {
                assert_eq!((named.message, named.author), (sent[1].id.clone(), user("c1")));
                assert_eq!(Some(named.read_at), marked.read_at);
            }
        }
        for (target, unread, changed) in
            [(ReadTarget::UpTo(sent[0].seq), 1, false), (ReadTarget::Everything, 0, true)]
        {
            let marked = messaging.mark_conversation_read(&id, &user("s1"), target).await;
            let marked = marked.expect("the salon takes part");
            assert_eq!(marked, Marked { unread, changed });
            assert_eq!(fanout.take_marked(), []);
        }
    }
}
