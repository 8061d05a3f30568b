use auth_jwt::{JwtSigner, KeyError, Settings};
use domain::{
    ids::UserId,
    participant::{Caller, Profile, Role},
    ports::{TokenError, TokenVerifier},
    time::Timestamp,
};

use crate::issuer::{NOW_S, ed25519, jwks_settings, secret_settings, verifier, verifier_at};

fn at(second: i64) -> Timestamp {
    Timestamp::from_millis(second * 1_000).expect("a time in range")
}

fn camille() -> Caller {
    Caller {
        user: UserId::parse("demo-client").expect("a good id"),
        role: Role::Client,
        issued_at: Some(at(NOW_S)),
        expires_at: Some(at(NOW_S + 60)),
        profile: Profile {
            first_name: Some("Camille".to_owned()),
            last_name: Some("Martin".to_owned()),
            ..Profile::default()
        },
    }
}

#[test]
fn a_minted_token_names_its_caller_until_it_ends() {
    let mut settings = secret_settings();
    settings.issuer = Some("platform".to_owned());
    settings.audience = Some("messaging".to_owned());
    let signer = JwtSigner::new(&settings).expect("a secret");
    let token = signer.mint(&camille(), at(NOW_S)).expect("signed");
    assert_eq!(verifier(&settings).verify(&token), Ok(camille()));
    let later = verifier_at(&settings, (NOW_S + 60) * 1_000);
    assert_eq!(later.verify(&token), Err(TokenError::Expired));
}

#[test]
fn only_a_shared_secret_mints() {
    let without = JwtSigner::new(&jwks_settings(&[ed25519().jwk]));
    assert_eq!(without.err(), Some(KeyError::NoSecret));
    let short = Settings { secret: Some("short".into()), ..Settings::default() };
    assert_eq!(JwtSigner::new(&short).err(), Some(KeyError::SecretTooShort));
}

#[test]
fn a_signer_hides_its_secret() {
    let signer = JwtSigner::new(&secret_settings()).expect("a secret");
    assert_eq!(format!("{signer:?}"), "JwtSigner { .. }");
}
