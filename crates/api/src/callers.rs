//! Who is asking, and what the directory should know of them.

use std::{
    collections::HashMap,
    fmt,
    hash::{BuildHasher as _, RandomState},
    sync::{Arc, Mutex, PoisonError},
};

use domain::{Messaging, caller::Caller, id::UserId, ports::TokenVerifier};

use crate::failure::Failure;

/// People whose details we remember having passed on.
const REMEMBERED_MAX: usize = 10_000;

/// Turns tokens into callers, and tells the directory what a token says of its owner (D3): once,
/// and again when it says something else.
pub(crate) struct Callers {
    tokens: Arc<dyn TokenVerifier>,
    messaging: Messaging,
    hasher: RandomState,
    passed_on: Mutex<HashMap<UserId, u64>>,
}

impl Callers {
    pub(crate) fn new(tokens: Arc<dyn TokenVerifier>, messaging: Messaging) -> Self {
        Self { tokens, messaging, hasher: RandomState::new(), passed_on: Mutex::default() }
    }

    /// Whom `token` names.
    ///
    /// # Errors
    /// `unauthorized`, `token_expired`, or the store's failure.
    pub(crate) async fn identify(&self, token: &str) -> Result<Caller, Failure> {
        let caller = self.tokens.verify(token)?;
        if caller.profile.is_empty() {
            return Ok(caller);
        }
        let said = self.digest(&caller);
        if self.remembered().get(&caller.user) == Some(&said) {
            return Ok(caller);
        }
        self.messaging.recognise(&caller).await?;
        self.remember(&caller.user, said);
        Ok(caller)
    }

    fn remember(&self, user: &UserId, said: u64) {
        let mut passed_on = self.remembered();
        if passed_on.len() >= REMEMBERED_MAX {
            passed_on.clear();
        }
        passed_on.insert(user.clone(), said);
    }

    fn remembered(&self) -> std::sync::MutexGuard<'_, HashMap<UserId, u64>> {
        self.passed_on.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn digest(&self, caller: &Caller) -> u64 {
        let profile = &caller.profile;
        self.hasher.hash_one((
            caller.role,
            &profile.first_name,
            &profile.last_name,
            &profile.salon_name,
            &profile.image,
            &profile.email,
        ))
    }
}

impl fmt::Debug for Callers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callers").finish_non_exhaustive()
    }
}
