//! The nightly audit of counters: what heads say of their messages is compared with the messages.

use super::store::{AuditedPage, CounterStore};
use crate::{ids::ConversationId, ports::StoreError};

/// The most conversations per page.
const PAGE: u32 = 200;
/// A job ends after this many pages, or when it has repaired this many conversations, and leaves the
/// rest to another job.
const PAGES_MAX: u32 = 200;
const REPAIRED_MAX: usize = 100;

/// Audits conversations for as long as one job may take, starting after `after`. Returns those that
/// it repaired, fewer than 300, and the one after which the rest begins; `None`: all is done.
///
/// # Errors
/// [`StoreError`]. What was repaired before stays repaired.
pub async fn audit_heads(
    store: &(impl CounterStore + ?Sized),
    after: Option<ConversationId>,
) -> Result<AuditedPage, StoreError> {
    let mut audited = AuditedPage { repaired: Vec::new(), next: after };
    for _ in 0..PAGES_MAX {
        let page = store.audit_heads(audited.next.take(), PAGE).await?;
        audited.repaired.extend(page.repaired);
        audited.next = page.next;
        if audited.next.is_none() || audited.repaired.len() >= REPAIRED_MAX {
            break;
        }
    }
    Ok(audited)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversation::store::MockCounterStore;

    fn id(number: usize) -> ConversationId {
        ConversationId::parse(&format!("t{number}")).expect("a good id")
    }

    /// A store of `pages`, each of which repairs `repaired` conversations.
    fn store(pages: usize, repaired: usize) -> MockCounterStore {
        let mut store = MockCounterStore::new();
        let mut asked = 0;
        store.expect_audit_heads().returning(move |after, limit| {
            assert_eq!((after, limit), ((asked > 0).then(|| id(asked)), PAGE));
            asked += 1;
            let repaired = (0..repaired).map(|number| id(1_000 * asked + number)).collect();
            Ok(AuditedPage { repaired, next: (asked < pages).then(|| id(asked)) })
        });
        store
    }

    #[tokio::test]
    async fn an_audit_goes_through_all_pages_and_names_what_it_repaired() {
        let audited = audit_heads(&store(3, 2), None).await.expect("the store works");
        let repaired = [1_000, 1_001, 2_000, 2_001, 3_000, 3_001].map(id).to_vec();
        assert_eq!(audited, AuditedPage { repaired, next: None });
    }

    #[tokio::test]
    async fn a_job_leaves_the_rest_to_another_one() {
        let audited = audit_heads(&store(201, 0), None).await.expect("the store works");
        assert_eq!(audited, AuditedPage { repaired: vec![], next: Some(id(200)) });
        let audited = audit_heads(&store(9, 60), None).await.expect("the store works");
        assert_eq!((audited.repaired.len(), audited.next), (120, Some(id(2))));
    }
}
