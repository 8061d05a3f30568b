use super::{
    stage::{ANSWERS, Stage, at},
    talk::Talk,
};
use crate::{
    conversation::Status,
    event::Event,
    id::ConversationId,
    language::Language,
    notice::Notice,
    ports::{ArchiveForAge, LogPiece, NewNotice, PurgeExpired, Purged, TrimBatch, TrimProgress},
    retention::{ConversationAge, EmptyingBounds},
    time::Timestamp,
};

/// Before everything on a [`Stage`].
pub(super) fn old() -> Timestamp {
    Timestamp::UNIX_EPOCH
}

/// After everything, on a [`Stage`] and elsewhere.
pub(super) fn far_future() -> Timestamp {
    Timestamp::parse("2100-01-01T00:00:00Z").expect("a time")
}

/// What age does to conversations.
pub(super) trait Aged {
    /// Puts it away with a notice of 90 days, unless something was said after `quiet_since`.
    async fn archive_for_age(&self, quiet_since: Timestamp) -> Vec<Event>;

    /// Deletes at most `messages_max` messages, unless something happened after `by`.
    async fn empty_aged(&self, by: Timestamp, messages_max: u32) -> Purged;

    /// Whether its log no longer reaches back to the position `after`.
    async fn is_trimmed(&self, after: i64) -> bool;
}

impl Aged for Talk<'_> {
    async fn archive_for_age(&self, quiet_since: Timestamp) -> Vec<Event> {
        let notice = Notice::ArchivedForAge { days: 90 };
        let content = notice.text(Language::French);
        let archive = ArchiveForAge {
            conversation: self.id.clone(),
            quiet_since,
            notice: NewNotice { id: self.stage.mint(), notice, content },
            at: self.stage.now(),
        };
        self.stage.store.archive_for_age(&archive).await.expect(ANSWERS)
    }

    async fn empty_aged(&self, by: Timestamp, messages_max: u32) -> Purged {
        let empty = PurgeExpired {
            conversation: self.id.clone(),
            bounds: EmptyingBounds { said_by: by, changed_by: by },
            messages_max,
            at: self.stage.now(),
        };
        self.stage.store.empty_aged(&empty).await.expect(ANSWERS)
    }

    async fn is_trimmed(&self, after: i64) -> bool {
        let piece = self.stage.store.events_after(&self.id, &self.client, at(after), 9).await;
        piece.expect(ANSWERS).expect("the client takes part") == LogPiece::Trimmed
    }
}

impl Stage<'_> {
    /// All that a walk in pieces of `limit` finds.
    pub(super) async fn walk(
        &self,
        status: Status,
        quiet_since: Timestamp,
        limit: u32,
    ) -> Vec<ConversationAge> {
        let (mut found, mut after) = (vec![], None);
        loop {
            let page = self.store.ages(status, after, quiet_since, limit).await.expect(ANSWERS);
            found.extend(page.conversations);
            after = page.next;
            if after.is_none() {
                return found;
            }
        }
    }

    /// Forgets at most so many old entries of the first logs.
    pub(super) async fn trim(&self, before: Timestamp, entries_max: u32) -> TrimProgress {
        let walk = TrimBatch { before, after: None, conversations_max: 9, entries_max };
        self.store.trim_logs(&walk).await.expect(ANSWERS)
    }

    pub(super) async fn count_old_entries(
        &self,
        before: Timestamp,
        after: Option<ConversationId>,
        conversations_max: u32,
    ) -> TrimProgress {
        let walk = TrimBatch { before, after, conversations_max, entries_max: 1 };
        self.store.count_old_entries(&walk).await.expect(ANSWERS)
    }
}
