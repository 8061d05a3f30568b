use jsonwebtoken::{
    Algorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind, Header, Validation,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse},
};

use secrecy::SecretString;

use crate::settings::{KeyError, Settings, checked};

/// A key with its only algorithm.
pub(crate) struct Key {
    /// Its id (`kid`); a shared secret has none.
    pub(crate) name: Option<String>,
    pub(crate) algorithm: Algorithm,
    pub(crate) signs: Signs,
    pub(crate) material: DecodingKey,
}

/// Whose tokens a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signs {
    Everybody,
    People,
    Programs,
}

impl Signs {
    /// Whether a token of a program, or of a person, may be signed by the key.
    pub(crate) fn allows(self, is_program: bool) -> bool {
        match self {
            Self::Everybody => true,
            Self::People => !is_program,
            Self::Programs => is_program,
        }
    }
}

impl Key {
    /// Creates the key of a shared secret.
    ///
    /// # Errors
    /// [`KeyError::SecretTooShort`], [`KeyError::SecretGuessable`].
    pub(crate) fn shared(secret: &SecretString, signs: Signs) -> Result<Self, KeyError> {
        let secret = checked(secret)?;
        let material = DecodingKey::from_secret(secret).map_err(|_| KeyError::SecretTooShort)?;
        Ok(Self { name: None, algorithm: Algorithm::HS256, signs, material })
    }

    /// What the library validates for this key. Not time: it would use the machine's clock instead
    /// of our port. Not the audience either: it depends on whether a person or a program calls.
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

/// A key with its validation rules.
pub(crate) struct Lock {
    key: Key,
    pub(crate) validation: Validation,
}

impl Lock {
    pub(crate) fn material(&self) -> &DecodingKey {
        &self.key.material
    }

    pub(crate) fn signs(&self) -> Signs {
        self.key.signs
    }
}

/// All trusted keys.
pub(crate) struct KeyRing(Vec<Lock>);

impl KeyRing {
    /// Reads the keys of `settings`.
    pub(crate) fn new(settings: &Settings) -> Result<Self, KeyError> {
        let has_service_key = settings.service_secret.is_some();
        let signs = if has_service_key { Signs::People } else { Signs::Everybody };
        let shared = [&settings.secret, &settings.previous_secret];
        let mut keys = Vec::new();
        for secret in shared.into_iter().flatten() {
            keys.push(Key::shared(secret, signs)?);
        }
        if let Some(text) = &settings.jwks {
            keys.extend(read(text, signs)?);
        }
        if keys.is_empty() {
            return Err(KeyError::NoKeys);
        }
        if let Some(secret) = &settings.service_secret {
            keys.push(Key::shared(secret, Signs::Programs)?);
        }
        let lock = |key: Key| Lock { validation: key.validation(settings), key };
        Ok(Self(keys.into_iter().map(lock).collect()))
    }

    /// The keys that can have signed a token with this header. The header's algorithm only
    /// excludes keys; a key is used with its own algorithm. A header with `kid` selects that key;
    /// without one a public key must be unambiguous. Of shared secrets there are at most three.
    pub(crate) fn find(&self, header: &Header) -> Vec<&Lock> {
        let fits = |lock: &&Lock| {
            let named = header.kid.is_none() || header.kid == lock.key.name;
            named && header.alg == lock.key.algorithm
        };
        let fitting: Vec<_> = self.0.iter().filter(fits).collect();
        let is_ambiguous = fitting.len() > 1 && header.alg != Algorithm::HS256;
        if is_ambiguous { Vec::new() } else { fitting }
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

/// The smallest RSA modulus, in bytes (RFC 7518, section 3.3: 2,048 bits).
const RSA_MIN_BYTES: usize = 256;
/// The length of an uncompressed P-256 point: a tag and two coordinates.
const P256_POINT_BYTES: usize = 65;
/// The length of an Ed25519 public key.
const ED25519_BYTES: usize = 32;

/// Reads the signature keys of a JSON Web Key Set; at least one. Encryption keys are skipped.
pub(crate) fn read(text: &str, signs: Signs) -> Result<Vec<Key>, KeyError> {
    // The parser's message may quote the text, which may be any file named by mistake.
    let set: JwkSet = serde_json::from_str(text)
        .map_err(|fault| KeyError::NotAKeySet { line: fault.line(), column: fault.column() })?;
    let mut keys: Vec<Key> = Vec::with_capacity(set.keys.len());
    for (jwk, position) in set.keys.iter().zip(1..) {
        if is_for_encryption(jwk) {
            continue;
        }
        let key = read_key(jwk, position, signs)?;
        if key.name.is_some() && keys.iter().any(|other| other.name == key.name) {
            return Err(KeyError::NameTaken { position });
        }
        keys.push(key);
    }
    if keys.is_empty() { Err(KeyError::NoSigningKey) } else { Ok(keys) }
}

fn is_for_encryption(jwk: &Jwk) -> bool {
    jwk.common.public_key_use == Some(PublicKeyUse::Encryption)
}

fn read_key(jwk: &Jwk, position: usize, signs: Signs) -> Result<Key, KeyError> {
    let algorithm = algorithm_of(jwk).ok_or(KeyError::UnsupportedKey { position })?;
    let material = DecodingKey::from_jwk(jwk).ok().filter(has_right_size);
    let material = material.ok_or(KeyError::BadKey { position })?;
    Ok(Key { name: jwk.common.key_id.clone(), algorithm, signs, material })
}

/// The algorithm of this key type; `None` also when the key declares another one.
fn algorithm_of(jwk: &Jwk) -> Option<Algorithm> {
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
            Algorithm::ES256
        }
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            Algorithm::EdDSA
        }
        _ => return None,
    };
    let said = jwk.common.key_algorithm;
    said.is_none_or(|said| said == KeyAlgorithm::from(algorithm)).then_some(algorithm)
}

fn has_right_size(material: &DecodingKey) -> bool {
    match material.kind() {
        DecodingKeyKind::RsaModulusExponent { n, .. } => n.len() >= RSA_MIN_BYTES,
        DecodingKeyKind::SecretOrDer(bytes) if material.family() == AlgorithmFamily::Ec => {
            bytes.len() == P256_POINT_BYTES
        }
        DecodingKeyKind::SecretOrDer(bytes) => bytes.len() == ED25519_BYTES,
    }
}
