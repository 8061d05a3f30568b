//! Converts accounts, notification preferences and pending mail.

use domain::{
    ids::{ConversationId, UserId},
    import::{ImportedMail, ImportedPreference, Refusal},
    mail::{directory_address, preferences::Frequency},
    participant::{EMAIL_MAX_CHARS, IMAGE_MAX_CHARS, NAME_MAX_CHARS, Participant, Profile, Role},
    text::{beginning, is_blank},
};

use super::{
    Findings, ImportedKind, Repair,
    rows::{LegacyMail, LegacyPerson, LegacyPreference, LegacyTime, Raw},
    text::line,
};

/// Converts an account; `None` if its id is invalid.
pub(crate) fn person(legacy: &LegacyPerson, findings: &mut Findings) -> Option<Participant> {
    let Ok(id) = UserId::parse(&legacy.id.0) else {
        findings.refuse(ImportedKind::Person, &legacy.id.0, Refusal::InvalidId);
        return None;
    };
    let profile = Profile {
        first_name: name(legacy.first_name.as_ref(), findings),
        last_name: name(legacy.last_name.as_ref(), findings),
        salon_name: name(legacy.salon_name.as_ref(), findings),
        image: bounded(legacy.image.as_ref(), IMAGE_MAX_CHARS, Repair::PictureDropped, findings),
        email: bounded(legacy.email.as_ref(), EMAIL_MAX_CHARS, Repair::EmailDropped, findings)
            .as_deref()
            .map(directory_address),
        ..Profile::default()
    };
    Some(Participant::new(id, role(&legacy.role, findings), profile))
}

/// A participant whose account was deleted: the other participant can still read their conversation.
pub(crate) fn nameless(id: UserId, role: Role) -> Participant {
    Participant::new(id, role, Profile::default())
}

/// The role of an account. `service` is refused: programs have tokens, not accounts.
fn role(name: &str, findings: &mut Findings) -> Role {
    match Role::parse(name) {
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

/// A value that is useless when cut: dropped if it is too long or has control characters.
fn bounded(
    raw: Option<&Raw>,
    max_chars: usize,
    repair: Repair,
    findings: &mut Findings,
) -> Option<String> {
    let text = raw.map(|raw| &raw.0).filter(|text| !text.is_empty())?;
    if text.chars().count() > max_chars || text.chars().any(char::is_control) {
        findings.repaired(repair);
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
    fn what_is_too_long_is_cut_or_dropped_and_counted() {
        let legacy = LegacyPerson {
            id: raw("u1"),
            role: "user_salon".to_owned(),
            first_name: Some(raw(&"é".repeat(NAME_MAX_CHARS + 1))),
            last_name: Some(raw("Ro\nu\0x")),
            salon_name: Some(raw("  ")),
            image: Some(raw(&"x".repeat(IMAGE_MAX_CHARS + 1))),
            email: Some(raw(&"x".repeat(EMAIL_MAX_CHARS + 1))),
        };
        let mut findings = Findings::default();
        let person = person(&legacy, &mut findings).expect("a good id");
        assert_eq!(person.role, Role::SalonOwner);
        assert_eq!(person.profile.check(), Ok(()));
        assert_eq!(person.profile.last_name.as_deref(), Some("Ro ux"));
        assert_eq!((person.profile.salon_name, person.profile.image), (None, None));
        let repairs = [
            Repair::ControlCharactersRemoved,
            Repair::NameShortened,
            Repair::EmailDropped,
            Repair::PictureDropped,
        ];
        assert_eq!(findings.repairs, repairs.map(|repair| (repair, 1)).into());
    }

    #[test]
    fn a_long_name_is_cut_between_what_readers_see_as_characters() {
        let long = format!("{}\u{1f44b}\u{1f3fd}", "a".repeat(NAME_MAX_CHARS - 1));
        let cut = name(Some(&raw(&long)), &mut Findings::default());
        assert_eq!(cut, Some("a".repeat(NAME_MAX_CHARS - 1)));
    }

    #[test]
    fn an_account_is_never_a_program() {
        for name in ["service", "owner", ""] {
            let legacy =
                LegacyPerson { id: raw("u1"), role: name.to_owned(), ..LegacyPerson::default() };
            let person = person(&legacy, &mut Findings::default()).expect("a good id");
            assert_eq!(person.role, Role::Other, "{name}");
        }
    }

    #[test]
    fn an_id_that_is_none_is_refused() {
        let mut findings = Findings::default();
        let legacy = LegacyPerson { id: raw("a b"), ..LegacyPerson::default() };
        assert_eq!(person(&legacy, &mut findings), None);
        assert_eq!(findings.refused[0].reason, Refusal::InvalidId);
    }
}

// Notification preferences.

/// Converts preferences; `None` if their person is unknown.
pub(crate) fn preference(
    legacy: &LegacyPreference,
    findings: &mut Findings,
) -> Option<ImportedPreference> {
    let mut refuse = |reason| findings.refuse(ImportedKind::Preference, &legacy.person.0, reason);
    let Ok(person) = UserId::parse(&legacy.person.0) else {
        refuse(Refusal::InvalidId);
        return None;
    };
    if !legacy.person_is_known {
        refuse(Refusal::PersonUnknown);
        return None;
    }
    let frequency = Frequency::parse(&legacy.frequency).unwrap_or_else(|| {
        findings.repaired(Repair::FrequencyUnknown);
        Frequency::default()
    });
    let ids = legacy.muted.iter().map(|raw| ConversationId::parse(&raw.0).ok());
    let mut muted: Vec<_> = ids.flatten().collect();
    let invalid = legacy.muted.len() - muted.len();
    findings.repaired_times(Repair::MuteDropped, legacy.muted_elsewhere + invalid as u64);
    muted.sort_unstable();
    muted.dedup();
    Some(ImportedPreference { person, mail_enabled: legacy.mail_enabled, frequency, muted })
}

#[cfg(test)]
mod preference_tests {
    use super::*;

    fn legacy(muted: &[&str]) -> LegacyPreference {
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
    fn muted_conversations_are_deduplicated_and_invalid_ids_are_dropped() {
        let mut findings = Findings::default();
        let preference = preference(&legacy(&["b", "a", "b", "x y"]), &mut findings);
        let preference = preference.expect("a known person");
        let muted: Vec<_> = preference.muted.iter().map(ConversationId::as_str).collect();
        assert_eq!((muted, preference.frequency), (vec!["a", "b"], Frequency::Daily));
        assert_eq!(findings.repairs, [(Repair::MuteDropped, 2)].into());
    }

    #[test]
    fn preferences_of_an_unknown_person_are_refused_and_an_unknown_frequency_is_the_default() {
        let mut findings = Findings::default();
        let nobody = LegacyPreference { person_is_known: false, ..legacy(&[]) };
        assert_eq!(preference(&nobody, &mut findings), None);
        assert_eq!(findings.refused[0].reason, Refusal::PersonUnknown);
        let odd = LegacyPreference { frequency: "weekly".to_owned(), ..legacy(&[]) };
        let odd = preference(&odd, &mut findings).expect("a known person");
        assert_eq!(odd.frequency, Frequency::Immediate);
    }
}

// Pending mail.

impl LegacyMail {
    fn key(&self) -> String {
        format!("{}/{}", self.conversation.0, self.recipient.0)
    }
}

/// Converts pending mail; `None` if it is refused.
pub(crate) fn mail(legacy: &LegacyMail, findings: &mut Findings) -> Option<ImportedMail> {
    let ids = (ConversationId::parse(&legacy.conversation.0), UserId::parse(&legacy.recipient.0));
    let refused = match ids {
        (Ok(conversation), Ok(recipient)) if legacy.takes_part => match legacy.since {
            LegacyTime::At(since) => {
                findings.repaired_times(Repair::MailMerged, legacy.rows.saturating_sub(1));
                if legacy.impossible_dates > 0 {
                    findings.refuse(ImportedKind::Date, &legacy.key(), Refusal::ImpossibleDate);
                }
                let messages = u32::try_from(legacy.messages.max(1)).unwrap_or(u32::MAX);
                return Some(ImportedMail { conversation, recipient, messages, since });
            }
            LegacyTime::Impossible => Refusal::ImpossibleDate,
        },
        (Ok(_), Ok(_)) => Refusal::RecipientTakesNoPart,
        _ => Refusal::InvalidId,
    };
    findings.refuse(ImportedKind::Mail, &legacy.key(), refused);
    None
}

#[cfg(test)]
mod mail_tests {
    use domain::time::Timestamp;

    use super::*;

    #[test]
    fn mails_about_one_conversation_are_merged_and_strangers_get_none() {
        let legacy = LegacyMail {
            conversation: Raw("c1".to_owned()),
            recipient: Raw("u1".to_owned()),
            takes_part: true,
            rows: 3,
            messages: -1,
            since: LegacyTime::At(Timestamp::UNIX_EPOCH),
            impossible_dates: 0,
        };
        let mut findings = Findings::default();
        let one = mail(&legacy, &mut findings).expect("a good one");
        assert_eq!((one.messages, one.key().as_str()), (1, "c1/u1"));
        assert_eq!(findings.repairs, [(Repair::MailMerged, 2)].into());
        assert_eq!(mail(&LegacyMail { takes_part: false, ..legacy }, &mut findings), None);
        assert_eq!(findings.refused[0].reason, Refusal::RecipientTakesNoPart);
        assert_eq!(findings.refused[0].id, "c1/u1");
    }
}
