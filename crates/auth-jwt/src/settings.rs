use secrecy::{ExposeSecret, SecretString};

/// The shortest secret, in bytes: as long as the hash (RFC 7518, section 3.2).
pub const SECRET_MIN_BYTES: usize = 32;

/// The audience by which programs address this service, unless another one is configured.
pub const SERVICE_AUDIENCE: &str = "messaging";

/// Whose tokens are believed. Its `Debug` hides the secret.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Shared with the issuer: HS256. At least [`SECRET_MIN_BYTES`] bytes.
    pub secret: Option<SecretString>,
    /// The text of a JSON Web Key Set (RFC 7517) with the issuer's public keys.
    pub jwks: Option<String>,
    /// The `iss` a token must have. `None`: any, or none.
    pub issuer: Option<String>,
    /// The `aud` that must be among a person's token's. `None`: any, or none.
    pub audience: Option<String>,
    /// The `aud` that must be among a program's token's, in place of [`audience`](Self::audience).
    pub service_audience: String,
    /// How far the issuer's clock may be off: a token starts this much earlier and ends this much
    /// later than it says.
    pub leeway_s: u32,
}

impl Default for Settings {
    /// No key yet: every token is refused.
    fn default() -> Self {
        Self {
            secret: None,
            jwks: None,
            issuer: None,
            audience: None,
            service_audience: SERVICE_AUDIENCE.to_owned(),
            leeway_s: 0,
        }
    }
}

impl Settings {
    /// The secret, if there is one and it is long enough.
    pub(crate) fn checked_secret(&self) -> Result<Option<&[u8]>, KeyError> {
        let Some(secret) = &self.secret else {
            return Ok(None);
        };
        let bytes = secret.expose_secret().as_bytes();
        if bytes.len() < SECRET_MIN_BYTES {
            return Err(KeyError::SecretTooShort);
        }
        Ok(Some(bytes))
    }
}

/// Why there is no verifier or signer. Positions in the key set count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Neither a secret nor a key set.
    #[error("there is neither a shared secret nor a key set")]
    NoKeys,
    /// Tokens can only be minted with a secret.
    #[error("there is no shared secret")]
    NoSecret,
    /// The secret is shorter than [`SECRET_MIN_BYTES`].
    #[error("the shared secret is shorter than {SECRET_MIN_BYTES} bytes")]
    SecretTooShort,
    /// The text is not JSON, or not a key set.
    #[error("the key set is no JSON Web Key Set (line {line}, column {column})")]
    NotAKeySet {
        /// Where reading stopped.
        line: usize,
        /// Where in the line.
        column: usize,
    },
    /// The set has no key for signatures.
    #[error("the key set has no key for signatures")]
    NoSigningKey,
    /// The key is none of RS256, ES256 and `EdDSA` (Ed25519), or says one thing and is another.
    #[error("key {position} of the key set is not for RS256, ES256 or EdDSA")]
    UnsupportedKey {
        /// Which key.
        position: usize,
    },
    /// The key has a number of the wrong size, or an RSA modulus below 2,048 bits.
    #[error("key {position} of the key set is malformed or too weak")]
    BadKey {
        /// Which key.
        position: usize,
    },
    /// The name (`kid`) is taken by a key before it.
    #[error("key {position} of the key set has the name of a key before it")]
    NameTaken {
        /// Which key.
        position: usize,
    },
}
