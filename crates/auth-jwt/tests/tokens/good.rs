use domain::{
    participant::Role,
    ports::{TokenError, TokenVerifier},
};
use serde_json::json;

use crate::issuer::{
    NOW_S, ed25519, es256, hs256, hs256_of_text, jwks_settings, rs256, secret_settings, verifier,
    verifier_at,
};

#[test]
fn a_token_as_the_platform_issues_it_today_names_its_caller() {
    let token = hs256(&json!({
        "userId": "clx0salon", "role": "user_salon", "iat": NOW_S - 1, "exp": NOW_S + 604_800,
    }));
    let caller = verifier(&secret_settings()).verify(&token).expect("a good token");
    assert_eq!(caller.user.as_str(), "clx0salon");
    assert_eq!(caller.role, Role::SalonOwner);
    let expires_at = caller.expires_at.expect("an end");
    assert_eq!(expires_at.as_millis(), (NOW_S + 604_800) * 1_000);
    assert!(caller.profile.is_empty());
}

#[test]
fn a_token_needs_no_role_and_no_end() {
    let token = hs256(&json!({ "userId": "u1" }));
    let caller = verifier(&secret_settings()).verify(&token).expect("a good token");
    assert_eq!((caller.role, caller.expires_at), (Role::Other, None));
}

#[test]
fn an_end_beyond_the_calendar_is_none() {
    let token = hs256(&json!({ "userId": "u1", "exp": i64::MAX }));
    let caller = verifier(&secret_settings()).verify(&token).expect("a good token");
    assert_eq!(caller.expires_at, None);
    let token = hs256(&json!({ "userId": "u1", "exp": i64::MIN }));
    let outcome = verifier(&secret_settings()).verify(&token);
    assert_eq!(outcome, Err(TokenError::Expired));
}

#[test]
fn a_time_may_have_a_fraction_and_an_exponent() {
    let table = [
        ("1764500000", 1_764_500_000_000),
        ("1764500000.0", 1_764_500_000_000),
        ("1764500000.5", 1_764_500_000_500),
        // Neither has an exact form as binary floating point.
        ("1764500000.123", 1_764_500_000_123),
        ("1764500000.001", 1_764_500_000_001),
        ("1764500000.9999", 1_764_500_000_999),
        ("1.7645e9", 1_764_500_000_000),
        ("17645E+5", 1_764_500_000_000),
        ("1.7645000005e9", 1_764_500_000_500),
        ("17645000005e-1", 1_764_500_000_500),
    ];
    let before = 1_764_400_000_000;
    for (exp, ends_at) in table {
        let claims = format!(r#"{{"userId":"u1","iat":1.7644e9,"nbf":1.7644e9,"exp":{exp}}}"#);
        let token = hs256_of_text(&claims);
        let at = |now_ms| verifier_at(&secret_settings(), now_ms).verify(&token);
        let caller = at(before).expect("a good token");
        assert_eq!(caller.expires_at.expect("an end").as_millis(), ends_at, "{exp}");
        assert!(at(ends_at - 1).is_ok(), "{exp}");
        assert_eq!(at(ends_at), Err(TokenError::Expired), "{exp}");
    }
}

#[test]
fn what_is_finer_than_a_millisecond_never_makes_a_token_good_for_longer() {
    let claims = r#"{"userId":"u1","nbf":1764500000.0001,"exp":1764500001.0009}"#;
    let token = hs256_of_text(claims);
    let at = |now_ms| verifier_at(&secret_settings(), now_ms).verify(&token).map(|_| ());
    assert_eq!(at(1_764_500_000_000), Err(TokenError::Invalid), "not yet");
    assert_eq!(at(1_764_500_000_001), Ok(()));
    assert_eq!(at(1_764_500_000_999), Ok(()));
    assert_eq!(at(1_764_500_001_000), Err(TokenError::Expired));
}

#[test]
fn when_a_token_was_issued_is_not_asked() {
    for iat in ["1.7e9", "1764500000.5", "4102444800", "null", "\"today\""] {
        let token = hs256_of_text(&format!(r#"{{"userId":"u1","iat":{iat}}}"#));
        assert!(verifier(&secret_settings()).verify(&token).is_ok(), "{iat}");
    }
}

#[test]
fn leeway_moves_both_ends_and_the_caller_s_end_with_them() {
    let mut settings = secret_settings();
    settings.leeway_s = 5;
    let token = hs256(&json!({ "userId": "u1", "nbf": NOW_S, "exp": NOW_S + 10 }));
    let at = |second: i64| verifier_at(&settings, second * 1_000).verify(&token);
    assert_eq!(at(NOW_S - 6).map(|_| ()), Err(TokenError::Invalid));
    let caller = at(NOW_S - 5).expect("within the leeway");
    let expires_at = caller.expires_at.expect("an end");
    assert_eq!(expires_at.as_millis(), (NOW_S + 15) * 1_000);
    assert!(at(NOW_S + 14).is_ok());
    assert_eq!(at(NOW_S + 15).map(|_| ()), Err(TokenError::Expired));
}

#[test]
fn each_kind_of_public_key_is_believed_by_name_and_alone_without_one() {
    for pair in [rs256(), es256(), ed25519()] {
        let verifier = verifier(&jwks_settings(&[pair.named("k1")]));
        for kid in [Some("k1"), None] {
            let token = pair.token(kid, &json!({ "userId": "u1", "exp": NOW_S + 1 }));
            assert!(verifier.verify(&token).is_ok(), "{} {kid:?}", pair.algorithm);
        }
        let token = pair.token(Some("k2"), &json!({ "userId": "u1" }));
        let outcome = verifier.verify(&token).map(|_| ());
        assert_eq!(outcome, Err(TokenError::Invalid), "{}: an unknown name", pair.algorithm);
    }
}

#[test]
fn while_keys_are_rotated_a_name_tells_which() {
    let (old, new) = (es256(), es256());
    let verifier = verifier(&jwks_settings(&[old.named("old"), new.named("new")]));
    let claims = json!({ "userId": "u1" });
    assert!(verifier.verify(&old.token(Some("old"), &claims)).is_ok());
    assert!(verifier.verify(&new.token(Some("new"), &claims)).is_ok());
    let doubtful = [old.token(Some("new"), &claims), old.token(None, &claims)];
    for token in doubtful {
        assert_eq!(verifier.verify(&token), Err(TokenError::Invalid));
    }
}

#[test]
fn a_secret_and_public_keys_are_believed_side_by_side() {
    let pair = rs256();
    let mut settings = jwks_settings(&[pair.named("k1")]);
    settings.secret = secret_settings().secret;
    let verifier = verifier(&settings);
    let claims = json!({ "userId": "u1" });
    assert!(verifier.verify(&hs256(&claims)).is_ok());
    assert!(verifier.verify(&pair.token(Some("k1"), &claims)).is_ok());
}
