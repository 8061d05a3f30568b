//! Mail that waits to be sent.

use super::{
    Findings, ImportedKind, Refusal, Repair,
    former::{FormerTime, LegacyMail},
};
use crate::{
    ids::{ConversationId, UserId},
    time::Timestamp,
};

/// Mail that waits: whether it is still wanted is decided when it is due (D15).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedMail {
    /// Where something was said.
    pub conversation: ConversationId,
    /// Who is to be told.
    pub recipient: UserId,
    /// How many messages it is about, 1 or more.
    pub messages: u32,
    /// Since when it waits.
    pub since: Timestamp,
}

impl ImportedMail {
    /// What names it: there is one for each conversation and recipient.
    pub fn key(&self) -> String {
        format!("{}/{}", self.conversation, self.recipient)
    }
}

impl LegacyMail {
    fn key(&self) -> String {
        format!("{}/{}", self.conversation.0, self.recipient.0)
    }
}

/// The mail; `None`, and why, when it is for nobody.
pub fn mail(former: &LegacyMail, findings: &mut Findings) -> Option<ImportedMail> {
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
mod tests {
    use super::*;
    use crate::import::former::Raw;

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
