use std::sync::Arc;

use crate::{
    id::{MailId, UserId},
    job::JobFailure,
    mail::{Email, MailPolicy, NewMail, SendDecision, SkipReason, decide, decide_send},
    ports::{Clock, DueMail, Ids, MailSender, PostError, Store, StoreError},
    time::Timestamp,
};

/// Mail about messages that wait (D15): decided when it is due, written when it leaves. Cheap to
/// clone.
#[derive(Clone)]
pub struct Mailing {
    store: Arc<dyn Store>,
    post_office: Arc<dyn MailSender>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    terms: MailPolicy,
}

/// What was decided on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decided {
    /// People whose mail was due. As many as were allowed: there may be more.
    pub people: u32,
    /// Mails that are on their way now.
    pub mails: u32,
    /// Conversations of which no mail tells because what waits there is too old
    /// ([`MailPolicy::notice_age_max_ms`]).
    pub too_old: u32,
}

impl Mailing {
    /// Puts the service together.
    pub fn new(
        store: Arc<dyn Store>,
        post_office: Arc<dyn MailSender>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        terms: MailPolicy,
    ) -> Self {
        Self { store, post_office, clock, ids, terms }
    }

    /// Decides about the mail of at most `limit` people (1 to 1,000) for whom it is due, the longest
    /// waiting first. Several nodes may do so at the same moment: each person's mail is decided once.
    ///
    /// # Errors
    /// The store's; whoever is left is decided about the next time. Somebody whose case it cannot read
    /// holds up nobody behind them.
    pub async fn decide_due(&self, limit: u32) -> Result<Decided, StoreError> {
        let now = self.clock.now();
        let delay_ms = i64::try_from(self.terms.delay_ms).unwrap_or(i64::MAX);
        let since = Timestamp::from_millis(now.as_millis().saturating_sub(delay_ms));
        let since = since.unwrap_or(Timestamp::UNIX_EPOCH);
        let people = self.store.due_for_mail(&DueMail { now, since, limit }).await?;
        let mut decided = Decided::default();
        let mut unreadable = None;
        for person in &people {
            decided.people += 1;
            match self.decide_about(person).await {
                Ok(settled) => {
                    decided.mails += settled.mails;
                    decided.too_old += settled.too_old;
                }
                Err(error @ StoreError::Internal(_)) => unreadable = Some(error),
                Err(error) => return Err(error),
            }
        }
        unreadable.map_or(Ok(decided), Err)
    }

    /// What was decided about one person's mail; nothing when somebody else was faster.
    async fn decide_about(&self, recipient: &UserId) -> Result<Decided, StoreError> {
        let now = self.clock.now();
        let nothing = Decided::default();
        let Some(case) = self.store.mail_case(recipient, now).await? else { return Ok(nothing) };
        let verdict = decide(&case, &self.terms, now);
        let mail = NewMail { id: self.ids.next().into(), recipient: recipient.clone(), at: now };
        if !self.store.settle_mail(&case, &verdict, &mail).await? {
            return Ok(nothing);
        }
        let too_old = u32::try_from(verdict.forgotten(SkipReason::TooOld)).unwrap_or(u32::MAX);
        Ok(Decided { people: 1, mails: u32::from(!verdict.tell.is_empty()), too_old })
    }

    /// Writes a mail that was decided on and hands it over, if it still has something to say: the
    /// body of its job. Repeated, it hands over a mail with the same id, and none that was handed
    /// over before, unless that could not be noted.
    ///
    /// # Errors
    /// [`JobFailure`]. A mail that is refused stays as it is: an operator may have it tried again.
    pub async fn send(&self, mail: &MailId) -> Result<(), JobFailure> {
        let Some(open) = self.store.open_mail(mail).await? else { return Ok(()) };
        match decide_send(open, &self.terms, self.clock.now()) {
            SendDecision::Now(letter) => self.hand_over(&letter).await?,
            SendDecision::NotBefore(until) => {
                return Err(JobFailure::Postponed { reason: "quiet_hours", until });
            }
            SendDecision::Never => {}
        }
        Ok(self.store.close_mail(mail).await?)
    }

    async fn hand_over(&self, letter: &Email) -> Result<(), JobFailure> {
        match self.post_office.deliver(letter).await {
            Ok(()) => Ok(()),
            Err(error @ PostError::Later(_)) => {
                Err(JobFailure::Retry { reason: "mail_server_failed", cause: Some(error.into()) })
            }
            Err(PostError::Refused(_)) => Err(JobFailure::dead("mail_refused")),
            Err(PostError::NoSuchMailbox(_)) => {
                let address = letter.recipient.profile.email.as_deref().unwrap_or_default();
                self.store.suppress_address(address, self.clock.now()).await?;
                Ok(())
            }
        }
    }
}

impl std::fmt::Debug for Mailing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mailing").field("terms", &self.terms).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
