use std::collections::BTreeMap;

use async_trait::async_trait;

use super::{MemoryStore, mails::Mail};
use crate::{
    id::{MailId, UserId},
    job::Task,
    mail::{
        MailDecision, NewMail, PendingNotifications, QueuedMail, ReplyToken, WAITING_MAX,
        is_same_address, normal_address,
    },
    ports::{DueMail, MailStore, ReplyTarget, StoreError},
    time::Timestamp,
};

#[async_trait]
impl MailStore for MemoryStore {
    async fn due_for_mail(&self, due: &DueMail) -> Result<Vec<UserId>, StoreError> {
        let state = self.state()?;
        let mut since_when = BTreeMap::new();
        for ((person, _), noted) in &state.mails.noted {
            if noted.wait_until.map_or(noted.since <= due.since, |until| until <= due.now) {
                let since = since_when.entry(person).or_insert(noted.since);
                *since = noted.since.min(*since);
            }
        }
        let mut people: Vec<_> = since_when.into_iter().collect();
        people.sort_by_key(|(_, since)| *since);
        people.truncate(due.limit as usize);
        Ok(people.into_iter().map(|(person, _)| person.clone()).collect())
    }

    async fn mail_case(
        &self,
        recipient: &UserId,
        now: Timestamp,
    ) -> Result<Option<PendingNotifications>, StoreError> {
        let state = self.state()?;
        let mut waiting = state.waiting(recipient, now);
        waiting.truncate(WAITING_MAX);
        let Some(person) = state.people.get(recipient).filter(|_| !waiting.is_empty()) else {
            return Ok(None);
        };
        Ok(Some(PendingNotifications {
            recipient: person.clone(),
            preferences: state.wishes_of(recipient, now),
            is_suppressed: state.is_suppressed(recipient),
            recent_mails: state.mails.recent_to(recipient, now),
            waiting,
            version: state.mails.versions.get(recipient).copied().unwrap_or_default(),
        }))
    }

    async fn settle_mail(
        &self,
        case: &PendingNotifications,
        verdict: &MailDecision,
        mail: &NewMail,
    ) -> Result<bool, StoreError> {
        let mut state = self.state()?;
        let mails = &mut state.mails;
        let version = mails.versions.entry(mail.recipient.clone()).or_default();
        if *version != case.version {
            return Ok(false);
        }
        *version += 1;
        for (conversation, until) in &verdict.wait {
            let place = (mail.recipient.clone(), conversation.clone());
            if let Some(noted) = mails.noted.get_mut(&place) {
                noted.wait_until = Some(*until);
            }
        }
        let told = verdict.tell.iter().map(|(conversation, _)| conversation);
        let forgotten = verdict.forget.iter().map(|(conversation, _)| conversation);
        for conversation in told.chain(forgotten) {
            let seen = case.waiting.iter().find(|one| one.conversation == *conversation);
            mails.let_go(&mail.recipient, seen.expect("a verdict is about its case"), mail.at);
        }
        mails.forget_closed(mail.at);
        if !verdict.tell.is_empty() {
            let parts = verdict.tell.iter().map(|(id, up_to)| mails.tell(mail, id, *up_to));
            let parts = parts.collect();
            mails.written.push(Mail { new: mail.clone(), parts, is_closed: false });
            state.jobs.enter(Task::SendMail(mail.id.clone()), mail.at);
        }
        Ok(true)
    }

    async fn open_mail(&self, mail: &MailId) -> Result<Option<QueuedMail>, StoreError> {
        let state = self.state()?;
        let mut open = state.mails.written.iter().filter(|one| !one.is_closed);
        let Some(Mail { new, parts, .. }) = open.find(|one| one.new.id == *mail) else {
            return Ok(None);
        };
        Ok(state.people.get(&new.recipient).map(|recipient| QueuedMail {
            id: new.id.clone(),
            recipient: recipient.clone(),
            preferences: state.wishes_of(&new.recipient, new.at),
            is_suppressed: state.is_suppressed(&new.recipient),
            chapters: parts.iter().filter_map(|part| state.chapter(&new.recipient, part)).collect(),
            at: new.at,
        }))
    }

    async fn close_mail(&self, mail: &MailId) -> Result<(), StoreError> {
        let mut state = self.state()?;
        for known in state.mails.written.iter_mut().filter(|known| known.new.id == *mail) {
            known.is_closed = true;
        }
        Ok(())
    }

    async fn reply_target(&self, token: &ReplyToken) -> Result<Option<ReplyTarget>, StoreError> {
        let state = self.state()?;
        let found = state.mails.tokens.iter().find(|(known, _)| known == token);
        Ok(found.map(|(_, target)| target.clone()))
    }

    async fn suppress_address(&self, address: &str, _: Timestamp) -> Result<u64, StoreError> {
        let mut state = self.state()?;
        let addresses = state.people.values().filter_map(|one| one.profile.email.as_deref());
        let concerned = addresses.filter(|known| is_same_address(known, address)).count();
        if concerned > 0 {
            state.mails.suppressed.insert(normal_address(address));
        }
        Ok(concerned as u64)
    }

    async fn allow_address(&self, person: &UserId) -> Result<bool, StoreError> {
        let mut state = self.state()?;
        let known = state.people.get(person).and_then(|one| one.profile.email.as_deref());
        let address = known.map(normal_address);
        Ok(address.is_some_and(|address| state.mails.suppressed.remove(&address)))
    }
}
