use std::collections::{HashMap, HashSet};

use async_trait::async_trait;

use super::{MemoryStore, State, messages::StoredConversation};
use crate::{
    conversation::{
        Status,
        attachment::{Attachment, StorageLocation},
    },
    ids::{ConversationId, Seq, UserId},
    jobs::Task,
    ports::StoreError,
    privacy::audit::{Actor, AuditAction},
    retention::{
        ConversationAge, RetentionPolicy, SalonRetention,
        store::{AgePage, RetentionStore, TrimBatch, TrimProgress, Usage},
    },
    time::Timestamp,
};

/// Retention settings.
#[derive(Debug, Default)]
pub(super) struct Retention {
    policy: Option<RetentionPolicy>,
    salons: HashMap<UserId, SalonRetention>,
    held: HashSet<ConversationId>,
}

impl State {
    /// Whether the conversation or its salon is under a legal hold.
    pub(super) fn is_held(&self, record: &StoredConversation) -> bool {
        let head = record.conversation();
        let salon = self.retention.salons.get(&head.parties.salon);
        salon.is_some_and(|own| own.is_held) || self.retention.held.contains(&head.id)
    }

    fn age(&self, record: &StoredConversation) -> ConversationAge {
        let (head, salon) = (record.conversation(), &record.conversation().parties.salon);
        ConversationAge {
            id: head.id.clone(),
            salon: salon.clone(),
            language: self.people[&head.parties.client].profile.language,
            status: head.status,
            last_message_at: head.last_message_at,
            updated_at: head.updated_at,
            has_messages: record.newest_of_a_side().is_some(),
            is_held: self.is_held(record),
            policy: self.retention.salons.get(salon).and_then(|own| own.policy),
        }
    }

    /// At most `limit` conversations after `after`, also deleted ones, and where the next page
    /// begins.
    pub(super) fn page_after(
        &self,
        after: Option<&ConversationId>,
        limit: u32,
    ) -> (Vec<&StoredConversation>, Option<ConversationId>) {
        let mut all = self.by_id();
        all.retain(|record| after.is_none_or(|after| record.conversation().id > *after));
        all.truncate(limit as usize);
        let next = all.last().map(|record| record.conversation().id.clone());
        (all, next)
    }
}

/// How many entries at the beginning of the log are older than `before`, including trimmed ones.
fn old_entries(record: &StoredConversation, before: Timestamp) -> Seq {
    let old = record
        .log_after(Seq::ZERO)
        .take_while(|(seq, entry)| *seq <= record.trimmed_to || entry.at < before);
    old.last().map_or(Seq::ZERO, |(seq, _)| seq)
}

fn is_deletable(file: &Attachment) -> bool {
    match file.file.location() {
        StorageLocation::Stored(_) => true,
        StorageLocation::Hosted(hosted) => hosted.upload_key().is_some(),
    }
}

#[async_trait]
impl RetentionStore for MemoryStore {
    async fn retention_policy(&self) -> Result<Option<RetentionPolicy>, StoreError> {
        Ok(self.state()?.retention.policy)
    }

    async fn put_retention_policy(
        &self,
        policy: RetentionPolicy,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut state = self.state()?;
        state.retention.policy = Some(policy);
        state.append_audit(Actor::Service, AuditAction::PolicyChanged, "", at);
        Ok(())
    }

    async fn salon_retention(&self, salon: &UserId) -> Result<Option<SalonRetention>, StoreError> {
        Ok(self.state()?.retention.salons.get(salon).copied())
    }

    async fn put_salon_retention(
        &self,
        salon: &UserId,
        retention: SalonRetention,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut state = self.state()?;
        state.retention.salons.insert(salon.clone(), retention);
        state.append_audit(Actor::Service, AuditAction::PolicyChanged, salon.as_str(), at);
        Ok(())
    }

    async fn drop_salon_retention(&self, salon: &UserId) -> Result<bool, StoreError> {
        let mut state = self.state()?;
        let was_there = state.retention.salons.remove(salon).is_some();
        if was_there {
            state.append_audit_now(AuditAction::PolicyChanged, salon.as_str());
        }
        Ok(was_there)
    }

    async fn hold_conversation(
        &self,
        conversation: &ConversationId,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut state = self.state()?;
        let is_there = state.live().any(|record| record.conversation().id == *conversation);
        if is_there && state.retention.held.insert(conversation.clone()) {
            state.append_audit(Actor::Service, AuditAction::Held, conversation.as_str(), at);
        }
        Ok(is_there)
    }

    async fn release_conversation(
        &self,
        conversation: &ConversationId,
    ) -> Result<bool, StoreError> {
        let mut state = self.state()?;
        let was_held = state.retention.held.remove(conversation);
        if was_held {
            state.append_audit_now(AuditAction::Released, conversation.as_str());
        }
        Ok(was_held)
    }

    async fn ages(
        &self,
        status: Status,
        after: Option<ConversationId>,
        quiet_since: Timestamp,
        limit: u32,
    ) -> Result<AgePage, StoreError> {
        let state = self.state()?;
        let (page, next) = state.page_after(after.as_ref(), limit);
        let live = page.into_iter().filter(|record| record.is_live());
        let mut conversations: Vec<_> = live.map(|record| state.age(record)).collect();
        conversations.retain(|age| {
            let is_candidate = status == Status::Active || age.has_messages;
            age.status == status && age.last_message_at <= quiet_since && is_candidate
        });
        Ok(AgePage { conversations, next })
    }

    async fn measure(&self, conversations: &[ConversationId]) -> Result<Usage, StoreError> {
        let state = self.state()?;
        let mut usage = Usage::default();
        for record in
            state.live().filter(|record| conversations.contains(&record.conversation().id))
        {
            for post in record.posts().filter(|post| !post.is_platform_message()) {
                usage.messages += 1;
                usage.files +=
                    post.attachments.iter().filter(|file| is_deletable(file)).count() as u64;
            }
        }
        Ok(usage)
    }

    async fn trim_logs(&self, batch: &TrimBatch) -> Result<TrimProgress, StoreError> {
        let mut state = self.state()?;
        let (page, next) = state.page_after(batch.after.as_ref(), batch.conversations_max);
        let (mut left, mut trimmed_to) = (i64::from(batch.entries_max), vec![]);
        for record in page {
            let old = old_entries(record, batch.before).get().min(record.trimmed_to.get() + left);
            left -= old - record.trimmed_to.get();
            trimmed_to
                .push((record.conversation().id.clone(), Seq::new(old).expect("not negative")));
        }
        for (id, seq) in trimmed_to {
            state.trim_log(&id, seq);
        }
        Ok(TrimProgress { entries: (i64::from(batch.entries_max) - left).unsigned_abs(), next })
    }

    async fn count_old_entries(&self, batch: &TrimBatch) -> Result<TrimProgress, StoreError> {
        let state = self.state()?;
        let (page, next) = state.page_after(batch.after.as_ref(), batch.conversations_max);
        let old = page.iter().map(|record| {
            (old_entries(record, batch.before).get() - record.trimmed_to.get()).unsigned_abs()
        });
        Ok(TrimProgress { entries: old.sum(), next })
    }

    async fn enqueue_continuation(&self, task: &Task, at: Timestamp) -> Result<(), StoreError> {
        self.state()?.jobs.enqueue(task.clone(), at);
        Ok(())
    }
}
