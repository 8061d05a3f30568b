use serde_json::json;

use super::*;
use crate::texts::Language as Spoken;

fn fields(value: &Value) -> Fields {
    value.as_object().cloned().expect("an object")
}

fn read(value: &Value) -> Result<Participant, Failure> {
    participant(UserId::parse("u1").expect("a good id"), &fields(value))
}

/// What is said against `value`.
fn reasons(failure: Result<impl Sized, Failure>) -> Vec<String> {
    let failure = failure.err().expect("it is not acceptable");
    failure.messages(Spoken::English).into_iter().map(str::to_owned).collect()
}

#[test]
fn everything_known_of_a_person_is_taken_as_it_is() {
    let person = read(&json!({
        "role": "user_salon",
        "firstName": "<script>alert(1)</script>",
        "lastName": "O'Brien; DROP TABLE participant",
        "salonName": "Encre Noire 🖋",
        "image": "https://img.example/a.webp?x=1",
        "email": "nora@example.org",
        "locale": "en-GB",
        "timeZone": "Europe/Paris",
    }))
    .expect("acceptable");
    assert_eq!(person.role, Role::SalonOwner);
    let Profile { first_name, last_name, salon_name, image, email, language, zone } =
        person.profile;
    assert_eq!(first_name.as_deref(), Some("<script>alert(1)</script>"));
    assert_eq!(last_name.as_deref(), Some("O'Brien; DROP TABLE participant"));
    assert_eq!(salon_name.as_deref(), Some("Encre Noire 🖋"));
    assert_eq!(image.as_deref(), Some("https://img.example/a.webp?x=1"));
    assert_eq!(email.as_deref(), Some("nora@example.org"));
    assert_eq!(language, Some(Language::English));
    assert_eq!(zone, Zone::parse("Europe/Paris").ok());
}

#[test]
fn what_is_left_out_or_blank_is_not_known() {
    let bare = read(&json!({"role": "client"})).expect("acceptable");
    let blank = json!({
        "role": "client", "firstName": "", "lastName": "  ", "image": null, "locale": "de",
    });
    assert_eq!(bare.profile, Profile::default());
    assert!(bare == read(&blank).expect("acceptable"));
}

#[test]
fn a_name_is_tidied() {
    let person = read(&json!({
        "role": "user_salon",
        "firstName": "Le\u{301}a\u{b}Anne",
        "lastName": "\u{202e}Ro\0ux",
        "salonName": "\u{200b}",
    }));
    let profile = person.expect("acceptable").profile;
    assert_eq!(profile.first_name.as_deref(), Some("Léa Anne"));
    assert_eq!(profile.last_name.as_deref(), Some("Roux"));
    assert_eq!(profile.salon_name, None);
}

#[test]
fn a_detail_that_is_not_acceptable_is_named() {
    let long = |characters| "x".repeat(characters);
    let table = [
        ("firstName", json!(long(10_000)), "firstName must have at most 200 characters"),
        ("lastName", json!("é".repeat(201)), "lastName must have at most 200 characters"),
        ("firstName", json!(7), "firstName must be a text"),
        ("image", json!("http://img.example/a"), "image must be an https URL"),
        ("image", json!("javascript:alert(1)"), "image must be an https URL"),
        ("image", json!("https://"), "image must be an https URL"),
        ("image", json!("https://a@b.example/x"), "image must be an https URL"),
        ("image", json!("https://img.example/\"><script>"), "image must be an https URL"),
        ("image", json!(format!("https://a/{}", long(2_048))), "image must have at most 2048"),
        ("email", json!("nobody"), "email must be an e-mail address"),
        ("email", json!("a b@example.org"), "email must be an e-mail address"),
        ("email", json!(format!("{}@b", long(254))), "email must have at most 254 characters"),
        ("locale", json!("fr\"; x"), "locale must be a language"),
        ("locale", json!(long(36)), "locale must be a language"),
        ("timeZone", json!("Europe/Atlantis"), "timeZone must be a time zone"),
        ("timeZone", json!("../../etc/passwd"), "timeZone must be a time zone"),
        ("role", json!("owner"), "role must be one of"),
        ("role", json!("service"), "role must be one of"),
        ("role", json!("other"), "role must be one of"),
        ("role", json!(null), "role must be one of"),
    ];
    for (field, value, expected) in table {
        let mut body = json!({"role": "client"});
        body[field] = value;
        let said = reasons(read(&body));
        assert!(said.len() == 1 && said[0].starts_with(expected), "{field}: {said:?}");
    }
}

#[test]
fn every_reason_names_the_person_and_the_field() {
    let list = json!({"participants": [
        {"id": "a", "role": "client"},
        {"id": "a b", "role": "king"},
        {"id": "a", "role": "client", "email": 1},
        "nobody",
    ]});
    let said = reasons(participants(&fields(&list)));
    let places: Vec<_> = said.iter().filter_map(|text| text.split(' ').next()).collect();
    assert_eq!(
        places,
        [
            "participants.1.id",
            "participants.1.role",
            "participants.2.id",
            "participants.2.email",
            "participants.3.id",
            "participants.3.role",
        ]
    );
}

#[test]
fn a_list_has_one_to_a_thousand_people() {
    let list = |count: usize| {
        let people: Vec<_> =
            (0..count).map(|n| json!({"id": format!("u{n}"), "role": "client"})).collect();
        participants(&fields(&json!({ "participants": people })))
    };
    assert_eq!(list(PARTICIPANTS_MAX).map(|people| people.len()).ok(), Some(PARTICIPANTS_MAX));
    for bad in [list(0), list(PARTICIPANTS_MAX + 1), participants(&Fields::new())] {
        assert_eq!(reasons(bad), ["participants must be a list of 1 to 1000 people"]);
    }
}
