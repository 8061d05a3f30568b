//! Authenticates callers by their tokens and keeps the directory up to date with the profiles in them.

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

use crate::{error::Failure, session_ends::SessionEndReader};

/// Maximum number of cached profile digests. The cache is cleared when it is full.
const CACHED_MAX: usize = 10_000;

/// Verifies tokens, and writes the profile in a token to the directory (D3) when it is first seen or has
/// changed.
pub(crate) struct Authenticator {
    tokens: Arc<dyn TokenVerifier>,
    session_ends: Arc<SessionEndReader>,
    directory: Directory,
    hasher: RandomState,
    /// Digest of the profile last written to the directory.
    synced: Mutex<HashMap<UserId, u64>>,
}

impl Authenticator {
    pub(crate) fn new(
        tokens: Arc<dyn TokenVerifier>,
        session_ends: Arc<SessionEndReader>,
        directory: Directory,
    ) -> Self {
        let (hasher, synced) = (RandomState::new(), Mutex::default());
        Self { tokens, session_ends, directory, hasher, synced }
    }

    /// The person whose token it is, unless it was ended.
    ///
    /// # Errors
    /// `unauthorized`, `token_expired`, `forbidden` for a program, or the store's failure.
    pub(crate) async fn identify(&self, token: &str) -> Result<Caller, Failure> {
        let caller = person(self.tokens.verify(token)?)?;
        self.session_ends.check(&caller).await?;
        if caller.profile.is_empty() {
            return Ok(caller);
        }
        let digest = self.digest(&caller);
        if self.synced().get(&caller.user) == Some(&digest) {
            return Ok(caller);
        }
        self.directory.sync_profile(&caller).await?;
        self.remember(&caller.user, digest);
        Ok(caller)
    }

    /// The program whose token it is. Programs are not in the directory.
    ///
    /// # Errors
    /// `unauthorized`, `token_expired`, or `forbidden` for a person.
    pub(crate) fn program(&self, token: &str) -> Result<Caller, Failure> {
        let caller = self.tokens.verify(token)?;
        if caller.role == Role::Service { Ok(caller) } else { Err(Failure::for_programs()) }
    }

    /// Whether a person was erased, as far as this node knows.
    pub(crate) fn is_erased(&self, person: &UserId) -> bool {
        self.session_ends.is_erased(person)
    }

    fn remember(&self, user: &UserId, digest: u64) {
        let mut synced = self.synced();
        if synced.len() >= CACHED_MAX {
            synced.clear();
        }
        synced.insert(user.clone(), digest);
    }

    fn synced(&self) -> std::sync::MutexGuard<'_, HashMap<UserId, u64>> {
        self.synced.lock().unwrap_or_else(PoisonError::into_inner)
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

/// Refuses programs.
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
