//! Repairs and refusals.

use std::collections::BTreeMap;

use domain::{ids::ID_MAX_CHARS, import::Refusal, named_enum};

named_enum! {
    /// The kinds of rows that are imported.
    ImportedKind {
        /// A participant.
        Person = "person",
        /// A conversation.
        Conversation = "conversation",
        /// A message.
        Message = "message",
        /// A file of a message.
        File = "file",
        /// A counter of unread messages: only compared, ours is derived.
        Counter = "counter",
        /// Notification preferences of a person.
        Preference = "preference",
        /// Pending notification mail.
        Mail = "mail",
        /// A date of a row that is imported without it. Its id is `<id of the row>/<column>`.
        Date = "date",
    }
}

named_enum! {
    /// The repairs.
    Repair {
        /// Control characters were removed from a text, a name or a subject.
        ControlCharactersRemoved = "control_characters_removed",
        /// A name was cut to its maximum length.
        NameShortened = "name_shortened",
        /// An invalid mail address was dropped.
        EmailDropped = "email_dropped",
        /// A picture address that is too long was dropped.
        PictureDropped = "picture_dropped",
        /// The role of a person is unknown, or not one that a person may have.
        RoleUnknown = "role_unknown",
        /// A participant of a conversation has no account any more, and is imported without a name.
        PersonMissing = "person_missing",
        /// A subject was cut to its maximum length.
        SubjectShortened = "subject_shortened",
        /// An invalid appointment id was dropped.
        AppointmentDropped = "appointment_dropped",
        /// An unknown status became active.
        StatusUnknown = "status_unknown",
        /// An unknown kind of message became a text message.
        KindUnknown = "kind_unknown",
        /// `lastMessageAt` differed from the newest message by more than a minute.
        LastMessageTimeCorrected = "last_message_time_corrected",
        /// A text too long for one message was split.
        LongTextSplit = "long_text_split",
        /// A message with more files than one may have was split.
        ManyFilesSplit = "many_files_split",
        /// All files of a message without a text were refused: its text says so.
        LostFileNoted = "lost_file_noted",
        /// A file name was repaired.
        FileNameMended = "file_name_mended",
        /// An invalid upload key was dropped.
        UploadKeyDropped = "upload_key_dropped",
        /// A message marked unread below a read one counts as read.
        ReadBelowHorizon = "read_below_horizon",
        /// A counter of unread messages differed from the messages.
        CounterDrifted = "counter_drifted",
        /// A counter of somebody who is not a participant was dropped.
        CounterOfStranger = "counter_of_stranger",
        /// The archive mark of a message was dropped: it had no visible effect.
        ArchiveMarkDropped = "archive_mark_dropped",
        /// An unknown mail frequency became immediate.
        FrequencyUnknown = "frequency_unknown",
        /// A muted conversation that is not the person's, or was not imported, was dropped.
        MuteDropped = "mute_dropped",
        /// Pending mails to one recipient about one conversation were merged.
        MailMerged = "mail_merged",
    }
}

/// A row that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The kind of the row.
    pub kind: ImportedKind,
    /// Its id; characters that an id cannot have are replaced by `?`.
    pub id: String,
    /// Why.
    pub reason: Refusal,
}

/// The repairs and refusals made while rows were converted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// How often each repair was made.
    pub repairs: BTreeMap<Repair, u64>,
    /// The refused rows.
    pub refused: Vec<Refused>,
}

impl Findings {
    /// Counts a repair.
    pub fn repaired(&mut self, repair: Repair) {
        self.repaired_times(repair, 1);
    }

    /// Counts a repair that was made `times` times.
    pub fn repaired_times(&mut self, repair: Repair, times: u64) {
        if times > 0 {
            *self.repairs.entry(repair).or_default() += times;
        }
    }

    /// Notes a refused row.
    pub fn refuse(&mut self, kind: ImportedKind, id: &str, reason: Refusal) {
        self.refused.push(Refused { kind, id: printable(id), reason });
    }

    /// Notes a refused date of a row that is imported without it.
    pub fn refuse_date(&mut self, row: &str, column: &str) {
        self.refuse(ImportedKind::Date, &format!("{row}/{column}"), Refusal::ImpossibleDate);
    }
}

/// `id` made safe for a line of a report: plain characters, bounded length (`<row id>/<column>` fits).
fn printable(id: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "_-/".contains(c) { c } else { '?' };
    id.chars().take(2 * ID_MAX_CHARS + 1).map(plain).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_repair_has_a_name_of_its_own() {
        let repairs: HashSet<_> = Repair::ALL.iter().map(|it| it.as_str()).collect();
        assert_eq!(repairs.len(), Repair::ALL.len());
        assert!(Repair::ALL.iter().all(|it| Repair::parse(it.as_str()) == Some(*it)));
    }

    #[test]
    fn an_id_that_is_none_cannot_hide_in_a_report() {
        let mut findings = Findings::default();
        findings.refuse(ImportedKind::Message, "a\u{1b}[2J\n<b>é", Refusal::InvalidId);
        assert_eq!(findings.refused[0].id, "a??2J??b??");
    }
}
