//! What was mended and what was left out.

use std::collections::BTreeMap;

use domain::{ids::ID_MAX_CHARS, import::Refusal, named_enum};

named_enum! {
    /// What is taken over.
    ImportedKind {
        /// A person of the directory.
        Person = "person",
        /// A conversation.
        Conversation = "conversation",
        /// A message.
        Message = "message",
        /// A file of a message.
        File = "file",
        /// A counter of unread messages: read and compared, since ours cannot drift.
        Counter = "counter",
        /// What a person wants to be told of by mail.
        Preference = "preference",
        /// Mail that waits.
        Mail = "mail",
        /// A date beside a row that is taken over without it, named `<id of the row>/<column>`.
        Date = "date",
    }
}

named_enum! {
    /// What was mended on the way.
    Repair {
        /// Control characters were taken out of a text, a name or a subject.
        ControlCharactersRemoved = "control_characters_removed",
        /// A name was cut to its longest length.
        NameShortened = "name_shortened",
        /// An address of mail that cannot be one was left out.
        EmailDropped = "email_dropped",
        /// An address of a picture that is too long was left out.
        PictureDropped = "picture_dropped",
        /// The person's role is none that we know, or none that a person may have.
        RoleUnknown = "role_unknown",
        /// A person in a conversation has no account any more, and is entered without a name.
        PersonMissing = "person_missing",
        /// A subject was cut to its longest length.
        SubjectShortened = "subject_shortened",
        /// A booking whose id cannot be one was left out.
        AppointmentDropped = "appointment_dropped",
        /// A status that is none became active.
        StatusUnknown = "status_unknown",
        /// A kind of message that is none became a plain text.
        KindUnknown = "kind_unknown",
        /// The time of the newest message was off by more than a minute.
        LastMessageTimeCorrected = "last_message_time_corrected",
        /// A text too long for one message became several.
        LongTextSplit = "long_text_split",
        /// More files than one message carries became several messages.
        ManyFilesSplit = "many_files_split",
        /// All that a message showed was refused: it says so instead.
        LostFileNoted = "lost_file_noted",
        /// A file's name was made usable.
        FileNameMended = "file_name_mended",
        /// An upload's key that cannot be one was left out.
        UploadKeyDropped = "upload_key_dropped",
        /// A message marked unread below one that was read is read.
        ReadBelowHorizon = "read_below_horizon",
        /// A counter of unread messages told another number than the messages.
        CounterDrifted = "counter_drifted",
        /// A counter of somebody who takes no part was left out.
        CounterOfStranger = "counter_of_stranger",
        /// A message was marked archived, which nobody could see; it is a message like others.
        ArchiveMarkDropped = "archive_mark_dropped",
        /// A frequency of mail that is none became immediate.
        FrequencyUnknown = "frequency_unknown",
        /// A muted conversation that is not the person's, or not here, was left out.
        MuteDropped = "mute_dropped",
        /// Several waiting mails about the same became one.
        MailMerged = "mail_merged",
    }
}

/// Something that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// What.
    pub thing: ImportedKind,
    /// Its id, in characters of an id; others show as `?`.
    pub id: String,
    /// Why.
    pub reason: Refusal,
}

/// What was found while something was taken over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// How often what was mended.
    pub repairs: BTreeMap<Repair, u64>,
    /// What was left out.
    pub refused: Vec<Refused>,
}

impl Findings {
    /// Notes a repair.
    pub fn repaired(&mut self, repair: Repair) {
        self.repaired_times(repair, 1);
    }

    /// Notes as many repairs of a kind; none is not noted.
    pub fn repaired_times(&mut self, repair: Repair, times: u64) {
        if times > 0 {
            *self.repairs.entry(repair).or_default() += times;
        }
    }

    /// Notes that `thing` was left out.
    pub fn refuse(&mut self, thing: ImportedKind, id: &str, reason: Refusal) {
        self.refused.push(Refused { thing, id: presentable(id), reason });
    }

    /// Notes that a date beside a row was left out: the row is taken over without it.
    pub fn refuse_date(&mut self, row: &str, column: &str) {
        self.refuse(ImportedKind::Date, &format!("{row}/{column}"), Refusal::ImpossibleDate);
    }
}

/// `id` for a report: as long as an id can be, without what could hide or break something.
fn presentable(id: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "_-/".contains(c) { c } else { '?' };
    id.chars().take(2 * ID_MAX_CHARS + 1).map(plain).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_finding_has_a_word_of_its_own() {
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
