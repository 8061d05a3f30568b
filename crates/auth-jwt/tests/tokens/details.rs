use domain::{participant::Profile, ports::TokenVerifier};
use serde_json::{Value, json};

use crate::issuer::{NOW_S, hs256, secret_settings, verifier};

fn profile(details: &[(&str, Value)]) -> Profile {
    let mut claims = json!({ "userId": "u1", "role": "client", "exp": NOW_S + 60 });
    for (name, value) in details {
        claims[*name] = value.clone();
    }
    verifier(&secret_settings()).verify(&hs256(&claims)).expect("a good token").profile
}

#[test]
fn a_token_may_say_who_its_caller_is() {
    let profile = profile(&[
        ("email", json!("camille@example.org")),
        ("firstName", json!("Camille")),
        ("lastName", json!("Martin")),
        ("salonName", json!("Encre Noire")),
        ("image", json!("https://example.org/camille.webp")),
    ]);
    assert_eq!(profile.email.as_deref(), Some("camille@example.org"));
    assert_eq!(profile.first_name.as_deref(), Some("Camille"));
    assert_eq!(profile.last_name.as_deref(), Some("Martin"));
    assert_eq!(profile.salon_name.as_deref(), Some("Encre Noire"));
    assert_eq!(profile.image.as_deref(), Some("https://example.org/camille.webp"));
}

#[test]
fn a_detail_of_another_form_is_left_out_and_the_others_stay() {
    let others = [json!(7), json!(["x"]), json!("x".repeat(3_000)), json!("")];
    for name in ["email", "firstName", "salonName", "image"] {
        for other in others.iter().chain([&Value::Null]) {
            let profile = profile(&[(name, other.clone()), ("lastName", json!("Martin"))]);
            let expected = Profile { last_name: Some("Martin".to_owned()), ..Profile::default() };
            assert!(profile == expected, "{name} is {other}");
        }
    }
    for name in ["email", "image"] {
        assert!(profile(&[(name, json!("a\u{0}b"))]) == Profile::default(), "{name}");
    }
}

#[test]
fn a_name_is_tidied_as_every_name_is() {
    let profile = profile(&[
        ("firstName", json!("Le\u{301}a\u{b}Anne")),
        ("lastName", json!("Ro\u{0}ux\u{202e}")),
        ("salonName", json!("\u{200b}")),
    ]);
    assert_eq!(profile.first_name.as_deref(), Some("Léa Anne"));
    assert_eq!(profile.last_name.as_deref(), Some("Roux"));
    assert_eq!(profile.salon_name, None);
}
