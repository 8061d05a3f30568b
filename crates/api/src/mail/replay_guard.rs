//! Remembers the tokens of executed webhook calls, so that none is replayed.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Maximum number of remembered tokens. Beyond it the oldest are dropped; the store still executes a
/// replayed call only once.
const TOKENS_MAX: usize = 20_000;

/// The used tokens, each for as long as its stamp is valid. Clones share them.
#[derive(Clone, Default)]
pub(super) struct ReplayGuard(Arc<Mutex<UsedTokens>>);

#[derive(Default)]
struct UsedTokens {
    tokens: HashSet<Arc<str>>,
    by_age: VecDeque<(u64, Arc<str>)>,
}

impl ReplayGuard {
    /// Marks `token` as used at `now_s`; `None` if it was used before. Drops tokens used before
    /// `forget_before_s`.
    pub(super) fn take(
        &self,
        token: &str,
        now_s: u64,
        forget_before_s: u64,
    ) -> Option<WebhookPermit> {
        let mut used = self.used();
        used.forget(forget_before_s);
        let token: Arc<str> = token.into();
        if !used.tokens.insert(token.clone()) {
            return None;
        }
        used.by_age.push_back((now_s, token.clone()));
        drop(used);
        Some(WebhookPermit { of: self.clone(), token, is_used: false })
    }

    /// A panic while the lock is held leaves the state usable.
    fn used(&self) -> MutexGuard<'_, UsedTokens> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl UsedTokens {
    fn forget(&mut self, before_s: u64) {
        while self.by_age.len() >= TOKENS_MAX
            || self.by_age.front().is_some_and(|(used_s, _)| *used_s < before_s)
        {
            let Some((_, token)) = self.by_age.pop_front() else { return };
            self.tokens.remove(&token);
        }
    }
}

/// Permission to execute one webhook call. If it is dropped without [`used`](Self::used), its token can be
/// used again, so that the caller may retry.
pub(crate) struct WebhookPermit {
    of: ReplayGuard,
    token: Arc<str>,
    is_used: bool,
}

impl WebhookPermit {
    /// Returns `outcome`, and keeps the token marked as used unless the call failed for a while only and
    /// may be retried.
    pub(crate) fn settle<T, E>(
        self,
        outcome: Result<T, E>,
        is_temporary: impl FnOnce(&E) -> bool,
    ) -> Result<T, E> {
        if !outcome.as_ref().is_err_and(is_temporary) {
            self.used();
        }
        outcome
    }

    /// Keeps the token marked as used: the call was executed or refused for good.
    pub(crate) fn used(mut self) {
        self.is_used = true;
    }
}

impl Drop for WebhookPermit {
    fn drop(&mut self) {
        if !self.is_used {
            let mut used = self.of.used();
            used.tokens.remove(&self.token);
            used.by_age.retain(|(_, token)| *token != self.token);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_once_unless_it_is_given_back() {
        let guard = ReplayGuard::default();
        let permit = guard.take("a", 0, 0).expect("new");
        assert!(guard.take("a", 0, 0).is_none());
        drop(permit);
        guard.take("a", 0, 0).expect("released").used();
        assert!(guard.take("a", 0, 0).is_none());
    }

    #[test]
    fn tokens_are_forgotten_when_they_would_be_too_old_anyway() {
        let guard = ReplayGuard::default();
        guard.take("a", 10, 0).expect("new").used();
        guard.take("b", 20, 0).expect("new").used();
        guard.take("a", 30, 11).expect("forgotten").used();
        assert!(guard.take("b", 30, 20).is_none());
    }

    #[test]
    fn there_are_never_more_of_them_than_agreed() {
        let guard = ReplayGuard::default();
        for number in 0..=TOKENS_MAX {
            guard.take(&number.to_string(), 0, 0).expect("new").used();
        }
        let used = guard.used();
        assert_eq!((used.tokens.len(), used.by_age.len()), (TOKENS_MAX, TOKENS_MAX));
        assert!(!used.tokens.contains("0") && used.tokens.contains("1"));
    }
}
