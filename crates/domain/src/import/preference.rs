//! What people want to be told of by mail.

use super::{Findings, ImportedKind, Refusal, Repair, former::LegacyPreference};
use crate::{
    ids::{ConversationId, UserId},
    mail::preferences::Frequency,
};

/// What a person wants to be told of by mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedPreference {
    /// Whose wish it is.
    pub person: UserId,
    /// Whether they want mail at all.
    pub mail_enabled: bool,
    /// How often.
    pub frequency: Frequency,
    /// The conversations that they do not want to hear of, each once, in order.
    pub muted: Vec<ConversationId>,
}

/// The preference; `None`, and why, when it is nobody's.
pub fn preference(
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
mod tests {
    use super::*;
    use crate::import::former::Raw;

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
