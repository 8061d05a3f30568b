//! What an import hands to a store: rows of another system as our rules allow them, and why one was
//! left out. Reading the other system, and fitting its rows to our rules, is the importer's.

pub mod store;

use crate::{
    conversation::{
        Horizons, Parties, Side, Status,
        attachment::{FileUrl, MediaType},
        message::MessageKind,
    },
    ids::{AppointmentId, AttachmentId, ConversationId, MessageId, Seq, UserId},
    mail::preferences::Frequency,
    text::{Content, Subject},
    time::Timestamp,
};

/// A conversation with its messages, as our rules have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedConversation {
    /// Its id.
    pub id: ConversationId,
    /// Who takes part.
    pub parties: Parties,
    /// The booking it is about.
    pub appointment: Option<AppointmentId>,
    /// What it is about, in words.
    pub subject: Option<Subject>,
    /// Active or archived.
    pub status: Status,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When the newest message was posted; without any, when the conversation was opened.
    pub last_message_at: Timestamp,
    /// The newest position. The first is the opening's.
    pub last_seq: Seq,
    /// How far each side has read.
    pub horizons: Horizons,
    /// Its messages, in order.
    pub messages: Vec<ImportedMessage>,
}

impl ImportedConversation {
    /// Where the newest message of `side` is; [`Seq::ZERO`] when there is none.
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
    /// Who said it.
    pub side: Side,
    /// What kind it is.
    pub kind: MessageKind,
    /// Its words; may be empty beside files.
    pub content: Content,
    /// Its files, in order.
    pub files: Vec<ImportedFile>,
    /// When it was posted.
    pub created_at: Timestamp,
    /// When it was read, where that is known.
    pub read_at: Option<Timestamp>,
}

/// A file that lies with the upload service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedFile {
    /// Its id.
    pub id: AttachmentId,
    /// What it is called.
    pub name: String,
    /// Where it is.
    pub url: FileUrl,
    /// What it is.
    pub media_type: MediaType,
    /// How large it is, in bytes: 1 to [`FILE_MAX_BYTES`](crate::conversation::attachment::FILE_MAX_BYTES).
    pub size_bytes: u32,
    /// What the upload service calls it.
    pub upload_key: Option<String>,
}

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

named_enum! {
    /// Why something was left out.
    Refusal {
        /// It, or what it belongs to, has an id that is none of ours (1 to 64 characters of
        /// `A-Z a-z 0-9 _ -`).
        InvalidId = "invalid_id",
        /// Salon and client are the same person.
        SidesAreTheSame = "sides_are_the_same",
        /// Its author takes no part in the conversation.
        AuthorTakesNoPart = "author_takes_no_part",
        /// A date that no calendar has: infinite, missing, or outside the years -9999 to 9999; or
        /// something that is nowhere in the order of things without its date.
        ImpossibleDate = "impossible_date",
        /// It says and shows nothing.
        SaysNothing = "says_nothing",
        /// Another message of the conversation has this id.
        IdTwice = "id_twice",
        /// A file that is not `https` on a host that serves uploads.
        UrlNotAllowed = "url_not_allowed",
        /// A file that is no image of a type we take.
        TypeNotAllowed = "type_not_allowed",
        /// A file that is empty or too large.
        SizeNotAllowed = "size_not_allowed",
        /// Mail for somebody who takes no part.
        RecipientTakesNoPart = "recipient_takes_no_part",
        /// Nobody knows the person it is about.
        PersonUnknown = "person_unknown",
        /// The person was forgotten here, and does not come back.
        PersonForgotten = "person_forgotten",
        /// Its conversation was refused.
        ConversationRefused = "conversation_refused",
        /// Something else here has this id.
        IdTaken = "id_taken",
        /// Another conversation here has a message of this one.
        MessageIdTaken = "message_id_taken",
        /// Another message here has a file of this one.
        FileIdTaken = "file_id_taken",
        /// The salon has another conversation about this booking here.
        AppointmentTaken = "appointment_taken",
        /// It was taken over before, then changed there, and was deleted here.
        DeletedHere = "deleted_here",
        /// It was taken over before, then changed there, and went on here.
        WentOnHere = "went_on_here",
        /// It was taken over before, and is between other people there now.
        OtherPeople = "other_people",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_refusal_has_a_word_of_its_own() {
        let words: HashSet<_> = Refusal::ALL.iter().map(|it| it.as_str()).collect();
        assert_eq!(words.len(), Refusal::ALL.len());
        assert!(Refusal::ALL.iter().all(|it| Refusal::parse(it.as_str()) == Some(*it)));
    }
}
