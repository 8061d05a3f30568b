//! What can be asked of the service: one file for each request. HTTP and sockets call the same.

mod change_conversation;
mod delete_message;
mod list_conversations;
mod mark_read;
mod open_conversation;
mod read_messages;
mod recognise;
mod send_message;

use std::sync::Arc;

pub use change_conversation::{ChangeConversationError, ConversationChange};
pub use delete_message::DeleteMessageError;
pub use list_conversations::FindError;
pub use mark_read::Marked;
pub use open_conversation::{NewConversation, OpenConversationError};
pub use send_message::{SendMessageError, Sent};

use crate::ports::{Clock, Fanout, Ids, Store};

/// The service: rules over ports. Cheap to clone.
#[derive(Clone)]
pub struct Messaging {
    store: Arc<dyn Store>,
    fanout: Arc<dyn Fanout>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
}

impl Messaging {
    /// Puts the service together.
    pub fn new(
        store: Arc<dyn Store>,
        fanout: Arc<dyn Fanout>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
    ) -> Self {
        Self { store, fanout, clock, ids }
    }
}

impl std::fmt::Debug for Messaging {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Messaging").finish_non_exhaustive()
    }
}
