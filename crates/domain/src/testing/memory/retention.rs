use std::collections::{HashMap, HashSet};

use async_trait::async_trait;

use super::{
    MemoryStore, State,
    messages::{Post, Record},
};
use crate::{
    appointments::store::NewNotice,
    conversation::{
        Side, Status,
        attachment::{Attachment, Place},
        event::Event,
        message::MessageKind,
    },
    ids::{ConversationId, Seq, UserId},
    jobs::Task,
    ports::StoreError,
    privacy::audit::{Actor, AuditAction},
    retention::{
        ConversationAge, RetentionPolicy, SalonRetention,
        store::{
            AgePage, ArchiveForAge, PurgeExpired, Purged, RetentionStore, TrimBatch, TrimProgress,
            Usage,
        },
    },
    time::Timestamp,
};

/// What was said of how long things are kept.
#[derive(Debug, Default)]
pub(super) struct Retention {
    policy: Option<RetentionPolicy>,
    salons: HashMap<UserId, SalonRetention>,
    held: HashSet<ConversationId>,
}

impl State {
    fn age(&self, record: &Record) -> ConversationAge {
        let (head, salon) = (&record.head, &record.head.parties.salon);
        let own = self.retention.salons.get(salon).copied().unwrap_or_default();
        ConversationAge {
            id: head.id.clone(),
            salon: salon.clone(),
            language: self.people[&head.parties.client].profile.language,
            status: head.status,
            last_message_at: head.last_message_at,
            updated_at: head.updated_at,
            says_something: record.newest_of_a_side().is_some(),
            is_held: own.is_held || self.retention.held.contains(&head.id),
            policy: own.policy,
        }
    }

    /// A conversation that is there and not held.
    fn free(&self, id: &ConversationId) -> Option<ConversationAge> {
        let record = self.live().find(|record| record.head.id == *id)?;
        Some(self.age(record)).filter(|age| !age.is_held)
    }

    /// The conversations behind `after`, at most `limit` of them, taken away or not, and where the
    /// next ones begin.
    fn behind(
        &self,
        after: Option<&ConversationId>,
        limit: u32,
    ) -> (Vec<&Record>, Option<ConversationId>) {
        let mut all = self.by_id();
        all.retain(|record| after.is_none_or(|after| record.head.id > *after));
        all.truncate(limit as usize);
        let next = all.last().map(|record| record.head.id.clone());
        (all, next)
    }
}

/// How many entries at the beginning of the log happened before `before`, those forgotten included.
fn old_entries(record: &Record, before: Timestamp) -> Seq {
    let old = record
        .log_after(Seq::ZERO)
        .take_while(|(seq, entry)| *seq <= record.forgotten || entry.at < before);
    old.last().map_or(Seq::ZERO, |(seq, _)| seq)
}

fn is_deletable(file: &Attachment) -> bool {
    match file.file.place() {
        Place::Kept(_) => true,
        Place::Hosted(hosted) => hosted.upload_key().is_some(),
    }
}

fn post(notice: &NewNotice, salon: &UserId, at: Timestamp) -> Post {
    Post {
        id: notice.id.clone(),
        seq: Seq::ZERO,
        author: salon.clone(),
        kind: MessageKind::System,
        content: notice.content.clone(),
        notice: Some(notice.notice.clone()),
        attachments: vec![],
        key: None,
        created_at: at,
        read_at: None,
        deleted: false,
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
        state.note(Actor::Service, AuditAction::PolicyChanged, "", at);
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
        state.note(Actor::Service, AuditAction::PolicyChanged, salon.as_str(), at);
        Ok(())
    }

    async fn drop_salon_retention(&self, salon: &UserId) -> Result<bool, StoreError> {
        let mut state = self.state()?;
        let was_there = state.retention.salons.remove(salon).is_some();
        if was_there {
            state.note_now(AuditAction::PolicyChanged, salon.as_str());
        }
        Ok(was_there)
    }

    async fn hold_conversation(
        &self,
        conversation: &ConversationId,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut state = self.state()?;
        let is_there = state.live().any(|record| record.head.id == *conversation);
        if is_there && state.retention.held.insert(conversation.clone()) {
            state.note(Actor::Service, AuditAction::Held, conversation.as_str(), at);
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
            state.note_now(AuditAction::Released, conversation.as_str());
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
        let (piece, next) = state.behind(after.as_ref(), limit);
        let live = piece.into_iter().filter(|record| record.is_live());
        let mut conversations: Vec<_> = live.map(|record| state.age(record)).collect();
        conversations.retain(|age| {
            let is_something_left = status == Status::Active || age.says_something;
            age.status == status && age.last_message_at <= quiet_since && is_something_left
        });
        Ok(AgePage { conversations, next })
    }

    async fn archive_for_age(&self, archive: &ArchiveForAge) -> Result<Vec<Event>, StoreError> {
        let mut state = self.state()?;
        let due = state.free(&archive.conversation).filter(|age| {
            age.status == Status::Active && age.last_message_at <= archive.quiet_since
        });
        let Some(age) = due else { return Ok(vec![]) };
        let (record, people) = state.change(&age.id, &age.salon).expect("it was just there");
        let before = record.head.last_seq;
        record.put_away(post(&archive.notice, &age.salon, archive.at));
        Ok(record.events_after(before, people))
    }

    async fn empty_aged(&self, empty: &PurgeExpired) -> Result<Purged, StoreError> {
        let mut state = self.state()?;
        let due = state.free(&empty.conversation);
        let due = due.filter(|age| age.status == Status::Archived && empty.bounds.include(age));
        let Some(age) = due else { return Ok(Purged::default()) };
        let (record, people) = state.change(&age.id, &age.salon).expect("it was just there");
        let before = record.head.last_seq;
        let released = record.erase_oldest(empty.messages_max as usize, empty.at);
        let events = record.events_after(before, people);
        Ok(Purged { events, files: state.jobs.delete_files(&released, empty.at) })
    }

    async fn measure(&self, conversations: &[ConversationId]) -> Result<Usage, StoreError> {
        let state = self.state()?;
        let mut weight = Usage::default();
        for record in state.live().filter(|record| conversations.contains(&record.head.id)) {
            for post in record.posts().filter(|post| !post.is_platform_message()) {
                weight.messages += 1;
                weight.files +=
                    post.attachments.iter().filter(|file| is_deletable(file)).count() as u64;
            }
        }
        Ok(weight)
    }

    async fn trim_logs(&self, walk: &TrimBatch) -> Result<TrimProgress, StoreError> {
        let mut state = self.state()?;
        let (piece, next) = state.behind(walk.after.as_ref(), walk.conversations_max);
        let (mut left, mut forgotten) = (i64::from(walk.entries_max), vec![]);
        for record in piece {
            let old = old_entries(record, walk.before).get().min(record.forgotten.get() + left);
            left -= old - record.forgotten.get();
            forgotten.push((record.head.id.clone(), Seq::new(old).expect("not negative")));
        }
        for (id, seq) in forgotten {
            state.forget_log(&id, seq);
        }
        Ok(TrimProgress { entries: (i64::from(walk.entries_max) - left).unsigned_abs(), next })
    }

    async fn count_old_entries(&self, walk: &TrimBatch) -> Result<TrimProgress, StoreError> {
        let state = self.state()?;
        let (piece, next) = state.behind(walk.after.as_ref(), walk.conversations_max);
        let old = piece.iter().map(|record| {
            (old_entries(record, walk.before).get() - record.forgotten.get()).unsigned_abs()
        });
        Ok(TrimProgress { entries: old.sum(), next })
    }

    async fn enqueue_continuation(&self, task: &Task, at: Timestamp) -> Result<(), StoreError> {
        self.state()?.jobs.enter(task.clone(), at);
        Ok(())
    }
}

impl Record {
    /// Empties the oldest messages of either side, in the salon's name. Returns their files.
    fn erase_oldest(&mut self, limit: usize, at: Timestamp) -> Vec<Attachment> {
        let own = self.posts().filter(|post| !post.is_platform_message());
        let own: Vec<_> =
            own.take(limit).map(|post| (post.id.clone(), post.author.clone())).collect();
        let salon = self.head.parties.on(Side::Salon).clone();
        let released = own.iter().filter_map(|(id, author)| self.erase_as(&salon, id, author, at));
        released.flatten().collect()
    }
}
