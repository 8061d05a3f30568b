//! What an importer passes to a store: validated rows of another system, and the reasons for
//! leaving rows out; and the store port of imports. Reading and converting the source is the importer's job.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    conversation::{
        Horizons, Parties, Side, Status,
        attachment::{FileUrl, MediaType},
        message::MessageKind,
    },
    ids::{AppointmentId, AttachmentId, ConversationId, MessageId, Seq, UserId},
    mail::preferences::Frequency,
    participant::Participant,
    ports::StoreError,
    text::{Content, Subject},
    time::Timestamp,
};

/// A conversation with its messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedConversation {
    /// Its id.
    pub id: ConversationId,
    /// The participants.
    pub parties: Parties,
    /// The booking it is about.
    pub appointment: Option<AppointmentId>,
    /// Its subject.
    pub subject: Option<Subject>,
    /// Active or archived.
    pub status: Status,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When the newest message was posted; without any, when the conversation was opened.
    pub last_message_at: Timestamp,
    /// The newest position; position 1 is the opening.
    pub last_seq: Seq,
    /// How far each side has read.
    pub horizons: Horizons,
    /// Its messages, in order.
    pub messages: Vec<ImportedMessage>,
}

impl ImportedConversation {
    /// The position of the newest message of `side`; [`Seq::ZERO`] when it has none.
    pub fn newest_of(&self, side: Side) -> Seq {
        let newest = self.messages.iter().rev().find(|message| message.side == side);
        newest.map_or(Seq::ZERO, |message| message.seq)
    }
}

/// A message with its position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedMessage {
    /// Its id.
    pub id: MessageId,
    /// Its position.
    pub seq: Seq,
    /// Its author's side.
    pub side: Side,
    /// What kind it is.
    pub kind: MessageKind,
    /// The text; may be empty beside files.
    pub content: Content,
    /// Its files, in order.
    pub files: Vec<ImportedFile>,
    /// When it was posted.
    pub created_at: Timestamp,
    /// When it was read, if known.
    pub read_at: Option<Timestamp>,
}

/// A file at the upload service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedFile {
    /// Its id.
    pub id: AttachmentId,
    /// The file name.
    pub name: String,
    /// Its URL.
    pub url: FileUrl,
    /// Its media type.
    pub media_type: MediaType,
    /// Its size in bytes: 1 to [`FILE_MAX_BYTES`](crate::conversation::attachment::FILE_MAX_BYTES).
    pub size_bytes: u32,
    /// Its key at the upload service.
    pub upload_key: Option<String>,
}

/// A pending mail notification. Whether it is still wanted is decided when it is due (D15).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedMail {
    /// The conversation.
    pub conversation: ConversationId,
    /// The recipient.
    pub recipient: UserId,
    /// The number of messages, 1 or more.
    pub messages: u32,
    /// When the first of them was posted.
    pub since: Timestamp,
}

impl ImportedMail {
    /// Its key in the import: there is one per conversation and recipient.
    pub fn key(&self) -> String {
        format!("{}/{}", self.conversation, self.recipient)
    }
}

/// A person's mail preferences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedPreference {
    /// The person.
    pub person: UserId,
    /// Whether they want mail at all.
    pub mail_enabled: bool,
    /// How often.
    pub frequency: Frequency,
    /// The conversations they muted, each once, in order.
    pub muted: Vec<ConversationId>,
}

named_enum! {
    /// Why a row was left out.
    Refusal {
        /// It, or what it belongs to, has an id that is not allowed (1 to 64 characters of `A-Z a-z
        /// 0-9 _ -`).
        InvalidId = "invalid_id",
        /// Salon and client are the same person.
        SidesAreTheSame = "sides_are_the_same",
        /// Its author is no participant of the conversation.
        AuthorTakesNoPart = "author_takes_no_part",
        /// A date that no calendar has: infinite, missing, or outside the years -9999 to 9999; or a
        /// row that cannot be ordered without its date.
        ImpossibleDate = "impossible_date",
        /// It has neither text nor files.
        SaysNothing = "says_nothing",
        /// Another message of the conversation has the same id.
        IdTwice = "id_twice",
        /// A file whose URL is not `https` on a host of the upload service.
        UrlNotAllowed = "url_not_allowed",
        /// A file that is not of an accepted image type.
        TypeNotAllowed = "type_not_allowed",
        /// A file that is empty or too large.
        SizeNotAllowed = "size_not_allowed",
        /// Mail for somebody who is no participant.
        RecipientTakesNoPart = "recipient_takes_no_part",
        /// The person is in no directory.
        PersonUnknown = "person_unknown",
        /// The person was forgotten here and is not imported again.
        PersonForgotten = "person_forgotten",
        /// Its conversation was refused.
        ConversationRefused = "conversation_refused",
        /// Something else here has the same id.
        IdTaken = "id_taken",
        /// Another conversation here has a message with the same id.
        MessageIdTaken = "message_id_taken",
        /// Another message here has a file with the same id.
        FileIdTaken = "file_id_taken",
        /// The salon has another conversation about this booking here.
        AppointmentTaken = "appointment_taken",
        /// It was imported before, then changed in the source, and deleted here.
        DeletedHere = "deleted_here",
        /// It was imported before, then changed in the source, and changed here.
        WentOnHere = "went_on_here",
        /// It was imported before and has other participants in the source now.
        OtherPeople = "other_people",
    }
}

// The store port.

/// A digest of a source row as it was imported: shows whether the row has changed since, without
/// storing it twice.
pub type Fingerprint = [u8; 32];

/// A row to import.
#[derive(Clone, Debug)]
pub struct ImportRow<T> {
    /// The row.
    pub value: T,
    /// Its digest.
    pub fingerprint: Fingerprint,
}

/// The outcome of importing a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportOutcome {
    /// It was imported.
    New,
    /// It was here and was updated.
    Updated,
    /// It has not changed since it was imported.
    Unchanged,
    /// It was left out. Nothing was changed.
    Refused(Refusal),
}

/// The checkpoint of an import: everything up to it is imported and counted; one page after it may
/// be imported too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportMark {
    /// A digest of the source when the import began.
    pub source: Fingerprint,
    /// What is being imported, in the importer's own word.
    pub stage: String,
    /// The key of the last row that was imported and counted, in the importer's own words.
    pub after: String,
    /// The counts so far, in the importer's own words.
    pub tally: String,
}

/// One step of an import.
#[derive(Clone, Debug)]
pub struct ImportStep {
    /// The checkpoint before this step. `None` is a dry run: nothing is written, and the outcomes
    /// are returned.
    pub mark: Option<ImportMark>,
    /// The time of the change.
    pub at: Timestamp,
}

/// Imports. Each page is written in one transaction with its checkpoint; refused rows are left out.
/// Outcomes are in the order of the page.
///
/// Earlier imported rows are recognised by their fingerprint, whatever happened to them here: a row
/// that did not change in the source is left alone. No log is written: a client that resumes from
/// before gets [`LogPiece::Trimmed`](crate::conversation::store::LogPiece::Trimmed).
#[async_trait]
pub trait ImportStore: Send + Sync {
    /// The checkpoint of an interrupted import; `None` when there is none.
    async fn import_mark(&self) -> Result<Option<ImportMark>, StoreError>;

    /// Imports people. An entry that only an import wrote is replaced when the source has changed.
    /// An entry that was written here, before or since, only gains missing details: an import never
    /// overwrites what the platform reported. A row without details changes no existing entry.
    /// Forgotten people are refused.
    async fn import_people(
        &self,
        people: Arc<[ImportRow<Participant>]>,
        step: ImportStep,
    ) -> Result<Vec<ImportOutcome>, StoreError>;

    /// Imports conversations with all their messages; their people are in the directory. One that
    /// was imported before and changed in the source is replaced if it was not changed here; it
    /// gets a new position then, so that clients load it again.
    async fn import_conversations(
        &self,
        conversations: Arc<[ImportRow<ImportedConversation>]>,
        step: ImportStep,
    ) -> Result<Vec<ImportOutcome>, StoreError>;

    /// Imports mail preferences. Preferences set here, before or since, are left alone. Muted
    /// conversations that do not exist here are left out.
    async fn import_preferences(
        &self,
        preferences: Arc<[ImportRow<ImportedPreference>]>,
        step: ImportStep,
    ) -> Result<Vec<ImportOutcome>, StoreError>;

    /// Imports pending mail. Mail about a conversation that does not exist here is refused.
    async fn import_mail(
        &self,
        mail: Arc<[ImportRow<ImportedMail>]>,
        step: ImportStep,
    ) -> Result<Vec<ImportOutcome>, StoreError>;

    /// Deletes the checkpoint: the import is complete.
    async fn finish_import(&self) -> Result<(), StoreError>;
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_refusal_has_a_word_of_its_own() {
        let words: HashSet<_> = Refusal::ALL.iter().map(|refusal| refusal.as_str()).collect();
        assert_eq!(words.len(), Refusal::ALL.len());
        assert!(
            Refusal::ALL.iter().all(|refusal| Refusal::parse(refusal.as_str()) == Some(*refusal))
        );
    }
}
