use async_trait::async_trait;

use super::MemoryStore;
use crate::{
    id::UserId,
    ports::{MarkRead, MarkedRead, ReadTarget, ReadingStore, StoreError},
};

#[async_trait]
impl ReadingStore for MemoryStore {
    async fn mark_read(&self, mark: &MarkRead) -> Result<Option<MarkedRead>, StoreError> {
        let mut state = self.state()?;
        let Some((record, people)) = state.change(&mark.conversation, &mark.reader) else {
            return Ok(None);
        };
        let Some(side) = record.side_of(&mark.reader) else {
            return Ok(None);
        };
        let before = record.head.last_seq;
        let target = match mark.target {
            ReadTarget::Everything => before,
            ReadTarget::UpTo(seq) => seq,
        };
        record.read(side, target, mark.at);
        Ok(Some(MarkedRead {
            parties: record.head.parties.clone(),
            unread: record.unread(side),
            event: record.events_after(before, people).pop(),
        }))
    }

    async fn unread_total(&self, reader: &UserId) -> Result<u64, StoreError> {
        let state = self.state()?;
        let waiting =
            |record: &super::record::Record| record.side_of(reader).map(|side| record.unread(side));
        Ok(state.live_of(reader).filter_map(waiting).sum())
    }
}
