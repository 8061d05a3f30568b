use std::collections::HashSet;

use domain::{
    ids::UserId,
    participant::{
        EMAIL_MAX_CHARS, IMAGE_MAX_CHARS, Language, Participant, Profile, Role, tidied_name,
    },
    time::Zone,
};
use serde_json::Value;

use super::fields::{Field, Fields, ValidationErrors};
use crate::{error::Failure, texts, texts::Text};

/// Maximum number of people per batch.
pub const PARTICIPANTS_MAX: usize = 1_000;
/// Maximum length of a language tag, in bytes.
const LOCALE_MAX_BYTES: usize = 35;
const LIST: &str = "participants";

/// Parses the directory entry of the person `id`.
///
/// # Errors
/// A validation failure with every error.
pub fn participant(id: UserId, fields: &Fields) -> Result<Participant, Failure> {
    let mut reasons = ValidationErrors::default();
    let details = details(fields, &mut reasons);
    let (role, profile) = reasons.into_result(details)?;
    Ok(Participant::new(id, role, profile))
}

/// Parses a list of people, each with an `id`.
///
/// # Errors
/// A validation failure with every error; each names the index in the list.
pub fn participants(fields: &Fields) -> Result<Vec<Participant>, Failure> {
    let list = match fields.get(LIST) {
        Some(Value::Array(list)) if (1..=PARTICIPANTS_MAX).contains(&list.len()) => list,
        _ => return Err(Failure::validation(vec![texts::PARTICIPANTS_LIST])),
    };
    let (mut people, mut seen) = (Vec::with_capacity(list.len()), HashSet::new());
    let (mut reasons, nothing) = (ValidationErrors::default(), Fields::new());
    for (index, item) in list.iter().enumerate() {
        let mut found = ValidationErrors::default();
        let fields = item.as_object().unwrap_or(&nothing);
        let id = id(fields, &mut found);
        if id.as_ref().is_some_and(|id| !seen.insert(id.clone())) {
            found.add(texts::ID_TWICE);
        }
        if let (Some(id), Some((role, profile))) = (id, details(fields, &mut found)) {
            people.push(Participant::new(id, role, profile));
        }
        reasons.add_item(LIST, index, found);
    }
    reasons.into_result(Some(people))
}

fn id(fields: &Fields, reasons: &mut ValidationErrors) -> Option<UserId> {
    let id = match Field::of(fields, "id") {
        Field::Text(id) => UserId::parse(id).ok(),
        Field::Nothing | Field::Else => None,
    };
    reasons.note(id.ok_or(()), |()| texts::PARTICIPANT_ID)
}

fn details(fields: &Fields, reasons: &mut ValidationErrors) -> Option<(Role, Profile)> {
    let role = role(fields, reasons);
    let profile = Profile {
        first_name: name(fields, "firstName", reasons),
        last_name: name(fields, "lastName", reasons),
        salon_name: name(fields, "salonName", reasons),
        image: image(fields, reasons),
        email: email(fields, reasons),
        language: language(fields, reasons),
        zone: zone(fields, reasons),
    };
    role.map(|role| (role, profile))
}

/// Programs do not take part in conversations and are not in the directory.
fn role(fields: &Fields, reasons: &mut ValidationErrors) -> Option<Role> {
    let role = match Field::of(fields, "role") {
        Field::Text(word) => Some(Role::parse(word)),
        Field::Nothing | Field::Else => None,
    };
    let role = role.filter(|role| !matches!(role, Role::Service | Role::Other));
    reasons.note(role.ok_or(()), |()| texts::role_words())
}

fn name(fields: &Fields, field: &str, reasons: &mut ValidationErrors) -> Option<String> {
    let name = tidied_name(text(fields, field, reasons)?);
    reasons.note(name, |_| texts::not_a_name(field)).flatten()
}

fn image(fields: &Fields, reasons: &mut ValidationErrors) -> Option<String> {
    let image = text(fields, "image", reasons)?;
    let image = bounded(image, IMAGE_MAX_CHARS, reasons, texts::image_too_long)?;
    let image = is_https_url(&image).then_some(image);
    reasons.note(image.ok_or(()), |()| texts::IMAGE_URL)
}

fn email(fields: &Fields, reasons: &mut ValidationErrors) -> Option<String> {
    let email = text(fields, "email", reasons)?;
    let email = bounded(email, EMAIL_MAX_CHARS, reasons, texts::email_too_long)?;
    let email = is_mail_address(&email).then_some(email);
    reasons.note(email.ok_or(()), |()| texts::EMAIL_ADDRESS)
}

/// A well-formed but unsupported language is ignored, not an error.
fn language(fields: &Fields, reasons: &mut ValidationErrors) -> Option<Language> {
    let locale = text(fields, "locale", reasons)?;
    let is_tag_byte = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if locale.len() > LOCALE_MAX_BYTES || !locale.bytes().all(is_tag_byte) {
        reasons.add(texts::LOCALE_TAG);
        return None;
    }
    Language::of_locale(locale)
}

/// Parses `timeZone`.
pub(super) fn zone(fields: &Fields, reasons: &mut ValidationErrors) -> Option<Zone> {
    let name = text(fields, "timeZone", reasons)?;
    reasons.note(Zone::parse(name), |_| texts::ZONE_NAME)
}

/// An optional string; a blank one counts as absent.
pub(super) fn text<'a>(
    fields: &'a Fields,
    field: &str,
    reasons: &mut ValidationErrors,
) -> Option<&'a str> {
    match Field::of(fields, field) {
        Field::Nothing => None,
        Field::Text(text) => Some(text).filter(|text| !text.trim().is_empty()),
        Field::Else => {
            reasons.add(texts::not_a_text(field));
            None
        }
    }
}

/// `text` if it has at most `max_chars` and no control characters.
fn bounded(
    text: &str,
    max_chars: usize,
    reasons: &mut ValidationErrors,
    reason: impl FnOnce() -> Text,
) -> Option<String> {
    if text.chars().count() <= max_chars && !text.chars().any(char::is_control) {
        return Some(text.to_owned());
    }
    reasons.add(reason());
    None
}

/// Whether `text` is an `https` URL with a host, without user info and only of URL characters (RFC 3986,
/// section 2).
fn is_https_url(text: &str) -> bool {
    let is_url_byte = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte);
    let host = text.strip_prefix("https://").and_then(|rest| rest.split(['/', '?', '#']).next());
    host.is_some_and(|host| !host.is_empty() && !host.contains('@'))
        && text.bytes().all(is_url_byte)
}

fn is_mail_address(text: &str) -> bool {
    let parts = text.rsplit_once('@');
    let has_parts = parts.is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
    has_parts && !text.contains(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::texts::Language as Spoken;

    fn fields(value: &Value) -> Fields {
        value.as_object().cloned().expect("an object")
    }

    fn read(value: &Value) -> Result<Participant, Failure> {
        participant(UserId::parse("u1").expect("a good id"), &fields(value))
    }

    /// The validation errors in English.
    fn reasons(failure: Result<impl Sized, Failure>) -> Vec<String> {
        let failure = failure.err().expect("it is not acceptable");
        failure.messages(Spoken::English).into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn all_details_of_a_person_are_read_unchanged() {
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
    fn absent_and_blank_details_are_unknown() {
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
            let reasons = reasons(read(&body));
            assert!(reasons.len() == 1 && reasons[0].starts_with(expected), "{field}: {reasons:?}");
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
        let reasons = reasons(participants(&fields(&list)));
        let places: Vec<_> = reasons.iter().filter_map(|text| text.split(' ').next()).collect();
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
}
