use std::fmt;

use domain::{
    participant::{Caller, Role},
    time::Timestamp,
};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;

use crate::settings::{KeyError, Settings};

const MILLIS_PER_SECOND: i64 = 1_000;

/// Signs HS256 tokens that a [`JwtVerifier`](crate::JwtVerifier) with the same settings accepts.
/// For demonstrations: in production the platform issues tokens. Its `Debug` shows no key.
pub struct JwtSigner {
    key: EncodingKey,
    issuer: Option<String>,
    audience: Option<String>,
    service_audience: String,
}

/// The token could not be signed.
#[derive(Debug, thiserror::Error)]
#[error("the token could not be signed")]
pub struct MintError(#[source] jsonwebtoken::errors::Error);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Minted<'a> {
    user_id: &'a str,
    role: &'static str,
    iat: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    salon_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<&'a str>,
}

impl JwtSigner {
    /// Creates a signer with the shared secret of `settings`.
    ///
    /// # Errors
    /// [`KeyError::NoSecret`], [`KeyError::SecretTooShort`].
    pub fn new(settings: &Settings) -> Result<Self, KeyError> {
        let secret = settings.checked_secret()?.ok_or(KeyError::NoSecret)?;
        Ok(Self {
            key: EncodingKey::from_secret(secret).map_err(|_| KeyError::SecretTooShort)?,
            issuer: settings.issuer.clone(),
            audience: settings.audience.clone(),
            service_audience: settings.service_audience.clone(),
        })
    }

    /// Signs a token for `caller`, valid until the second in which it expires.
    ///
    /// # Errors
    /// [`MintError`] when the signing library fails; no caller can cause it.
    pub fn mint(&self, caller: &Caller, issued_at: Timestamp) -> Result<String, MintError> {
        let seconds = |time: Timestamp| time.as_millis().div_euclid(MILLIS_PER_SECOND);
        let audience = match caller.role {
            Role::Service => Some(self.service_audience.as_str()),
            _ => self.audience.as_deref(),
        };
        let minted = Minted {
            user_id: caller.user.as_str(),
            role: caller.role.as_str(),
            iat: seconds(issued_at),
            exp: caller.expires_at.map(seconds),
            iss: self.issuer.as_deref(),
            aud: audience,
            email: caller.profile.email.as_deref(),
            first_name: caller.profile.first_name.as_deref(),
            last_name: caller.profile.last_name.as_deref(),
            salon_name: caller.profile.salon_name.as_deref(),
            image: caller.profile.image.as_deref(),
        };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &minted, &self.key).map_err(MintError)
    }
}

impl fmt::Debug for JwtSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtSigner").finish_non_exhaustive()
    }
}
