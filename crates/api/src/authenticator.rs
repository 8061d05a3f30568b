//! Who is asking, and what the directory should know of them.

use std::{
    collections::HashMap,
    fmt,
    hash::{BuildHasher as _, RandomState},
    sync::{Arc, Mutex, PoisonError},
};

use domain::{
    ids::UserId,
    participant::{Caller, Role, directory::Directory},
    ports::TokenVerifier,
    time::Zone,
};

use crate::error::Failure;

/// People whose details we remember having passed on.
const REMEMBERED_MAX: usize = 10_000;

/// Turns tokens into callers, and tells the directory what a token says of its owner (D3): once,
/// and again when it says something else.
pub(crate) struct Authenticator {
    tokens: Arc<dyn TokenVerifier>,
    directory: Directory,
    hasher: RandomState,
    passed_on: Mutex<HashMap<UserId, u64>>,
}

impl Authenticator {
    pub(crate) fn new(tokens: Arc<dyn TokenVerifier>, directory: Directory) -> Self {
        Self { tokens, directory, hasher: RandomState::new(), passed_on: Mutex::default() }
    }

    /// Which person `token` names.
    ///
    /// # Errors
    /// `unauthorized`, `token_expired`, `forbidden` for a program, or the store's failure.
    pub(crate) async fn identify(&self, token: &str) -> Result<Caller, Failure> {
        let caller = person(self.tokens.verify(token)?)?;
        if caller.profile.is_empty() {
            return Ok(caller);
        }
        let said = self.digest(&caller);
        if self.remembered().get(&caller.user) == Some(&said) {
            return Ok(caller);
        }
        self.directory.sync_profile(&caller).await?;
        self.remember(&caller.user, said);
        Ok(caller)
    }

    /// Which program `token` names. The directory is not told: programs are not in it.
    ///
    /// # Errors
    /// `unauthorized`, `token_expired`, or `forbidden` for a person.
    pub(crate) fn program(&self, token: &str) -> Result<Caller, Failure> {
        let caller = self.tokens.verify(token)?;
        if caller.role == Role::Service { Ok(caller) } else { Err(Failure::for_programs()) }
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
            profile.language,
            profile.zone.as_ref().map(Zone::as_str),
        ))
    }
}

/// `caller`, if it is a person.
///
/// # Errors
/// `forbidden` for a program.
pub(crate) fn person(caller: Caller) -> Result<Caller, Failure> {
    if caller.role == Role::Service { Err(Failure::for_people()) } else { Ok(caller) }
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticator").finish_non_exhaustive()
    }
}
