//! What an archive is made of.

use std::collections::HashSet;

use domain::{
    conversation::{ConversationView, attachment::Attachment},
    ids::{AttachmentId, ConversationId},
    jobs::JobFailure,
    privacy::export::Export,
    store::Store,
};

use crate::{person::Person, walk};

/// Whom and what an archive is about: the same for all of its parts.
pub(crate) struct Contents<'s> {
    pub(crate) store: &'s dyn Store,
    pub(crate) export: &'s Export,
    pub(crate) person: Person,
    pub(crate) conversations: Vec<ConversationId>,
    /// Pictures that are not where they should be.
    pub(crate) missing: HashSet<AttachmentId>,
}

impl<'s> Contents<'s> {
    pub(crate) async fn gather(
        store: &'s dyn Store,
        export: &'s Export,
    ) -> Result<Self, JobFailure> {
        let person = Person::look_up(store, export).await?;
        let conversations = walk::conversations(store, export).await?;
        Ok(Self { store, export, person, conversations, missing: HashSet::new() })
    }

    /// One of the conversations; `None` when it was deleted meanwhile.
    pub(crate) async fn conversation(
        &self,
        id: &ConversationId,
    ) -> Result<Option<ConversationView>, JobFailure> {
        Ok(self.store.conversation(id, &self.export.person).await?)
    }

    pub(crate) fn is_missing(&self, attachment: &Attachment) -> bool {
        self.missing.contains(&attachment.id)
    }
}
