use async_trait::async_trait;

use super::StoreError;
use crate::audit::AuditEntry;

/// What was done about people's data. Entries are made by the change that they tell of, in its
/// transaction: erasures and exports from the wish to the end, policies, and legal holds.
#[async_trait]
pub trait AuditStore: Send + Sync {
    /// Entries, newest first, at most `limit` (1 to 10,000).
    async fn audit(&self, limit: u32) -> Result<Vec<AuditEntry>, StoreError>;
}
