//! One person who is online: what they are called, and who hears of them.

use std::{collections::HashSet, sync::Arc};

use domain::{id::UserId, participant::NAMELESS, ports::ParticipantWithPartners};

use super::super::hub::SessionKey;

/// A person's circle.
pub(super) struct PartnerSet {
    name: Arc<str>,
    partners: HashSet<UserId>,
    reading: Reading,
    is_known: bool,
    /// Sessions that wait to be told who is online.
    newcomers: Vec<SessionKey>,
}

/// Whether the circle is being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    No,
    Yes,
    /// It changed meanwhile: what is read may miss that, and has to be read again.
    Stale,
}

impl Default for PartnerSet {
    fn default() -> Self {
        Self {
            name: NAMELESS.into(),
            partners: HashSet::new(),
            reading: Reading::No,
            is_known: false,
            newcomers: Vec::new(),
        }
    }
}

impl PartnerSet {
    pub(super) fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub(super) fn partners(&self) -> &HashSet<UserId> {
        &self.partners
    }

    /// Whether it has been read.
    pub(super) fn is_known(&self) -> bool {
        self.is_known
    }

    pub(super) fn await_snapshot(&mut self, session: SessionKey) {
        self.newcomers.push(session);
    }

    /// Makes the caller the one who reads the circle for the first time; false when that is done
    /// or under way.
    pub(super) fn start_reading_first(&mut self) -> bool {
        !self.is_known && self.start_reading(Reading::Yes)
    }

    /// Makes the caller the one who reads the circle again; false when somebody does, who will then
    /// do so once more.
    pub(super) fn start_reading_again(&mut self) -> bool {
        self.start_reading(Reading::Stale)
    }

    fn start_reading(&mut self, otherwise: Reading) -> bool {
        if self.reading == Reading::No {
            self.reading = Reading::Yes;
            return true;
        }
        if otherwise == Reading::Stale {
            self.reading = Reading::Stale;
        }
        false
    }

    /// Adds a partner, unless there are `partners_max` already. Returns whether they are new to a
    /// circle that is known; an unknown one is read again, which finds them.
    pub(super) fn add(&mut self, partner: &UserId, partners_max: usize) -> bool {
        if self.reading != Reading::No {
            self.reading = Reading::Stale;
        }
        self.is_known && self.partners.len() < partners_max && self.partners.insert(partner.clone())
    }

    /// Takes what was read; `None` for a person the directory does not know. Returns false when it
    /// has to be read again.
    pub(super) fn take(&mut self, read: Option<ParticipantWithPartners>) -> bool {
        if self.reading == Reading::Stale {
            self.reading = Reading::Yes;
            return false;
        }
        self.reading = Reading::No;
        if let Some(ParticipantWithPartners { person, partners }) = read {
            self.name = person.display_name().into();
            self.partners = partners.into_iter().collect();
        }
        true
    }

    /// Makes the circle known. `None` when it was before; else the sessions that waited for it.
    pub(super) fn reveal(&mut self) -> Option<Vec<SessionKey>> {
        let was_known = std::mem::replace(&mut self.is_known, true);
        (!was_known).then(|| std::mem::take(&mut self.newcomers))
    }
}
