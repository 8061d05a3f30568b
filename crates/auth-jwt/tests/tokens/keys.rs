use std::{slice, sync::Arc};

use auth_jwt::{JwtVerifier, KeyError, SECRET_MIN_BYTES, Settings};
use serde_json::{Value, json};

use crate::issuer::{NOW_S, StoppedAt, ed25519, encoded, es256, jwks_settings, rs256};

fn fault(settings: &Settings) -> Option<KeyError> {
    JwtVerifier::new(settings, Arc::new(StoppedAt(NOW_S))).err()
}

fn secret(bytes: usize) -> Settings {
    let text = &"bS7kq0Zt9vXw2LrN5mYc8hJd3fPgA6eUQi4T"[..bytes];
    Settings { secret: Some(text.into()), ..Settings::default() }
}

#[test]
fn without_a_key_nothing_is_verified() {
    assert_eq!(fault(&Settings::default()), Some(KeyError::NoKeys));
}

#[test]
fn a_short_secret_is_refused() {
    assert_eq!(fault(&secret(0)), Some(KeyError::SecretTooShort));
    assert_eq!(fault(&secret(SECRET_MIN_BYTES - 1)), Some(KeyError::SecretTooShort));
    assert_eq!(fault(&secret(SECRET_MIN_BYTES)), None);
}

#[test]
fn a_short_secret_is_refused_beside_good_keys_too() {
    let mut settings = jwks_settings(&[ed25519().jwk]);
    settings.secret = Some("short".into());
    assert_eq!(fault(&settings), Some(KeyError::SecretTooShort));
}

#[test]
fn a_secret_that_can_be_guessed_is_refused_wherever_it_stands() {
    let guessable = [
        "s".repeat(32),
        "ab".repeat(20),
        "12345678".repeat(4),
        "your-secret-key-change-in-production".to_owned(),
        "CHANGE_ME CHANGE_ME CHANGE_ME CHANGE_ME!".to_owned(),
        "my super secret key that is long enough".to_owned(),
    ];
    for text in guessable {
        let secret = || Some(text.as_str().into());
        let good = || self::secret(SECRET_MIN_BYTES);
        let places = [
            Settings { secret: secret(), ..good() },
            Settings { previous_secret: secret(), ..good() },
            Settings { service_secret: secret(), ..good() },
        ];
        for settings in places {
            assert_eq!(fault(&settings), Some(KeyError::SecretGuessable), "{text}");
        }
    }
}

#[test]
fn what_is_no_key_set_is_refused_without_quoting_it() {
    for text in ["", "[]", "{}", "{\"keys\":7}", "-----BEGIN CANARY KEY-----"] {
        let settings = Settings { jwks: Some(text.to_owned()), ..Settings::default() };
        let fault = fault(&settings).expect("no key set");
        assert!(matches!(fault, KeyError::NotAKeySet { .. }), "{text}");
        assert!(!fault.to_string().contains("CANARY"));
    }
}

#[test]
fn keys_for_encryption_are_passed_over() {
    let mut encryption = rs256().named("e1");
    encryption["use"] = json!("enc");
    encryption["alg"] = json!("RSA-OAEP");
    assert_eq!(fault(&jwks_settings(&[encryption.clone()])), Some(KeyError::NoSigningKey));
    assert_eq!(fault(&jwks_settings(&[encryption, ed25519().jwk])), None);
}

#[test]
fn a_key_may_say_its_own_algorithm_and_no_other() {
    for pair in [rs256(), es256(), ed25519()] {
        let with = |alg: &str| {
            let mut jwk = pair.jwk.clone();
            jwk["alg"] = json!(alg);
            fault(&jwks_settings(&[jwk]))
        };
        assert_eq!(with(pair.algorithm), None);
        for alg in ["HS256", "none", "PS256", "ES384"] {
            let refused = Some(KeyError::UnsupportedKey { position: 1 });
            assert_eq!(with(alg), refused, "{} as {alg}", pair.algorithm);
        }
    }
}

#[test]
fn keys_of_other_kinds_are_refused_by_their_position() {
    let coordinate = encoded([1; 48]);
    let others: [Value; 4] = [
        json!({ "kty": "oct", "k": encoded([1; 64]) }),
        json!({ "kty": "EC", "crv": "P-384", "x": coordinate, "y": coordinate }),
        json!({ "kty": "OKP", "crv": "X25519", "x": encoded([1; 32]) }),
        json!({ "kty": "mystery" }),
    ];
    for other in others {
        let settings = jwks_settings(&[es256().jwk, other.clone()]);
        let refused = Some(KeyError::UnsupportedKey { position: 2 });
        assert_eq!(fault(&settings), refused, "{other}");
    }
}

#[test]
fn weak_and_malformed_keys_are_refused() {
    let bad: [Value; 4] = [
        json!({ "kty": "RSA", "n": encoded([0xff; 128]), "e": "AQAB" }),
        json!({ "kty": "RSA", "n": "not base64!", "e": "AQAB" }),
        json!({ "kty": "EC", "crv": "P-256", "x": encoded([1; 31]), "y": encoded([1; 32]) }),
        json!({ "kty": "OKP", "crv": "Ed25519", "x": encoded([1; 31]) }),
    ];
    for jwk in bad {
        let refused = Some(KeyError::BadKey { position: 1 });
        assert_eq!(fault(&jwks_settings(slice::from_ref(&jwk))), refused, "{jwk}");
    }
}

#[test]
fn a_name_is_used_once() {
    let settings = jwks_settings(&[es256().named("k1"), ed25519().named("k1")]);
    assert_eq!(fault(&settings), Some(KeyError::NameTaken { position: 2 }));
}
