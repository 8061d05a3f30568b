//! Tokens of programs.

use aws_lc_rs::hmac::HMAC_SHA256;
use domain::{
    participant::{Caller, Profile, Role},
    ports::{TokenError, TokenVerifier},
};
use serde_json::{Value, json};

use crate::issuer::{
    NOW_S, ed25519, es256, hs256, jwks_settings, mac, rs256, secret_settings, token, verifier,
    verifier_at,
};

fn claims(aud: &Value, exp: Option<i64>) -> Value {
    let mut claims = json!({ "userId": "bookings", "role": "service", "aud": aud });
    if let Some(exp) = exp {
        claims["exp"] = json!(exp);
    }
    claims
}

fn outcome(claims: &Value) -> Result<Role, TokenError> {
    let caller = verifier(&secret_settings()).verify(&hs256(claims));
    caller.map(|caller: Caller| caller.role)
}

#[test]
fn a_program_names_this_service_alone_or_among_others() {
    for aud in [json!("messaging"), json!(["messaging"]), json!(["billing", "messaging"])] {
        assert_eq!(outcome(&claims(&aud, Some(NOW_S + 60))), Ok(Role::Service), "{aud}");
    }
}

#[test]
fn a_program_that_names_another_service_or_none_is_not_believed() {
    let others = [
        Value::Null,
        json!(""),
        json!("billing"),
        json!("Messaging"),
        json!("messaging "),
        json!([]),
        json!(["billing"]),
        json!([["messaging"]]),
        json!({ "messaging": true }),
        json!(1),
    ];
    for aud in others {
        let claims = claims(&aud, Some(NOW_S + 60));
        assert_eq!(outcome(&claims), Err(TokenError::Invalid), "{aud}");
    }
    let without = json!({ "userId": "bookings", "role": "service", "exp": NOW_S + 60 });
    assert_eq!(outcome(&without), Err(TokenError::Invalid));
}

#[test]
fn a_program_s_token_ends() {
    assert_eq!(outcome(&claims(&json!("messaging"), None)), Err(TokenError::Invalid));
    let token = hs256(&claims(&json!("messaging"), Some(NOW_S)));
    let at = |now_ms| verifier_at(&secret_settings(), now_ms).verify(&token).map(|_| ());
    assert_eq!(at(NOW_S * 1_000 - 1), Ok(()));
    assert_eq!(at(NOW_S * 1_000), Err(TokenError::Expired));
}

#[test]
fn a_program_s_audience_takes_the_place_of_the_people_s() {
    let mut settings = secret_settings();
    settings.audience = Some("front-end".to_owned());
    settings.service_audience = "messages.internal".to_owned();
    let verifier = verifier(&settings);
    let outcome = |role: &str, aud: &str| {
        let claims = json!({ "userId": "u1", "role": role, "aud": aud, "exp": NOW_S + 60 });
        verifier.verify(&hs256(&claims)).map(|caller| caller.role)
    };
    assert_eq!(outcome("service", "messages.internal"), Ok(Role::Service));
    assert_eq!(outcome("client", "front-end"), Ok(Role::Client));
    for (role, aud) in
        [("service", "front-end"), ("service", "messaging"), ("client", "messages.internal")]
    {
        assert_eq!(outcome(role, aud), Err(TokenError::Invalid), "{role} {aud}");
    }
}

#[test]
fn nobody_becomes_a_program_by_naming_the_service() {
    for role in ["client", "user_salon", "admin", "Service", "service ", ""] {
        let claims = json!({ "userId": "u1", "role": role, "aud": "messaging", "exp": NOW_S + 60 });
        assert!(outcome(&claims).is_ok_and(|read| read != Role::Service), "{role}");
    }
}

#[test]
fn public_keys_ask_the_same_of_programs() {
    for pair in [rs256(), es256(), ed25519()] {
        let verifier = verifier(&jwks_settings(&[pair.named("k1")]));
        let outcome = |claims: &Value| verifier.verify(&pair.token(Some("k1"), claims)).map(|_| ());
        let messaging = json!("messaging");
        assert_eq!(outcome(&claims(&messaging, Some(NOW_S + 60))), Ok(()), "{}", pair.algorithm);
        for bad in [claims(&messaging, None), claims(&json!("billing"), Some(NOW_S + 60))] {
            assert_eq!(outcome(&bad), Err(TokenError::Invalid), "{}", pair.algorithm);
        }
    }
}

#[test]
fn a_minted_token_of_a_program_names_the_service_that_it_is_for() {
    let program = Caller {
        user: domain::ids::UserId::parse("bookings").expect("a good id"),
        role: Role::Service,
        issued_at: domain::time::Timestamp::from_millis(NOW_S * 1_000),
        expires_at: domain::time::Timestamp::from_millis((NOW_S + 60) * 1_000),
        profile: Profile::default(),
    };
    let mut settings = secret_settings();
    settings.audience = Some("front-end".to_owned());
    let signer = auth_jwt::JwtSigner::new(&settings).expect("a secret");
    let now = domain::time::Timestamp::from_millis(NOW_S * 1_000).expect("in range");
    let token = signer.mint(&program, now).expect("signed");
    assert_eq!(verifier(&settings).verify(&token), Ok(program));
}

#[test]
fn a_key_for_programs_signs_for_nobody_else_and_no_other_key_for_them() {
    const PROGRAMS: &str = "the-secret-of-programs-0123456789abc";
    let pair = es256();
    let settings = auth_jwt::Settings {
        service_secret: Some(PROGRAMS.into()),
        secret: secret_settings().secret,
        ..jwks_settings(&[pair.named("k1")])
    };
    let verifier = verifier(&settings);
    let outcome = |token: &str| verifier.verify(token).map(|caller| caller.role);
    let program = claims(&json!("messaging"), Some(NOW_S + 60));
    let person = json!({ "userId": "u1", "role": "client", "exp": NOW_S + 60 });
    let by_programs =
        |claims: &Value| token(&json!({ "alg": "HS256" }), claims, mac(HMAC_SHA256, PROGRAMS));
    assert_eq!(outcome(&by_programs(&program)), Ok(Role::Service));
    assert_eq!(outcome(&hs256(&person)), Ok(Role::Client));
    assert_eq!(outcome(&pair.token(Some("k1"), &person)), Ok(Role::Client));
    for forged in [by_programs(&person), hs256(&program), pair.token(Some("k1"), &program)] {
        assert_eq!(outcome(&forged), Err(TokenError::Invalid));
    }
    let alone = auth_jwt::Settings { secret: None, jwks: None, ..settings };
    let clock = std::sync::Arc::new(crate::issuer::StoppedAt(NOW_S));
    let refused = auth_jwt::JwtVerifier::new(&alone, clock).err();
    assert_eq!(refused, Some(auth_jwt::KeyError::NoKeys), "nobody could sign in");
}
