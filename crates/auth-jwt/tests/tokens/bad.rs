use aws_lc_rs::hmac;
use domain::ports::{TokenError, TokenVerifier};
use serde_json::{Value, json};

use crate::issuer::{
    NOW_S, SECRET, ed25519, encoded, es256, hs256, hs256_of_text, jwks_settings, mac, rs256,
    secret_settings, token, verifier, verifier_at,
};

fn good_claims() -> Value {
    json!({ "userId": "u1", "role": "client", "exp": NOW_S + 60 })
}

/// [`good_claims`] with `name` as `value`; without it when `value` is null.
fn claims_with(name: &str, value: Value) -> Value {
    let mut claims = good_claims();
    let map = claims.as_object_mut().expect("an object");
    if value.is_null() {
        map.remove(name)
    } else {
        map.insert(name.to_owned(), value)
    };
    claims
}

#[test]
fn what_is_not_a_token_signed_by_the_issuer_is_not_valid() {
    let good = hs256(&good_claims());
    let (said, signature) = good.rsplit_once('.').expect("two dots");
    let (header, claims) = said.split_once('.').expect("one dot");
    let forged = encoded(claims_with("userId", json!("u2")).to_string());
    let with_header = |header: Value, algorithm, secret: &str| {
        token(&header, &good_claims(), mac(algorithm, secret))
    };
    let table = [
        ("nothing", String::new()),
        ("no dots", "token".to_owned()),
        ("only dots", "..".to_owned()),
        ("no signature", said.to_owned()),
        ("an empty signature", format!("{said}.")),
        ("a part too many", format!("{good}.x")),
        ("another part's signature", format!("{header}.{forged}.{signature}")),
        ("a header that is not base64", format!("?.{claims}.{signature}")),
        ("a scheme before it", format!("Bearer {good}")),
        ("a blank after it", format!("{good} ")),
        ("padding", format!("{good}=")),
        ("another secret", with_header(json!({ "alg": "HS256" }), hmac::HMAC_SHA256, "another")),
        ("no algorithm", with_header(json!({ "typ": "JWT" }), hmac::HMAC_SHA256, SECRET)),
        ("alg none", token(&json!({ "alg": "none" }), &good_claims(), |_| Vec::new())),
        ("alg nOnE, signed", with_header(json!({ "alg": "nOnE" }), hmac::HMAC_SHA256, SECRET)),
        ("HS384", with_header(json!({ "alg": "HS384" }), hmac::HMAC_SHA384, SECRET)),
        ("HS512", with_header(json!({ "alg": "HS512" }), hmac::HMAC_SHA512, SECRET)),
        (
            "the name of an unknown key",
            with_header(json!({ "alg": "HS256", "kid": "k9" }), hmac::HMAC_SHA256, SECRET),
        ),
        (
            "something critical",
            with_header(json!({ "alg": "HS256", "crit": ["b64"] }), hmac::HMAC_SHA256, SECRET),
        ),
        ("claims that are a list", hs256(&json!([]))),
        ("claims that are text", hs256(&json!("u1"))),
    ];
    let verifier = verifier(&secret_settings());
    assert!(verifier.verify(&good).is_ok(), "the token that the others are made of");
    for (what, token) in table {
        assert_eq!(verifier.verify(&token), Err(TokenError::Invalid), "{what}");
    }
}

#[test]
fn claims_of_another_form_are_not_valid() {
    let table = [
        ("userId", Value::Null),
        ("userId", json!("")),
        ("userId", json!(7)),
        ("userId", json!(["u1"])),
        ("userId", json!("u1\u{0}")),
        ("userId", json!("x".repeat(65))),
        ("role", json!(1)),
        ("exp", json!((NOW_S + 60).to_string())),
        ("exp", json!(true)),
        ("exp", json!(1e300)),
        ("exp", json!(-1e300)),
        ("exp", json!(1e19)),
        ("exp", json!(u64::MAX)),
        ("exp", json!([NOW_S + 60])),
        ("exp", json!({ "seconds": NOW_S + 60 })),
        ("nbf", json!("soon")),
        ("nbf", json!((NOW_S - 60).to_string())),
        ("nbf", json!(false)),
        ("nbf", json!(1e300)),
        ("iat", json!("today")),
        ("iat", json!(1e300)),
    ];
    let verifier = verifier(&secret_settings());
    for (name, value) in table {
        let token = hs256(&claims_with(name, value.clone()));
        assert_eq!(verifier.verify(&token), Err(TokenError::Invalid), "{name} is {value}");
    }
}

#[test]
fn a_claim_said_twice_is_not_valid() {
    let token = hs256_of_text(r#"{"userId":"u1","userId":"u2"}"#);
    assert_eq!(verifier(&secret_settings()).verify(&token), Err(TokenError::Invalid));
}

#[test]
fn a_time_that_is_null_or_not_a_number_of_json_is_not_valid() {
    let verifier = verifier(&secret_settings());
    for value in ["null", "1e999", "NaN", "Infinity", "01764500000", "+1.8e9", ".5", "1."] {
        for claim in ["exp", "nbf", "iat"] {
            let exp = if claim == "exp" { "" } else { r#""exp":1767605460,"# };
            let token = hs256_of_text(&format!(r#"{{"userId":"u1",{exp}"{claim}":{value}}}"#));
            let outcome = verifier.verify(&token);
            assert_eq!(outcome, Err(TokenError::Invalid), "{claim} is {value}");
        }
    }
}

#[test]
fn an_end_before_1970_is_an_end() {
    for exp in [json!(-1), json!(-0.5), json!(-1.7e9), json!(0), json!(0.25)] {
        let outcome = verifier(&secret_settings()).verify(&hs256(&claims_with("exp", exp.clone())));
        assert_eq!(outcome, Err(TokenError::Expired), "{exp}");
    }
}

#[test]
fn a_token_ends_with_the_second_it_names() {
    let token = hs256(&claims_with("exp", json!(NOW_S)));
    let outcome = |now_ms| verifier_at(&secret_settings(), now_ms).verify(&token).map(|_| ());
    assert_eq!(outcome(NOW_S * 1_000 - 1), Ok(()));
    assert_eq!(outcome(NOW_S * 1_000), Err(TokenError::Expired));
    assert_eq!(outcome(NOW_S * 1_000 + 1), Err(TokenError::Expired));
}

#[test]
fn a_token_starts_with_the_second_it_names() {
    let token = hs256(&claims_with("nbf", json!(NOW_S)));
    let outcome = |now_ms| verifier_at(&secret_settings(), now_ms).verify(&token).map(|_| ());
    assert_eq!(outcome(NOW_S * 1_000 - 1), Err(TokenError::Invalid));
    assert_eq!(outcome(NOW_S * 1_000), Ok(()));
}

#[test]
fn only_a_token_that_was_good_once_is_called_expired() {
    let claims = claims_with("exp", json!(NOW_S - 1));
    let forged = token(&json!({ "alg": "HS256" }), &claims, mac(hmac::HMAC_SHA256, "another"));
    let verifier = verifier(&secret_settings());
    assert_eq!(verifier.verify(&hs256(&claims)), Err(TokenError::Expired));
    assert_eq!(verifier.verify(&forged), Err(TokenError::Invalid));
}

#[test]
fn a_public_key_is_no_shared_secret() {
    for pair in [rs256(), es256(), ed25519()] {
        let verifier = verifier(&jwks_settings(&[pair.named("k1")]));
        for header in [json!({ "alg": "HS256", "kid": "k1" }), json!({ "alg": "HS256" })] {
            for secret in [pair.public.clone(), pair.jwk.to_string().into_bytes()] {
                let token = token(&header, &good_claims(), mac(hmac::HMAC_SHA256, secret));
                assert_eq!(verifier.verify(&token), Err(TokenError::Invalid), "{}", pair.algorithm);
            }
        }
    }
}

#[test]
fn a_key_of_the_token_s_own_is_not_used() {
    let (ours, theirs) = (es256(), es256());
    let verifier = verifier(&jwks_settings(&[ours.named("k1")]));
    let header = json!({ "alg": "ES256", "kid": "k1", "jwk": theirs.jwk });
    let token = token(&header, &good_claims(), &theirs.sign);
    assert_eq!(verifier.verify(&token), Err(TokenError::Invalid));
}

#[test]
fn issuer_and_audience_must_be_ours_once_configured() {
    let mut settings = secret_settings();
    settings.issuer = Some("platform".to_owned());
    settings.audience = Some("messaging".to_owned());
    let verifier = verifier(&settings);
    let outcome = |iss: Value, aud: Value| {
        let mut claims = good_claims();
        (claims["iss"], claims["aud"]) = (iss, aud);
        verifier.verify(&hs256(&claims)).map(|_| ())
    };
    assert_eq!(outcome(json!("platform"), json!("messaging")), Ok(()));
    assert_eq!(outcome(json!("platform"), json!(["other", "messaging"])), Ok(()));
    let wrong = [
        (json!("other"), json!("messaging")),
        (Value::Null, json!("messaging")),
        (json!("platform"), json!("other")),
        (json!("platform"), json!(["other"])),
        (json!("platform"), json!([])),
        (json!("platform"), Value::Null),
        (json!(1), json!("messaging")),
    ];
    for (iss, aud) in wrong {
        assert_eq!(outcome(iss.clone(), aud.clone()), Err(TokenError::Invalid), "{iss} {aud}");
    }
}

#[test]
fn a_token_beyond_the_bound_is_not_read() {
    let padded = |bytes: usize| hs256(&claims_with("padding", json!("x".repeat(bytes))));
    let verifier = verifier(&secret_settings());
    let near = padded(5_900);
    assert!(near.len() <= auth_jwt::TOKEN_MAX_BYTES && verifier.verify(&near).is_ok());
    let over = padded(6_100);
    assert!(over.len() > auth_jwt::TOKEN_MAX_BYTES);
    assert_eq!(verifier.verify(&over), Err(TokenError::Invalid));
}

#[test]
fn no_error_and_no_debug_text_repeats_a_token_or_a_key() {
    let settings = secret_settings();
    let verifier = verifier(&settings);
    let token = token(
        &json!({ "alg": "HS256", "kid": "canary-name" }),
        &json!({ "userId": "canary-user" }),
        mac(hmac::HMAC_SHA256, SECRET),
    );
    let fault = verifier.verify(&token).expect_err("an unknown key");
    let shown = format!("{fault} {fault:?} {verifier:?} {settings:?}");
    for hidden in [token.as_str(), "canary", SECRET] {
        assert!(!shown.contains(hidden), "{shown}");
    }
}
