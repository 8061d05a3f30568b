//! The audit log of personal data: who did what to whom, and when. Never the data itself.

use crate::{ids::UserId, time::Timestamp};

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A program of the platform, or this service itself.
    Service,
    /// An operator, by the command line.
    Operator,
    /// The person themselves.
    Person(UserId),
}

impl Actor {
    /// The word in the store and in listings.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Operator => "operator",
            Self::Person(_) => "person",
        }
    }

    /// The id, for a person.
    pub fn person(&self) -> Option<&UserId> {
        match self {
            Self::Person(person) => Some(person),
            Self::Service | Self::Operator => None,
        }
    }

    /// Parses [`as_str`](Self::as_str) and [`person`](Self::person).
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
    /// The erasure of a person was requested.
    ErasureRequested,
    /// A person was erased completely.
    Erased,
    /// A person requested their data.
    ExportRequested,
    /// A person's data export was built.
    Exported,
    /// Tokens of a person were revoked.
    SessionsRevoked,
    /// A retention policy was changed: a salon's, or the default.
    PolicyChanged,
    /// A conversation was put under a legal hold.
    Held,
    /// A legal hold was released.
    Released,
}

const ACTIONS: [(AuditAction, &str); 8] = [
    (AuditAction::ErasureRequested, "erasure_requested"),
    (AuditAction::Erased, "erased"),
    (AuditAction::ExportRequested, "export_requested"),
    (AuditAction::Exported, "exported"),
    (AuditAction::SessionsRevoked, "sessions_revoked"),
    (AuditAction::PolicyChanged, "policy_changed"),
    (AuditAction::Held, "held"),
    (AuditAction::Released, "released"),
];

impl AuditAction {
    /// The word in the store and in listings.
    pub fn as_str(self) -> &'static str {
        ACTIONS.iter().find(|(action, _)| *action == self).map_or("erased", |(_, word)| word)
    }

    /// Parses the word of [`as_str`](Self::as_str).
    pub fn parse(word: &str) -> Option<Self> {
        ACTIONS.iter().find(|(_, known)| *known == word).map(|(action, _)| *action)
    }
}

/// An entry of the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// The time of the change.
    pub at: Timestamp,
    /// Who did it.
    pub actor: Actor,
    /// What was done.
    pub action: AuditAction,
    /// The id of the person, salon or conversation; empty: the default for all.
    pub subject: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_read_as_it_is_written() {
        for (action, word) in ACTIONS {
            assert_eq!((AuditAction::parse(word), action.as_str()), (Some(action), word));
        }
        assert_eq!(AuditAction::parse("forgiven"), None);
        let person = Actor::Person(UserId::parse("c1").expect("good"));
        for actor in [Actor::Service, Actor::Operator, person] {
            assert_eq!(Actor::parse(actor.as_str(), actor.person().cloned()), Some(actor));
        }
        assert_eq!(Actor::parse("person", None), None);
    }
}
