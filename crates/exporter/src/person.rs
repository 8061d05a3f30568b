//! Whom an archive is for.

use domain::{
    jobs::JobFailure,
    mail::preferences::Preferences,
    participant::Participant,
    privacy::export::Export,
    store::Store,
    time::{Timestamp, Zone},
};

use crate::words::Words;

/// Whom an archive is for, and what they want.
pub(crate) struct Person {
    pub(crate) participant: Participant,
    pub(crate) preferences: Preferences,
}

impl Person {
    pub(crate) async fn look_up(store: &dyn Store, export: &Export) -> Result<Self, JobFailure> {
        let unknown = || JobFailure::dead("person_unknown");
        let participant = store.participant(&export.person).await?.ok_or_else(unknown)?;
        let preferences = store.preferences(&export.person, export.requested_at).await?;
        Ok(Self { participant, preferences: preferences.ok_or_else(unknown)? })
    }

    /// Their language.
    pub(crate) fn words(&self) -> &'static Words {
        Words::of(self.participant.profile.language.unwrap_or_default())
    }

    /// Where their clock stands: what they said themselves, else what the platform knows.
    pub(crate) fn zone(&self) -> Zone {
        let known = self.preferences.zone.as_ref().or(self.participant.profile.zone.as_ref());
        known.cloned().unwrap_or_default()
    }

    /// A moment by their clock, in their words.
    pub(crate) fn moment(&self, at: Timestamp) -> String {
        let zone = self.zone();
        self.words().moment(&zone.day(at), &zone.minute(at))
    }
}
