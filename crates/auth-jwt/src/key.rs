use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation};

use crate::settings::{KeyError, Settings};

/// A key and the only algorithm it is used with.
pub(crate) struct Key {
    /// Its name, `kid`; a shared secret has none.
    pub(crate) name: Option<String>,
    pub(crate) algorithm: Algorithm,
    pub(crate) material: DecodingKey,
}

impl Key {
    /// The shared secret as a key.
    pub(crate) fn shared(secret: &[u8]) -> Self {
        Self { name: None, algorithm: Algorithm::HS256, material: DecodingKey::from_secret(secret) }
    }

    /// What to ask of a token under this key. Time is not asked here: the library would ask the
    /// machine's clock, and we have a port for that. Nor is the audience, which depends on whether a
    /// person or a program calls.
    pub(crate) fn validation(&self, settings: &Settings) -> Validation {
        let mut validation = Validation::new(self.algorithm);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.validate_aud = false;
        if let Some(issuer) = &settings.issuer {
            validation.set_issuer(&[issuer]);
            validation.required_spec_claims.insert("iss".to_owned());
        }
        validation
    }
}

/// A key with what it asks of tokens.
pub(crate) struct Lock {
    key: Key,
    pub(crate) validation: Validation,
}

impl Lock {
    pub(crate) fn material(&self) -> &DecodingKey {
        &self.key.material
    }
}

/// All keys that are believed.
pub(crate) struct KeyRing(Vec<Lock>);

impl KeyRing {
    /// The keys that `settings` name.
    pub(crate) fn new(settings: &Settings) -> Result<Self, KeyError> {
        let mut keys = Vec::new();
        keys.extend(settings.checked_secret()?.map(Key::shared));
        if let Some(text) = &settings.jwks {
            keys.extend(crate::jwks::read(text)?);
        }
        if keys.is_empty() {
            return Err(KeyError::NoKeys);
        }
        let lock = |key: Key| Lock { validation: key.validation(settings), key };
        Ok(Self(keys.into_iter().map(lock).collect()))
    }

    /// The one key that can have signed a token with such a header. The header's algorithm only
    /// rules keys out; which algorithm a key is used with is the key's own. A header that names a
    /// key means that one; without a name there must be no doubt.
    pub(crate) fn find(&self, header: &Header) -> Option<&Lock> {
        let fits = |lock: &&Lock| {
            let named = header.kid.is_none() || header.kid == lock.key.name;
            named && header.alg == lock.key.algorithm
        };
        let mut fitting = self.0.iter().filter(fits);
        let first = fitting.next()?;
        fitting.next().is_none().then_some(first)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}
