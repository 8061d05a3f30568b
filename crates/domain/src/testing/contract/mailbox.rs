use super::stage::{ANSWERS, Stage};
use crate::{
    id::{MailId, UserId},
    mail::{
        ConversationDigest, MailDecision, NewMail, PendingNotifications, QueuedMail, SkipReason,
    },
    participant::Participant,
    ports::DueMail,
    testing::fixture::user,
    time::Timestamp,
};

/// The mail of one person on a [`Stage`].
pub(super) struct Mailbox<'a> {
    stage: &'a Stage<'a>,
    pub(super) owner: UserId,
}

impl<'a> Mailbox<'a> {
    pub(super) fn of(stage: &'a Stage<'a>, owner: &str) -> Self {
        Self { stage, owner: user(owner) }
    }

    pub(super) async fn try_case(&self) -> Option<PendingNotifications> {
        self.case_at(self.stage.now()).await
    }

    pub(super) async fn case_at(&self, now: Timestamp) -> Option<PendingNotifications> {
        self.stage.store.mail_case(&self.owner, now).await.expect(ANSWERS)
    }

    pub(super) async fn case(&self) -> PendingNotifications {
        self.try_case().await.expect("something waits")
    }

    pub(super) fn new_mail(&self) -> NewMail {
        let (id, at) = (self.stage.mint(), self.stage.now());
        NewMail { id, recipient: self.owner.clone(), at }
    }

    pub(super) async fn settle(
        &self,
        case: &PendingNotifications,
        verdict: &MailDecision,
        mail: &NewMail,
    ) -> bool {
        self.stage.store.settle_mail(case, verdict, mail).await.expect(ANSWERS)
    }

    /// Settles a case with a mail that nobody needs.
    pub(super) async fn settled(&self, case: &PendingNotifications, verdict: &MailDecision) {
        assert!(self.settle(case, verdict, &self.new_mail()).await, "nobody else settled it");
    }

    /// One mail about all that waits.
    pub(super) async fn tell(&self) -> NewMail {
        let (case, mail) = (self.case().await, self.new_mail());
        assert!(self.settle(&case, &all_told(&case), &mail).await, "nobody else settled it");
        mail
    }

    pub(super) async fn try_open(&self, mail: &MailId) -> Option<QueuedMail> {
        self.stage.store.open_mail(mail).await.expect(ANSWERS)
    }

    pub(super) async fn chapters(&self, mail: &NewMail) -> Vec<ConversationDigest> {
        self.try_open(&mail.id).await.expect("it did not leave").chapters
    }

    pub(super) async fn close(&self, mail: &MailId) {
        self.stage.store.close_mail(mail).await.expect(ANSWERS);
    }
}

/// A verdict that tells all that waits.
pub(super) fn all_told(case: &PendingNotifications) -> MailDecision {
    let tell = case.waiting.iter().map(|one| (one.conversation.clone(), one.up_to)).collect();
    MailDecision { tell, ..MailDecision::default() }
}

/// A verdict that forgets all that waits.
pub(super) fn all_forgotten(case: &PendingNotifications) -> MailDecision {
    let forget =
        case.waiting.iter().map(|one| (one.conversation.clone(), SkipReason::Read)).collect();
    MailDecision { forget, ..MailDecision::default() }
}

/// A verdict that puts all that waits off.
pub(super) fn all_put_off(case: &PendingNotifications, until: Timestamp) -> MailDecision {
    let wait = case.waiting.iter().map(|one| (one.conversation.clone(), until)).collect();
    MailDecision { wait, ..MailDecision::default() }
}

/// Whose mail is due when what waits since `since` is, or was to wait until `now`.
pub(super) async fn due(
    stage: &Stage<'_>,
    now: Timestamp,
    since: Timestamp,
    limit: u32,
) -> Vec<UserId> {
    stage.store.due_for_mail(&DueMail { now, since, limit }).await.expect(ANSWERS)
}

/// `person` with an address.
pub(super) fn reachable(mut person: Participant) -> Participant {
    person.profile.email = Some(format!("{}@example.test", person.id));
    person
}

/// `millis` later.
pub(super) fn later(time: Timestamp, millis: i64) -> Timestamp {
    Timestamp::from_millis(time.as_millis() + millis).expect("tests stay within the calendar")
}
