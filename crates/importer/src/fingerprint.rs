//! Digests of what is taken over.

use aws_lc_rs::digest::{Context, SHA256};
use domain::{
    import::{
        ImportedConversation, ImportedFile, ImportedMail, ImportedMessage, ImportedPreference,
        store::{Fingerprint, ImportRow},
    },
    participant::Participant,
    time::Timestamp,
};

/// Something with a digest.
pub(crate) trait Digest {
    /// Feeds all that is written into `sum`.
    fn feed(&self, sum: &mut Sum);
}

/// `value` with its digest.
pub(crate) fn incoming<T: Digest>(value: T) -> ImportRow<T> {
    let mut sum = Sum::new();
    value.feed(&mut sum);
    ImportRow { fingerprint: sum.finish(), value }
}

/// A digest in the making. Each part is fed with its length, so that no two sequences of parts are
/// alike.
pub(crate) struct Sum(Context);

impl Sum {
    pub(crate) fn new() -> Self {
        Self(Context::new(&SHA256))
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.0.update(&(text.len() as u64).to_be_bytes());
        self.0.update(text.as_bytes());
    }

    fn maybe(&mut self, text: Option<&str>) {
        self.number(i64::from(text.is_some()));
        self.text(text.unwrap_or_default());
    }

    pub(crate) fn number(&mut self, number: i64) {
        self.0.update(&number.to_be_bytes());
    }

    fn at(&mut self, at: Timestamp) {
        self.number(at.as_millis());
    }

    fn all<T: Digest>(&mut self, parts: &[T]) {
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

impl Digest for Participant {
    fn feed(&self, sum: &mut Sum) {
        sum.text(self.id.as_str());
        sum.text(self.role.as_str());
        let profile = &self.profile;
        let names = [&profile.first_name, &profile.last_name, &profile.salon_name];
        for detail in names.into_iter().chain([&profile.image, &profile.email]) {
            sum.maybe(detail.as_deref());
        }
    }
}

impl Digest for ImportedConversation {
    fn feed(&self, sum: &mut Sum) {
        sum.text(self.id.as_str());
        sum.text(self.parties.salon.as_str());
        sum.text(self.parties.client.as_str());
        sum.maybe(self.appointment.as_ref().map(domain::ids::AppointmentId::as_str));
        sum.maybe(self.subject.as_ref().map(domain::text::Subject::as_str));
        sum.text(self.status.as_str());
        for at in [self.created_at, self.updated_at, self.last_message_at] {
            sum.at(at);
        }
        for seq in [self.last_seq, self.horizons.salon, self.horizons.client] {
            sum.number(seq.get());
        }
        sum.all(&self.messages);
    }
}

impl Digest for ImportedMessage {
    fn feed(&self, sum: &mut Sum) {
        sum.text(self.id.as_str());
        sum.number(self.seq.get());
        sum.number(self.side as i64);
        sum.text(self.kind.as_str());
        sum.text(self.content.as_str());
        sum.at(self.created_at);
        sum.number(self.read_at.map_or(i64::MIN, Timestamp::as_millis));
        sum.all(&self.files);
    }
}

impl Digest for ImportedFile {
    fn feed(&self, sum: &mut Sum) {
        sum.text(self.id.as_str());
        sum.text(&self.name);
        sum.text(self.url.as_str());
        sum.text(self.media_type.as_str());
        sum.number(i64::from(self.size_bytes));
        sum.maybe(self.upload_key.as_deref());
    }
}

impl Digest for ImportedPreference {
    fn feed(&self, sum: &mut Sum) {
        sum.text(self.person.as_str());
        sum.number(i64::from(self.mail_enabled));
        sum.text(self.frequency.as_str());
        sum.number(i64::try_from(self.muted.len()).unwrap_or(i64::MAX));
        for conversation in &self.muted {
            sum.text(conversation.as_str());
        }
    }
}

impl Digest for ImportedMail {
    fn feed(&self, sum: &mut Sum) {
        sum.text(self.conversation.as_str());
        sum.text(self.recipient.as_str());
        sum.number(i64::from(self.messages));
        sum.at(self.since);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(parts: &[&str]) -> Fingerprint {
        let mut sum = Sum::new();
        for part in parts {
            sum.text(part);
        }
        sum.finish()
    }

    #[test]
    fn where_one_part_ends_makes_a_difference() {
        assert_ne!(digest(&["ab", "c"]), digest(&["a", "bc"]));
        assert_ne!(digest(&["ab"]), digest(&["ab", ""]));
        assert_eq!(digest(&["ab", "c"]), digest(&["ab", "c"]));
    }
}
