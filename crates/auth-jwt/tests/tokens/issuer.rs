//! A token issuer that builds tokens by hand, so that it can issue what no library would.

use std::sync::Arc;

use auth_jwt::{JwtVerifier, Settings};
use aws_lc_rs::{
    encoding::AsDer,
    hmac,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
        RsaKeyPair,
    },
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{ports::Clock, time::Timestamp};
use serde_json::{Value, json};

/// The time of all tests, in whole seconds since 1970.
pub(crate) const NOW_S: i64 = 1_767_605_400;
/// Long enough to be a secret.
pub(crate) const SECRET: &str = "test-secret-of-a-decent-length-0123456789";

/// A clock that does not advance.
pub(crate) struct StoppedAt(pub(crate) i64);

impl Clock for StoppedAt {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0).expect("a time in range")
    }
}

/// Settings with [`SECRET`] only.
pub(crate) fn secret_settings() -> Settings {
    Settings { secret: Some(SECRET.into()), ..Settings::default() }
}

/// Settings with `keys` only.
pub(crate) fn jwks_settings(keys: &[Value]) -> Settings {
    Settings { jwks: Some(json!({ "keys": keys }).to_string()), ..Settings::default() }
}

/// A verifier at [`NOW_S`].
pub(crate) fn verifier(settings: &Settings) -> JwtVerifier {
    verifier_at(settings, NOW_S * 1_000)
}

/// A verifier at `now_ms`.
pub(crate) fn verifier_at(settings: &Settings, now_ms: i64) -> JwtVerifier {
    JwtVerifier::new(settings, Arc::new(StoppedAt(now_ms))).expect("good settings")
}

pub(crate) fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A token of these parts, signed by `sign`.
pub(crate) fn token(header: &Value, claims: &Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let said = format!("{}.{}", encoded(header.to_string()), encoded(claims.to_string()));
    let signature = encoded(sign(said.as_bytes()));
    format!("{said}.{signature}")
}

/// A token as the platform issues it today.
pub(crate) fn hs256(claims: &Value) -> String {
    token(&json!({ "alg": "HS256", "typ": "JWT" }), claims, mac(hmac::HMAC_SHA256, SECRET))
}

/// The same with claims as text, for what no serializer would write.
pub(crate) fn hs256_of_text(claims: &str) -> String {
    let said = format!("{}.{}", encoded(r#"{"alg":"HS256"}"#), encoded(claims));
    let signature = encoded(mac(hmac::HMAC_SHA256, SECRET)(said.as_bytes()));
    format!("{said}.{signature}")
}

/// Signs with a shared secret.
pub(crate) fn mac(
    algorithm: hmac::Algorithm,
    secret: impl AsRef<[u8]>,
) -> impl Fn(&[u8]) -> Vec<u8> {
    let key = hmac::Key::new(algorithm, secret.as_ref());
    move |said| hmac::sign(&key, said).as_ref().to_vec()
}

/// Signs bytes.
pub(crate) type Signature = Box<dyn Fn(&[u8]) -> Vec<u8>>;

/// A key pair: the public half as a JWK, and the private half as a signing function.
pub(crate) struct Pair {
    pub(crate) algorithm: &'static str,
    pub(crate) jwk: Value,
    /// The public half as bytes, as another issuer might publish it.
    pub(crate) public: Vec<u8>,
    pub(crate) sign: Signature,
}

impl Pair {
    /// A token of this pair that names `kid`, if any.
    pub(crate) fn token(&self, kid: Option<&str>, claims: &Value) -> String {
        let mut header = json!({ "alg": self.algorithm });
        if let Some(kid) = kid {
            header["kid"] = json!(kid);
        }
        token(&header, claims, &self.sign)
    }

    /// The public half, named `kid`.
    pub(crate) fn named(&self, kid: &str) -> Value {
        let mut jwk = self.jwk.clone();
        jwk["kid"] = json!(kid);
        jwk
    }
}

pub(crate) fn rs256() -> Pair {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
    let public = pair.public_key();
    let jwk = json!({
        "kty": "RSA",
        "n": encoded(public.modulus().big_endian_without_leading_zero()),
        "e": encoded(public.exponent().big_endian_without_leading_zero()),
    });
    let public = AsDer::as_der(public).expect("DER").as_ref().to_vec();
    let sign = Box::new(move |said: &[u8]| {
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), said, &mut signature).expect("signed");
        signature
    });
    Pair { algorithm: "RS256", jwk, public, sign }
}

pub(crate) fn es256() -> Pair {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
    let public = pair.public_key().as_ref().to_vec();
    let (x, y) = (encoded(&public[1..33]), encoded(&public[33..]));
    let jwk = json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y });
    let sign = Box::new(move |said: &[u8]| {
        pair.sign(&SystemRandom::new(), said).expect("signed").as_ref().to_vec()
    });
    Pair { algorithm: "ES256", jwk, public, sign }
}

pub(crate) fn ed25519() -> Pair {
    let pair = Ed25519KeyPair::generate().expect("a key");
    let public = pair.public_key().as_ref().to_vec();
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": encoded(&public) });
    let sign = Box::new(move |said: &[u8]| pair.sign(said).as_ref().to_vec());
    Pair { algorithm: "EdDSA", jwk, public, sign }
}
