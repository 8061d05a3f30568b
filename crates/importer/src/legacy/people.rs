//! People of the former system.

use domain::{
    ids::{ConversationId, UserId},
    import::{ImportedMail, ImportedPreference, Refusal},
    mail::{directory_address, preferences::Frequency},
    participant::{EMAIL_MAX_CHARS, IMAGE_MAX_CHARS, NAME_MAX_CHARS, Participant, Profile, Role},
    text::{beginning, is_blank},
};

use super::{
    Findings, ImportedKind, Repair,
    rows::{FormerTime, LegacyMail, LegacyPerson, LegacyPreference, Raw},
    text::line,
};

/// The person, as the directory keeps people; `None` when their id is none.
pub(crate) fn person(former: &LegacyPerson, findings: &mut Findings) -> Option<Participant> {
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
pub(crate) fn nameless(id: UserId, role: Role) -> Participant {
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
mod person_tests {
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

// What people want to be told of by mail.

/// The preference; `None`, and why, when it is nobody's.
pub(crate) fn preference(
    former: &LegacyPreference,
    findings: &mut Findings,
) -> Option<ImportedPreference> {
    let mut refuse = |reason| findings.refuse(ImportedKind::Preference, &former.person.0, reason);
    let Ok(person) = UserId::parse(&former.person.0) else {
        refuse(Refusal::InvalidId);
        return None;
    };
    if !former.person_is_known {
        refuse(Refusal::PersonUnknown);
        return None;
    }
    let frequency = Frequency::parse(&former.frequency).unwrap_or_else(|| {
        findings.repaired(Repair::FrequencyUnknown);
        Frequency::default()
    });
    let ids = former.muted.iter().map(|raw| ConversationId::parse(&raw.0).ok());
    let mut muted: Vec<_> = ids.flatten().collect();
    let bad = former.muted.len() - muted.len();
    findings.repaired_times(Repair::MuteDropped, former.muted_elsewhere + bad as u64);
    muted.sort_unstable();
    muted.dedup();
    Some(ImportedPreference { person, mail_enabled: former.mail_enabled, frequency, muted })
}

#[cfg(test)]
mod preference_tests {
    use super::*;

    fn former(muted: &[&str]) -> LegacyPreference {
        LegacyPreference {
            person: Raw("u1".to_owned()),
            person_is_known: true,
            mail_enabled: true,
            frequency: "DAILY".to_owned(),
            muted: muted.iter().map(|id| Raw((*id).to_owned())).collect(),
            muted_elsewhere: 1,
        }
    }

    #[test]
    fn what_is_muted_is_told_once_and_what_is_no_conversation_is_left_out() {
        let mut findings = Findings::default();
        let preference = preference(&former(&["b", "a", "b", "x y"]), &mut findings);
        let preference = preference.expect("somebody's");
        let muted: Vec<_> = preference.muted.iter().map(ConversationId::as_str).collect();
        assert_eq!((muted, preference.frequency), (vec!["a", "b"], Frequency::Daily));
        assert_eq!(findings.repairs, [(Repair::MuteDropped, 2)].into());
    }

    #[test]
    fn a_wish_of_nobody_is_refused_and_an_odd_one_is_the_usual() {
        let mut findings = Findings::default();
        let nobody = LegacyPreference { person_is_known: false, ..former(&[]) };
        assert_eq!(preference(&nobody, &mut findings), None);
        assert_eq!(findings.refused[0].reason, Refusal::PersonUnknown);
        let odd = LegacyPreference { frequency: "weekly".to_owned(), ..former(&[]) };
        let odd = preference(&odd, &mut findings).expect("somebody's");
        assert_eq!(odd.frequency, Frequency::Immediate);
    }
}

// Mail that waits to be sent.

impl LegacyMail {
    fn key(&self) -> String {
        format!("{}/{}", self.conversation.0, self.recipient.0)
    }
}

/// The mail; `None`, and why, when it is for nobody.
pub(crate) fn mail(former: &LegacyMail, findings: &mut Findings) -> Option<ImportedMail> {
    let ids = (ConversationId::parse(&former.conversation.0), UserId::parse(&former.recipient.0));
    let refused = match ids {
        (Ok(conversation), Ok(recipient)) if former.takes_part => match former.since {
            FormerTime::At(since) => {
                findings.repaired_times(Repair::MailMerged, former.rows.saturating_sub(1));
                if former.impossible_dates > 0 {
                    findings.refuse(ImportedKind::Date, &former.key(), Refusal::ImpossibleDate);
                }
                let messages = u32::try_from(former.messages.max(1)).unwrap_or(u32::MAX);
                return Some(ImportedMail { conversation, recipient, messages, since });
            }
            FormerTime::Impossible => Refusal::ImpossibleDate,
        },
        (Ok(_), Ok(_)) => Refusal::RecipientTakesNoPart,
        _ => Refusal::InvalidId,
    };
    findings.refuse(ImportedKind::Mail, &former.key(), refused);
    None
}

#[cfg(test)]
mod mail_tests {
    use domain::time::Timestamp;

    use super::*;

    #[test]
    fn several_mails_about_the_same_are_one_and_strangers_get_none() {
        let former = LegacyMail {
            conversation: Raw("c1".to_owned()),
            recipient: Raw("u1".to_owned()),
            takes_part: true,
            rows: 3,
            messages: -1,
            since: FormerTime::At(Timestamp::UNIX_EPOCH),
            impossible_dates: 0,
        };
        let mut findings = Findings::default();
        let one = mail(&former, &mut findings).expect("a good one");
        assert_eq!((one.messages, one.key().as_str()), (1, "c1/u1"));
        assert_eq!(findings.repairs, [(Repair::MailMerged, 2)].into());
        assert_eq!(mail(&LegacyMail { takes_part: false, ..former }, &mut findings), None);
        assert_eq!(findings.refused[0].reason, Refusal::RecipientTakesNoPart);
        assert_eq!(findings.refused[0].id, "c1/u1");
    }
}
