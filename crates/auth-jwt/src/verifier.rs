use std::{fmt, sync::Arc};

use domain::{
    participant::Caller,
    ports::{Clock, TokenError, TokenVerifier},
};

use crate::{
    claims::{Claims, Terms},
    key::KeyRing,
    settings::{KeyError, Settings},
};

/// The longest token, in bytes. Longer ones are refused unread.
pub const TOKEN_MAX_BYTES: usize = 8 * 1024;

/// Reads signed tokens. Its `Debug` shows no key.
pub struct JwtVerifier {
    keys: KeyRing,
    terms: Terms,
    clock: Arc<dyn Clock>,
}

impl JwtVerifier {
    /// Reads the keys that `settings` name, and tells by `clock` whether a token holds.
    ///
    /// # Errors
    /// [`KeyError`] when there is no key, or one that would not protect anything.
    pub fn new(settings: &Settings, clock: Arc<dyn Clock>) -> Result<Self, KeyError> {
        Ok(Self { keys: KeyRing::new(settings)?, terms: Terms::new(settings), clock })
    }

    fn claims(&self, token: &str) -> Option<Claims> {
        if token.len() > TOKEN_MAX_BYTES {
            return None;
        }
        let header = jsonwebtoken::decode_header(token).ok()?;
        // RFC 7515, section 4.1.11: what must be understood is not.
        if header.crit.is_some() {
            return None;
        }
        let lock = self.keys.find(&header)?;
        let read = jsonwebtoken::decode::<Claims>(token, lock.material(), &lock.validation);
        read.ok().map(|read| read.claims)
    }
}

impl TokenVerifier for JwtVerifier {
    fn verify(&self, token: &str) -> Result<Caller, TokenError> {
        let claims = self.claims(token).ok_or(TokenError::Invalid)?;
        claims.into_caller(self.clock.now(), &self.terms)
    }
}

impl fmt::Debug for JwtVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtVerifier").field("keys", &self.keys.len()).finish_non_exhaustive()
    }
}
