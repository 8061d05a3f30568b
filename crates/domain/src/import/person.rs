//! People of the former system.

use super::{
    Findings, ImportedKind, Refusal, Repair,
    former::{LegacyPerson, Raw},
    text::line,
};
use crate::{
    ids::UserId,
    mail::directory_address,
    participant::{EMAIL_MAX_CHARS, IMAGE_MAX_CHARS, NAME_MAX_CHARS, Participant, Profile, Role},
    text::{beginning, is_blank},
};

/// The person, as the directory keeps people; `None` when their id is none.
pub fn person(former: &LegacyPerson, findings: &mut Findings) -> Option<Participant> {
    let Ok(id) = UserId::parse(&former.id.0) else {
        findings.refuse(ImportedKind::Person, &former.id.0, Refusal::InvalidId);
        return None;
    };
    let profile = Profile {
        first_name: name(former.first_name.as_ref(), findings),
        last_name: name(former.last_name.as_ref(), findings),
        salon_name: name(former.salon_name.as_ref(), findings),
        image: within(former.image.as_ref(), IMAGE_MAX_CHARS, Repair::PictureDropped, findings),
        email: within(former.email.as_ref(), EMAIL_MAX_CHARS, Repair::EmailDropped, findings)
            .as_deref()
            .map(directory_address),
        ..Profile::default()
    };
    Some(Participant::new(id, role(&former.role, findings), profile))
}

/// Somebody who has no account any more: what the other side said to them stays readable.
pub fn nameless(id: UserId, role: Role) -> Participant {
    Participant::new(id, role, Profile::default())
}

/// A person's role. Programs have tokens, not accounts: an account that calls itself one is none.
fn role(word: &str, findings: &mut Findings) -> Role {
    match Role::parse(word) {
        Role::Service | Role::Other => {
            findings.repaired(Repair::RoleUnknown);
            Role::Other
        }
        known => known,
    }
}

fn name(raw: Option<&Raw>, findings: &mut Findings) -> Option<String> {
    let mut name = line(&raw?.0, findings);
    if name.chars().count() > NAME_MAX_CHARS {
        findings.repaired(Repair::NameShortened);
        name.truncate(beginning(&name, NAME_MAX_CHARS).len());
    }
    (!is_blank(&name)).then_some(name)
}

/// A detail that is worth nothing when it is cut.
fn within(
    raw: Option<&Raw>,
    max_chars: usize,
    otherwise: Repair,
    findings: &mut Findings,
) -> Option<String> {
    let text = raw.map(|raw| &raw.0).filter(|text| !text.is_empty())?;
    if text.chars().count() > max_chars || text.chars().any(char::is_control) {
        findings.repaired(otherwise);
        return None;
    }
    Some(text.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Raw {
        Raw(text.to_owned())
    }

    #[test]
    fn what_is_too_long_is_cut_or_left_out_and_told() {
        let former = LegacyPerson {
            id: raw("u1"),
            role: "user_salon".to_owned(),
            first_name: Some(raw(&"é".repeat(NAME_MAX_CHARS + 1))),
            last_name: Some(raw("Ro\nu\0x")),
            salon_name: Some(raw("  ")),
            image: Some(raw(&"x".repeat(IMAGE_MAX_CHARS + 1))),
            email: Some(raw(&"x".repeat(EMAIL_MAX_CHARS + 1))),
        };
        let mut findings = Findings::default();
        let person = person(&former, &mut findings).expect("a good id");
        assert_eq!(person.role, Role::SalonOwner);
        assert_eq!(person.profile.check(), Ok(()));
        assert_eq!(person.profile.last_name.as_deref(), Some("Ro ux"));
        assert_eq!((person.profile.salon_name, person.profile.image), (None, None));
        let told = [
            Repair::ControlCharactersRemoved,
            Repair::NameShortened,
            Repair::EmailDropped,
            Repair::PictureDropped,
        ];
        assert_eq!(findings.repairs, told.map(|repair| (repair, 1)).into());
    }

    #[test]
    fn a_long_name_is_cut_between_what_readers_see_as_characters() {
        let long = format!("{}\u{1f44b}\u{1f3fd}", "a".repeat(NAME_MAX_CHARS - 1));
        let cut = name(Some(&raw(&long)), &mut Findings::default());
        assert_eq!(cut, Some("a".repeat(NAME_MAX_CHARS - 1)));
    }

    #[test]
    fn an_account_is_never_a_program() {
        for word in ["service", "owner", ""] {
            let former =
                LegacyPerson { id: raw("u1"), role: word.to_owned(), ..LegacyPerson::default() };
            let person = person(&former, &mut Findings::default()).expect("a good id");
            assert_eq!(person.role, Role::Other, "{word}");
        }
    }

    #[test]
    fn an_id_that_is_none_is_refused() {
        let mut findings = Findings::default();
        let former = LegacyPerson { id: raw("a b"), ..LegacyPerson::default() };
        assert_eq!(person(&former, &mut findings), None);
        assert_eq!(findings.refused[0].reason, Refusal::InvalidId);
    }
}
