use jsonwebtoken::{
    Algorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse},
};

use crate::{key::Key, settings::KeyError};

/// The smallest RSA modulus, in bytes (RFC 7518, section 3.3: 2,048 bits).
const RSA_MIN_BYTES: usize = 256;
/// A point of P-256, uncompressed: a mark and two coordinates.
const P256_POINT_BYTES: usize = 65;
/// A public key of Ed25519.
const ED25519_BYTES: usize = 32;

/// The keys for signatures in a JSON Web Key Set; at least one. Keys for encryption are passed over.
pub(crate) fn read(text: &str) -> Result<Vec<Key>, KeyError> {
    // The parser's own message may quote the text, and the text may be a file named by mistake.
    let set: JwkSet = serde_json::from_str(text)
        .map_err(|fault| KeyError::NotAKeySet { line: fault.line(), column: fault.column() })?;
    let mut keys: Vec<Key> = Vec::with_capacity(set.keys.len());
    for (jwk, position) in set.keys.iter().zip(1..) {
        if is_for_encryption(jwk) {
            continue;
        }
        let key = read_key(jwk, position)?;
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

fn read_key(jwk: &Jwk, position: usize) -> Result<Key, KeyError> {
    let algorithm = algorithm_of(jwk).ok_or(KeyError::UnsupportedKey { position })?;
    let material = DecodingKey::from_jwk(jwk).ok().filter(has_right_size);
    let material = material.ok_or(KeyError::BadKey { position })?;
    Ok(Key { name: jwk.common.key_id.clone(), algorithm, material })
}

/// The algorithm for this type of key; `None` also when the key itself says another.
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
