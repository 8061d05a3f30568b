use auth_jwt::{EXPIRY_MAX_DAYS, Settings};
use aws_lc_rs::hmac;
use domain::{
    participant::Role,
    ports::{TokenError, TokenVerifier},
};
use serde_json::{Value, json};

use crate::issuer::{
    NOW_S, Pair, SECRET, ed25519, es256, hs256, hs256_of_text, jwks_settings, mac, rs256,
    secret_settings, token, verifier, verifier_at,
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
fn a_token_needs_no_role() {
    let token = hs256(&json!({ "userId": "u1", "exp": NOW_S + 1 }));
    let caller = verifier(&secret_settings()).verify(&token).expect("a good token");
    assert_eq!(caller.role, Role::Other);
}

#[test]
fn a_token_must_expire_within_400_days_unless_the_setting_says_otherwise() {
    let latest = NOW_S + EXPIRY_MAX_DAYS * 86_400;
    let strict = secret_settings();
    let lenient = Settings { exp_required: false, ..secret_settings() };
    let outcome = |settings: &Settings, exp: Option<i64>| {
        let mut claims = json!({ "userId": "u1" });
        if let Some(exp) = exp {
            claims["exp"] = json!(exp);
        }
        verifier(settings).verify(&hs256(&claims)).map(|caller| caller.expires_at.is_some())
    };
    assert_eq!(outcome(&strict, Some(latest)), Ok(true));
    for exp in [None, Some(latest + 1), Some(i64::MAX)] {
        assert_eq!(outcome(&strict, exp), Err(TokenError::Invalid), "{exp:?}");
    }
    assert_eq!(outcome(&lenient, None), Ok(false));
    assert_eq!(outcome(&lenient, Some(latest + 1)), Ok(true));
    assert_eq!(outcome(&lenient, Some(i64::MAX)), Ok(false), "beyond the calendar");
    for settings in [strict, lenient] {
        assert_eq!(outcome(&settings, Some(NOW_S)), Err(TokenError::Expired));
        assert_eq!(outcome(&settings, Some(i64::MIN)), Err(TokenError::Expired));
    }
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
fn a_token_was_not_issued_in_the_future_beyond_a_minute_and_the_leeway() {
    for leeway_s in [0, 30] {
        let settings = Settings { leeway_s, ..secret_settings() };
        let latest = NOW_S + 60 + i64::from(leeway_s);
        let issued = |iat: i64| {
            let claims = json!({ "userId": "u1", "iat": iat, "exp": NOW_S + 600 });
            verifier(&settings).verify(&hs256(&claims)).map(|_| ())
        };
        for iat in [NOW_S - 399 * 86_400, NOW_S, latest] {
            assert_eq!(issued(iat), Ok(()), "{iat}");
        }
        assert_eq!(issued(latest + 1), Err(TokenError::Invalid));
    }
}

#[test]
fn a_token_lives_at_most_four_hundred_days_from_its_issue() {
    let verifier = verifier(&secret_settings());
    let lives_s = |lifetime_s: i64| {
        let claims = json!({ "userId": "u1", "iat": NOW_S + 60 - lifetime_s, "exp": NOW_S + 60 });
        verifier.verify(&hs256(&claims)).map(|_| ())
    };
    assert_eq!(lives_s(400 * 86_400), Ok(()));
    assert_eq!(lives_s(400 * 86_400 + 1), Err(TokenError::Invalid));
}

#[test]
fn only_an_access_token_is_one() {
    let verifier = verifier(&secret_settings());
    let outcome = |header: Value, extra: Value| {
        let mut claims = json!({ "userId": "u1", "exp": NOW_S + 60 });
        for (name, value) in extra.as_object().expect("an object") {
            claims[name.as_str()] = value.clone();
        }
        verifier.verify(&token(&header, &claims, mac(hmac::HMAC_SHA256, SECRET))).map(|_| ())
    };
    let plain = || json!({ "alg": "HS256" });
    for typ in ["JWT", "jwt", "at+jwt", "application/at+jwt"] {
        assert_eq!(outcome(json!({ "alg": "HS256", "typ": typ }), json!({})), Ok(()), "{typ}");
    }
    for typ in ["", "refresh+jwt", "dpop+jwt", "logout+jwt", "JOSE"] {
        let refused = outcome(json!({ "alg": "HS256", "typ": typ }), json!({}));
        assert_eq!(refused, Err(TokenError::Invalid), "{typ}");
    }
    let good = [
        json!({}),
        json!({ "token_use": "access" }),
        json!({ "type": "access", "token_type": "Bearer" }),
        json!({ "type": 7 }),
    ];
    for claims in good {
        assert_eq!(outcome(plain(), claims.clone()), Ok(()), "{claims}");
    }
    let bad = [
        json!({ "token_use": "id" }),
        json!({ "token_use": "refresh" }),
        json!({ "token_use": 1 }),
        json!({ "type": "refresh" }),
        json!({ "type": "Refresh" }),
        json!({ "token_type": "refresh" }),
    ];
    for claims in bad {
        assert_eq!(outcome(plain(), claims.clone()), Err(TokenError::Invalid), "{claims}");
    }
}

#[test]
fn during_a_changeover_tokens_of_both_secrets_are_good() {
    const NEW: &str = "the-secret-of-next-month-98765432100";
    let settings = Settings {
        secret: Some(NEW.into()),
        previous_secret: Some(SECRET.into()),
        ..Settings::default()
    };
    let signed = |secret: &str| {
        let claims = json!({ "userId": "u1", "exp": NOW_S + 60 });
        token(&json!({ "alg": "HS256" }), &claims, mac(hmac::HMAC_SHA256, secret))
    };
    let verifier = verifier(&settings);
    assert!(verifier.verify(&signed(NEW)).is_ok());
    assert!(verifier.verify(&signed(SECRET)).is_ok());
    let another = signed("another-secret-of-a-decent-length-0000");
    assert_eq!(verifier.verify(&another), Err(TokenError::Invalid));
}

#[test]
fn keys_can_be_replaced_and_bad_ones_leave_the_former() {
    let (old, new) = (es256(), es256());
    let verifier = verifier(&jwks_settings(&[old.named("old")]));
    let good = |pair: &Pair, kid| {
        let claims = json!({ "userId": "u1", "exp": NOW_S + 60 });
        verifier.verify(&pair.token(Some(kid), &claims)).is_ok()
    };
    assert!(good(&old, "old") && !good(&new, "new"));
    assert!(verifier.replace_keys(&jwks_settings(&[])).is_err());
    assert!(good(&old, "old"));
    verifier.replace_keys(&jwks_settings(&[new.named("new")])).expect("a good set");
    assert!(!good(&old, "old") && good(&new, "new"));
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
        let token = pair.token(Some("k2"), &json!({ "userId": "u1", "exp": NOW_S + 1 }));
        let outcome = verifier.verify(&token).map(|_| ());
        assert_eq!(outcome, Err(TokenError::Invalid), "{}: an unknown name", pair.algorithm);
    }
}

#[test]
fn while_keys_are_rotated_a_name_tells_which() {
    let (old, new) = (es256(), es256());
    let verifier = verifier(&jwks_settings(&[old.named("old"), new.named("new")]));
    let claims = json!({ "userId": "u1", "exp": NOW_S + 1 });
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
    let claims = json!({ "userId": "u1", "exp": NOW_S + 1 });
    assert!(verifier.verify(&hs256(&claims)).is_ok());
    assert!(verifier.verify(&pair.token(Some("k1"), &claims)).is_ok());
}
