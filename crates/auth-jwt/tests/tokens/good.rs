use domain::{
    participant::Role,
    ports::{TokenError, TokenVerifier},
};
use serde_json::json;

use crate::issuer::{
    NOW_S, ed25519, es256, hs256, jwks_settings, rs256, secret_settings, verifier, verifier_at,
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
