//! Tokens that count no longer: this node's copy of their list.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use domain::{
    ids::UserId,
    participant::Caller,
    ports::TokenError,
    privacy::session_end::{SessionEnd, SessionEndReason, SessionEnds},
    time::Timestamp,
};

/// This node's copy of the list. Cheap to clone; clones are one.
#[derive(Clone, Debug, Default)]
pub(crate) struct EndedTokens(Arc<RwLock<SessionEnds>>);

impl EndedTokens {
    /// Adds an end. Returns whether more has ended now than before.
    pub(crate) fn insert(&self, end: &SessionEnd) -> bool {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(end)
    }

    /// Whether a token of `person` that was issued at `issued_at` counts no longer.
    pub(crate) fn contains(&self, person: &UserId, issued_at: Option<Timestamp>) -> bool {
        self.read().reason(person, issued_at).is_some()
    }

    /// Refuses the token of a caller if it counts no longer.
    ///
    /// # Errors
    /// `token_expired` for a revoked one: another one may be good. `unauthorized` for one of an erased
    /// person.
    pub(crate) fn check(&self, caller: &Caller) -> Result<(), TokenError> {
        match self.read().reason_of(caller) {
            None => Ok(()),
            Some(SessionEndReason::Revoked) => Err(TokenError::Expired),
            Some(SessionEndReason::Erased) => Err(TokenError::Invalid),
        }
    }

    /// Drops the revocations of tokens that were issued before that.
    pub(crate) fn drop_revocations(&self, before: Timestamp) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).drop_revocations(before);
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, SessionEnds> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}
