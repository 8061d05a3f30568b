//! Fingerprints of imported rows, by which the store recognises unchanged ones.

use aws_lc_rs::digest::{Context, SHA256};
use domain::{
    import::{
        Fingerprint, ImportRow, ImportedConversation, ImportedFile, ImportedMail, ImportedMessage,
        ImportedPreference,
    },
    participant::Participant,
    time::Timestamp,
};

/// A value that has a fingerprint.
pub(crate) trait Hashed {
    /// Feeds every imported field into `hasher`.
    fn feed(&self, hasher: &mut FingerprintHasher);
}

/// `value` with its fingerprint.
pub(crate) fn fingerprinted<T: Hashed>(value: T) -> ImportRow<T> {
    let mut hasher = FingerprintHasher::new();
    value.feed(&mut hasher);
    ImportRow { fingerprint: hasher.finish(), value }
}

/// Computes a fingerprint (SHA-256). Each text is fed with its length before it, so that different sequences of texts
/// have different fingerprints.
pub(crate) struct FingerprintHasher(Context);

impl FingerprintHasher {
    pub(crate) fn new() -> Self {
        Self(Context::new(&SHA256))
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.0.update(&(text.len() as u64).to_be_bytes());
        self.0.update(text.as_bytes());
    }

    fn optional_text(&mut self, text: Option<&str>) {
        self.number(i64::from(text.is_some()));
        self.text(text.unwrap_or_default());
    }

    pub(crate) fn number(&mut self, number: i64) {
        self.0.update(&number.to_be_bytes());
    }

    fn timestamp(&mut self, at: Timestamp) {
        self.number(at.as_millis());
    }

    fn all<T: Hashed>(&mut self, parts: &[T]) {
        self.0.update(&(parts.len() as u64).to_be_bytes());
        for part in parts {
            part.feed(self);
        }
    }

    pub(crate) fn finish(self) -> Fingerprint {
        let mut fingerprint = Fingerprint::default();
        fingerprint.copy_from_slice(self.0.finish().as_ref());
        fingerprint
    }
}

impl Hashed for Participant {
    fn feed(&self, hasher: &mut FingerprintHasher) {
        hasher.text(self.id.as_str());
        hasher.text(self.role.as_str());
        let profile = &self.profile;
        let names = [&profile.first_name, &profile.last_name, &profile.salon_name];
        for detail in names.into_iter().chain([&profile.image, &profile.email]) {
            hasher.optional_text(detail.as_deref());
        }
    }
}

impl Hashed for ImportedConversation {
    fn feed(&self, hasher: &mut FingerprintHasher) {
        hasher.text(self.id.as_str());
        hasher.text(self.parties.salon.as_str());
        hasher.text(self.parties.client.as_str());
        hasher.optional_text(self.appointment.as_ref().map(domain::ids::AppointmentId::as_str));
        hasher.optional_text(self.subject.as_ref().map(domain::text::Subject::as_str));
        hasher.text(self.status.as_str());
        for at in [self.created_at, self.updated_at, self.last_message_at] {
            hasher.timestamp(at);
        }
        for seq in [self.last_seq, self.horizons.salon, self.horizons.client] {
            hasher.number(seq.get());
        }
        hasher.all(&self.messages);
    }
}

impl Hashed for ImportedMessage {
    fn feed(&self, hasher: &mut FingerprintHasher) {
        hasher.text(self.id.as_str());
        hasher.number(self.seq.get());
        hasher.number(self.side as i64);
        hasher.text(self.kind.as_str());
        hasher.text(self.content.as_str());
        hasher.timestamp(self.created_at);
        hasher.number(self.read_at.map_or(i64::MIN, Timestamp::as_millis));
        hasher.all(&self.files);
    }
}

impl Hashed for ImportedFile {
    fn feed(&self, hasher: &mut FingerprintHasher) {
        hasher.text(self.id.as_str());
        hasher.text(&self.name);
        hasher.text(self.url.as_str());
        hasher.text(self.media_type.as_str());
        hasher.number(i64::from(self.size_bytes));
        hasher.optional_text(self.upload_key.as_deref());
    }
}

impl Hashed for ImportedPreference {
    fn feed(&self, hasher: &mut FingerprintHasher) {
        hasher.text(self.person.as_str());
        hasher.number(i64::from(self.mail_enabled));
        hasher.text(self.frequency.as_str());
        hasher.number(i64::try_from(self.muted.len()).unwrap_or(i64::MAX));
        for conversation in &self.muted {
            hasher.text(conversation.as_str());
        }
    }
}

impl Hashed for ImportedMail {
    fn feed(&self, hasher: &mut FingerprintHasher) {
        hasher.text(self.conversation.as_str());
        hasher.text(self.recipient.as_str());
        hasher.number(i64::from(self.messages));
        hasher.timestamp(self.since);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint_of(parts: &[&str]) -> Fingerprint {
        let mut hasher = FingerprintHasher::new();
        for part in parts {
            hasher.text(part);
        }
        hasher.finish()
    }

    #[test]
    fn where_one_part_ends_makes_a_difference() {
        assert_ne!(fingerprint_of(&["ab", "c"]), fingerprint_of(&["a", "bc"]));
        assert_ne!(fingerprint_of(&["ab"]), fingerprint_of(&["ab", ""]));
        assert_eq!(fingerprint_of(&["ab", "c"]), fingerprint_of(&["ab", "c"]));
    }
}
