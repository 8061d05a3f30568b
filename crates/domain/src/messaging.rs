//! Conversations as a service: open, write, read, list and resume.

use std::{fmt, sync::Arc};

use crate::{
    conversation::store::MessagingStore,
    ports::{Clock, Fanout, Ids},
};

/// What can be asked of conversations: commands in [`commands`](crate::conversation::commands),
/// queries in [`queries`](crate::conversation::queries). HTTP and sockets call the same. Cheap to
/// clone.
#[derive(Clone)]
pub struct Messaging {
    pub(crate) store: Arc<dyn MessagingStore>,
    pub(crate) fanout: Arc<dyn Fanout>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn Ids>,
}

impl Messaging {
    /// Puts the service together.
    pub fn new(
        store: Arc<dyn MessagingStore>,
        fanout: Arc<dyn Fanout>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
    ) -> Self {
        Self { store, fanout, clock, ids }
    }
}

impl fmt::Debug for Messaging {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Messaging").finish_non_exhaustive()
    }
}
