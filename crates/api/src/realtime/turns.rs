//! Turns: on this node, changes of one conversation follow one another.

use std::{
    hash::{BuildHasher, RandomState},
    sync::Arc,
};

use domain::id::ConversationId;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

/// How many locks all conversations share. Two that share one only wait for each other.
const STRIPES: usize = 1_024;

/// One lock for every conversation, in bounded memory.
pub(super) struct ConversationLocks {
    stripes: Vec<Arc<AsyncMutex<()>>>,
    hasher: RandomState,
}

impl ConversationLocks {
    pub(super) fn new() -> Self {
        let stripes = (0..STRIPES).map(|_| Arc::default()).collect();
        Self { stripes, hasher: RandomState::new() }
    }

    /// Waits for the turn of `conversation`; dropping the guard gives it up.
    pub(super) async fn take(&self, conversation: &ConversationId) -> OwnedMutexGuard<()> {
        let stripes = self.stripes.len() as u64;
        let index =
            usize::try_from(self.hasher.hash_one(conversation) % stripes).unwrap_or_default();
        self.stripes[index].clone().lock_owned().await
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn a_turn_is_one_s_own_until_it_is_given_up() {
        let turns = ConversationLocks::new();
        let conversation = ConversationId::parse("c1").expect("a good id");
        let held = turns.take(&conversation).await;
        assert!(turns.take(&conversation).now_or_never().is_none());
        drop(held);
        assert!(turns.take(&conversation).now_or_never().is_some());
    }
}
