//! Conversations as a service: open, send, read, list and resume.

use std::sync::Arc;

use crate::{
    conversation::store::{
        ConversationLog, ConversationStore, LogStore, MessageStore, MessagingStore, People,
        ReadingStore,
    },
    ports::{Clock, Fanout, Ids},
};

/// The operations on conversations: commands in [`commands`](crate::conversation::commands),
/// queries in [`queries`](crate::conversation::queries). HTTP and sockets use the same. Cheap to
/// clone.
#[derive(Clone)]
pub struct Messaging {
    pub(crate) commits: Arc<dyn ConversationLog>,
    pub(crate) conversations: Arc<dyn ConversationStore>,
    pub(crate) messages: Arc<dyn MessageStore>,
    pub(crate) reading: Arc<dyn ReadingStore>,
    pub(crate) log: Arc<dyn LogStore>,
    pub(crate) people: Arc<dyn People>,
    pub(crate) fanout: Arc<dyn Fanout>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn Ids>,
}

impl Messaging {
    /// Creates the service over one store. Each change is one
    /// [`commit`](ConversationLog::commit), so the store keeps it atomic.
    pub fn new(
        store: Arc<dyn MessagingStore>,
        fanout: Arc<dyn Fanout>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
    ) -> Self {
        Self {
            commits: store.clone(),
            conversations: store.clone(),
            messages: store.clone(),
            reading: store.clone(),
            log: store.clone(),
            people: store,
            fanout,
            clock,
            ids,
        }
    }
}

crate::opaque_debug!(Messaging);
