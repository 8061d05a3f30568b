//! Background jobs: tasks, failures, retries (D14).

pub mod store;
pub mod worker;

use crate::{
    conversation::attachment::ObjectKey,
    ids::{AppointmentEventId, ConversationId, InvalidId, JobId, MailId, UserId},
    time::Timestamp,
};

/// The most attempts that a job is ever given.
pub const ATTEMPTS_MAX: u32 = 100;
/// The period of purging unsent uploads, in milliseconds.
pub const PURGE_PERIOD_MS: u64 = 3_600_000;

/// A task. All its data beside its subject is in the store, so a task is a kind and one subject,
/// and repeating it does no harm.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Task {
    /// Announce a booking event in its conversation.
    HandleAppointmentEvent(AppointmentEventId),
    /// Delete an object of our file storage.
    DeleteObject(ObjectKey),
    /// Delete a file at the upload service, by the service's key.
    DeleteHostedFile(String),
    /// Delete unsent uploads.
    PurgeUploads,
    /// Erase a person (D3).
    ErasePerson(UserId),
    /// Archive conversations that had no messages for long, those with an id after this one;
    /// `None`: from the first.
    ArchiveAged(Option<ConversationId>),
    /// Delete the messages of conversations that were archived long ago, likewise.
    PurgeExpired(Option<ConversationId>),
    /// Delete old log entries of conversations, likewise.
    TrimLog(Option<ConversationId>),
    /// Compare the counters of conversations with their messages, likewise.
    AuditConversations(Option<ConversationId>),
    /// Send a mail (D15).
    SendMail(MailId),
    /// Build a person's data export.
    ExportPerson(UserId),
}

/// Why a task could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no task of this kind, or of this subject")]
pub struct UnknownTask;

impl Task {
    /// Every [`kind`](Self::kind). A store hands out only these: during a deployment, jobs of a
    /// kind that only newer nodes know wait for them.
    pub const KINDS: [&'static str; 11] = [
        "handle_appointment_event",
        "delete_object",
        "delete_hosted_file",
        "purge_uploads",
        "erase_person",
        "archive_aged",
        "empty_aged",
        "trim_log",
        "audit_conversations",
        "send_mail",
        "export_person",
    ];

    /// The group of this task.
    pub fn group(&self) -> JobGroup {
        match self {
            Self::HandleAppointmentEvent(_) | Self::ErasePerson(_) => JobGroup::Bookings,
            Self::SendMail(_) => JobGroup::Mail,
            Self::DeleteObject(_)
            | Self::DeleteHostedFile(_)
            | Self::PurgeUploads
            | Self::ArchiveAged(_)
            | Self::PurgeExpired(_)
            | Self::TrimLog(_)
            | Self::AuditConversations(_)
            | Self::ExportPerson(_) => JobGroup::Files,
        }
    }

    /// The kind, as it is stored and shown.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::HandleAppointmentEvent(_) => "handle_appointment_event",
            Self::DeleteObject(_) => "delete_object",
            Self::DeleteHostedFile(_) => "delete_hosted_file",
            Self::PurgeUploads => "purge_uploads",
            Self::ErasePerson(_) => "erase_person",
            Self::ArchiveAged(_) => "archive_aged",
            Self::PurgeExpired(_) => "empty_aged",
            Self::TrimLog(_) => "trim_log",
            Self::AuditConversations(_) => "audit_conversations",
            Self::SendMail(_) => "send_mail",
            Self::ExportPerson(_) => "export_person",
        }
    }

    /// The subject, as it is stored; empty for a kind without one.
    pub fn subject(&self) -> &str {
        match self {
            Self::HandleAppointmentEvent(event) => event.as_str(),
            Self::DeleteObject(key) => key.as_str(),
            Self::DeleteHostedFile(key) => key,
            Self::PurgeUploads => "",
            Self::ErasePerson(person) | Self::ExportPerson(person) => person.as_str(),
            Self::ArchiveAged(after)
            | Self::PurgeExpired(after)
            | Self::TrimLog(after)
            | Self::AuditConversations(after) => after.as_ref().map_or("", ConversationId::as_str),
            Self::SendMail(mail) => mail.as_str(),
        }
    }

    /// Parses [`kind`](Self::kind) and [`subject`](Self::subject).
    ///
    /// # Errors
    /// [`UnknownTask`].
    pub fn parse(kind: &str, subject: &str) -> Result<Self, UnknownTask> {
        match kind {
            "handle_appointment_event" => {
                AppointmentEventId::parse(subject).ok().map(Self::HandleAppointmentEvent)
            }
            "delete_object" => ObjectKey::parse(subject).ok().map(Self::DeleteObject),
            "delete_hosted_file" => Some(Self::DeleteHostedFile(subject.to_owned())),
            "purge_uploads" => subject.is_empty().then_some(Self::PurgeUploads),
            "erase_person" => UserId::parse(subject).ok().map(Self::ErasePerson),
            "archive_aged" => resume_after(subject).ok().map(Self::ArchiveAged),
            "empty_aged" => resume_after(subject).ok().map(Self::PurgeExpired),
            "trim_log" => resume_after(subject).ok().map(Self::TrimLog),
            "audit_conversations" => resume_after(subject).ok().map(Self::AuditConversations),
            "send_mail" => MailId::parse(subject).ok().map(Self::SendMail),
            "export_person" => UserId::parse(subject).ok().map(Self::ExportPerson),
            _ => None,
        }
        .ok_or(UnknownTask)
    }
}

/// Tasks that share places among those that run at once. What holds up one group, such as a mail
/// server that does not answer, delays no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JobGroup {
    /// Bookings, and erasures of people.
    Bookings,
    /// Files: deletions and exports; and the daily runs.
    Files,
    /// Mail.
    Mail,
}

impl JobGroup {
    /// All groups, the most urgent first.
    pub const ALL: [Self; 3] = [Self::Bookings, Self::Files, Self::Mail];

    /// The [kinds](Task::kind) of its tasks. Each kind is in one group.
    pub const fn kinds(self) -> &'static [&'static str] {
        match self {
            Self::Bookings => &["handle_appointment_event", "erase_person"],
            Self::Files => &[
                "delete_object",
                "delete_hosted_file",
                "purge_uploads",
                "archive_aged",
                "empty_aged",
                "trim_log",
                "audit_conversations",
                "export_person",
            ],
            Self::Mail => &["send_mail"],
        }
    }
}

/// The id after which the work continues; none: at the first.
fn resume_after(subject: &str) -> Result<Option<ConversationId>, InvalidId> {
    if subject.is_empty() { Ok(None) } else { ConversationId::parse(subject).map(Some) }
}

/// A claimed job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// The task.
    pub task: Task,
    /// The number of this attempt, from 1. It is needed to report an outcome: a worker that claims
    /// the job after the lease expired has a higher one.
    pub attempt: u32,
    /// Whether the lease of the attempt before this one ended without an outcome: its worker died,
    /// or could not renew it. That attempt has failed.
    pub follows_lost_lease: bool,
}

/// A short reason for the operator why a job failed. Never user content.
pub type Reason = &'static str;

/// The error of the store or another adapter.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why an attempt failed, and whether to retry.
#[derive(Debug, thiserror::Error)]
pub enum JobFailure {
    /// It may work later.
    #[error("not now: {reason}")]
    Retry {
        /// Why.
        reason: Reason,
        /// The underlying error, for the log.
        #[source]
        cause: Option<Cause>,
    },
    /// It must not run now: retry at `until`.
    #[error("not before {until}: {reason}")]
    Postponed {
        /// Why.
        reason: Reason,
        /// When to retry.
        until: Timestamp,
    },
    /// Retrying is pointless until somebody changes something.
    #[error("not at all: {reason}")]
    Dead {
        /// Why.
        reason: Reason,
    },
}

impl JobFailure {
    /// A retryable failure without an underlying error.
    pub fn retry(reason: Reason) -> Self {
        Self::Retry { reason, cause: None }
    }

    /// A permanent failure.
    pub fn dead(reason: Reason) -> Self {
        Self::Dead { reason }
    }

    /// The reason.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Retry { reason, .. } | Self::Postponed { reason, .. } | Self::Dead { reason } => {
                reason
            }
        }
    }
}

/// A job as the operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobView {
    /// Its id.
    pub id: JobId,
    /// The task.
    pub task: Task,
    /// The number of attempts started.
    pub attempts: u32,
    /// When it was enqueued.
    pub created_at: Timestamp,
    /// When it may be tried next, or, while it is claimed, when the lease ends.
    pub run_at: Timestamp,
    /// When it became a dead letter.
    pub dead_at: Option<Timestamp>,
    /// Why the last attempt failed.
    pub last_failure: Option<String>,
}

/// The waits after failed attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// After the first attempt, in milliseconds; each further wait is twice as long.
    pub first_ms: u64,
    /// The longest wait, in milliseconds.
    pub longest_ms: u64,
    /// The number of attempts before the job becomes a dead letter: 1 to [`ATTEMPTS_MAX`].
    pub attempts_max: u32,
}

impl Default for Backoff {
    /// Fifteen attempts in about three hours.
    fn default() -> Self {
        Self { first_ms: 1_000, longest_ms: 1_800_000, attempts_max: 15 }
    }
}

impl Backoff {
    /// When to retry after `attempt` failed at `now`; `None` when that was the last attempt.
    /// `jitter`, any number, spreads the waits over the upper half of their length, so that jobs
    /// that failed together are not retried together.
    pub fn next_attempt_at(&self, attempt: u32, now: Timestamp, jitter: u64) -> Option<Timestamp> {
        if attempt >= self.attempts_max {
            return None;
        }
        let doublings = attempt.saturating_sub(1).min(32);
        let full_ms = self.first_ms.saturating_mul(1 << doublings).min(self.longest_ms).max(2);
        let wait_ms = full_ms / 2 + jitter % (full_ms / 2 + 1);
        Timestamp::from_millis(now.as_millis().saturating_add_unsigned(wait_ms))
    }
}

#[cfg(test)]
mod job_tests {
    use super::*;

    #[test]
    fn a_task_is_read_as_it_is_written() {
        let tasks = [
            Task::HandleAppointmentEvent(AppointmentEventId::parse("e-1").expect("good")),
            Task::DeleteObject(ObjectKey::parse("ab/cd").expect("good")),
            Task::DeleteHostedFile("k_1".to_owned()),
            Task::PurgeUploads,
            Task::ErasePerson(UserId::parse("u1").expect("good")),
            Task::ArchiveAged(None),
            Task::PurgeExpired(ConversationId::parse("t1").ok()),
            Task::TrimLog(None),
            Task::AuditConversations(ConversationId::parse("t1").ok()),
            Task::SendMail(MailId::parse("m1").expect("good")),
            Task::ExportPerson(UserId::parse("u1").expect("good")),
        ];
        assert_eq!(tasks.each_ref().map(Task::kind), Task::KINDS);
        for task in &tasks {
            let groups =
                JobGroup::ALL.into_iter().filter(|group| group.kinds().contains(&task.kind()));
            assert!(groups.eq([task.group()]), "{task:?}");
        }
        for task in tasks {
            assert_eq!(Task::parse(task.kind(), task.subject()), Ok(task));
        }
        assert_eq!(Task::parse("dance", ""), Err(UnknownTask));
        assert_eq!(Task::parse("erase_person", "a b"), Err(UnknownTask));
    }
}

#[cfg(test)]
mod backoff_tests {
    use super::{ATTEMPTS_MAX, *};

    #[test]
    fn each_wait_is_longer_until_the_last_attempt() {
        let backoff = Backoff { first_ms: 1_000, longest_ms: 3_000, attempts_max: 4 };
        let wait = |attempt, jitter| {
            let at = backoff.next_attempt_at(attempt, Timestamp::UNIX_EPOCH, jitter);
            at.map(Timestamp::as_millis)
        };
        assert_eq!((wait(1, 0), wait(1, 500), wait(1, 501)), (Some(500), Some(1_000), Some(500)));
        assert_eq!((wait(2, 0), wait(3, 1_500)), (Some(1_000), Some(3_000)));
        assert_eq!((wait(4, 0), wait(5, 0)), (None, None));
        let many_attempts = Backoff { attempts_max: ATTEMPTS_MAX, longest_ms: u64::MAX, ..backoff };
        assert!(many_attempts.next_attempt_at(99, Timestamp::UNIX_EPOCH, 7).is_some());
    }
}
