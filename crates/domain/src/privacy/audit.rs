//! What was done about people's data: by whom, to whom, when. Never what the data said.

use crate::{ids::UserId, time::Timestamp};

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A program of the platform, or this service by itself.
    Service,
    /// Somebody who runs this service, by its command line.
    Operator,
    /// The person themselves.
    Person(UserId),
}

impl Actor {
    /// The word in the store and on paper.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Operator => "operator",
            Self::Person(_) => "person",
        }
    }

    /// The id of a person.
    pub fn person(&self) -> Option<&UserId> {
        match self {
            Self::Person(person) => Some(person),
            Self::Service | Self::Operator => None,
        }
    }

    /// Reads what [`as_str`](Self::as_str) and [`person`](Self::person) said.
    pub fn parse(word: &str, person: Option<UserId>) -> Option<Self> {
        match (word, person) {
            ("service", None) => Some(Self::Service),
            ("operator", None) => Some(Self::Operator),
            ("person", Some(person)) => Some(Self::Person(person)),
            _ => None,
        }
    }
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AuditAction {
    /// Somebody asked for a person to be forgotten.
    ErasureRequested,
    /// Nothing is left of a person.
    Erased,
    /// A person asked for their data.
    ExportRequested,
    /// A person's data were put together for them.
    Exported,
    /// It was changed how long conversations are kept: a salon's, or everybody's.
    PolicyChanged,
    /// A conversation was put under a legal hold.
    Held,
    /// A legal hold was taken back.
    Released,
}

const DEEDS: [(AuditAction, &str); 7] = [
    (AuditAction::ErasureRequested, "erasure_requested"),
    (AuditAction::Erased, "erased"),
    (AuditAction::ExportRequested, "export_requested"),
    (AuditAction::Exported, "exported"),
    (AuditAction::PolicyChanged, "policy_changed"),
    (AuditAction::Held, "held"),
    (AuditAction::Released, "released"),
];

impl AuditAction {
    /// The word in the store and on paper.
    pub fn as_str(self) -> &'static str {
        DEEDS.iter().find(|(deed, _)| *deed == self).map_or("erased", |(_, word)| word)
    }

    /// Reads [`as_str`](Self::as_str)'s word.
    pub fn parse(word: &str) -> Option<Self> {
        DEEDS.iter().find(|(_, known)| *known == word).map(|(deed, _)| *deed)
    }
}

/// One thing that was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// The time of the change.
    pub at: Timestamp,
    /// By whom.
    pub actor: Actor,
    /// What.
    pub deed: AuditAction,
    /// To which person, salon or conversation, by id; empty: to all.
    pub subject: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_read_as_it_is_written() {
        for (deed, word) in DEEDS {
            assert_eq!((AuditAction::parse(word), deed.as_str()), (Some(deed), word));
        }
        assert_eq!(AuditAction::parse("forgiven"), None);
        let person = Actor::Person(UserId::parse("c1").expect("good"));
        for actor in [Actor::Service, Actor::Operator, person] {
            assert_eq!(Actor::parse(actor.as_str(), actor.person().cloned()), Some(actor));
        }
        assert_eq!(Actor::parse("person", None), None);
    }
}
