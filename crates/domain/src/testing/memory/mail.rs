use std::collections::{BTreeMap, HashMap, HashSet};

use async_trait::async_trait;

use super::{
    MemoryStore, State,
    messages::{StoredConversation, StoredMessage},
};
use crate::{
    appointments::{
        AppointmentEvent, AppointmentEventKind,
        store::{BookingConversation, NewestHandled, PendingAppointmentEvent},
    },
    conversation::message::MessageKind,
    ids::{AppointmentEventId, ConversationId, MailId, Seq, UserId},
    jobs::Task,
    mail::{
        ConversationDigest, MAIL_QUOTES_MAX, MailDecision, NewMail, PENDING_CONVERSATIONS_MAX,
        PendingConversation, PendingNotifications, QueuedMail, Quote, RECENT_MAILS_MS, ReplyToken,
        is_same_address, normal_address,
        preferences::{MUTED_MAX, PreferenceChange, Preferences},
        store::{
            DueMail, MailStore, Muting, PreferenceStore, ReplyTarget, TokenUse, WEBHOOK_CALL_MS_MAX,
        },
    },
    ports::StoreError,
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

    async fn pending_notifications(
        &self,
        recipient: &UserId,
        now: Timestamp,
    ) -> Result<Option<PendingNotifications>, StoreError> {
        let state = self.state()?;
        let mut waiting = state.waiting(recipient, now);
        waiting.truncate(PENDING_CONVERSATIONS_MAX);
        let Some(person) = state.people.get(recipient).filter(|_| !waiting.is_empty()) else {
            return Ok(None);
        };
        Ok(Some(PendingNotifications {
            recipient: person.clone(),
            preferences: state.preferences_of(recipient, now),
            is_suppressed: state.is_suppressed(recipient),
            recent_mails: state.mails.recent_to(recipient, now),
            conversations: waiting,
            version: state.mails.versions.get(recipient).copied().unwrap_or_default(),
        }))
    }

    async fn apply_mail_decision(
        &self,
        notifications: &PendingNotifications,
        decision: &MailDecision,
        mail: &NewMail,
    ) -> Result<bool, StoreError> {
        let mut state = self.state()?;
        let mails = &mut state.mails;
        let version = mails.versions.entry(mail.recipient.clone()).or_default();
        if *version != notifications.version {
            return Ok(false);
        }
        *version += 1;
        for (conversation, until) in &decision.defer {
            let key = (mail.recipient.clone(), conversation.clone());
            if let Some(noted) = mails.noted.get_mut(&key) {
                noted.wait_until = Some(*until);
            }
        }
        let mailed = decision.send.iter().map(|(conversation, _)| conversation);
        let dropped = decision.drop.iter().map(|(conversation, _)| conversation);
        for conversation in mailed.chain(dropped) {
            let seen =
                notifications.conversations.iter().find(|one| one.conversation == *conversation);
            mails.drop_noted(&mail.recipient, seen.expect("a verdict is about its case"), mail.at);
        }
        mails.delete_closed(mail.at);
        if !decision.send.is_empty() {
            let parts =
                decision.send.iter().map(|(id, up_to)| mails.record_mailed(mail, id, *up_to));
            let parts = parts.collect();
            mails.queue.push(StoredMail { new: mail.clone(), parts, is_closed: false });
            state.jobs.enqueue(Task::SendMail(mail.id.clone()), mail.at);
        }
        Ok(true)
    }

    async fn queued_mail(&self, mail: &MailId) -> Result<Option<QueuedMail>, StoreError> {
        let state = self.state()?;
        let mut queued = state.mails.queue.iter().filter(|one| !one.is_closed);
        let Some(StoredMail { new, parts, .. }) = queued.find(|one| one.new.id == *mail) else {
            return Ok(None);
        };
        Ok(state.people.get(&new.recipient).map(|recipient| QueuedMail {
            id: new.id.clone(),
            recipient: recipient.clone(),
            preferences: state.preferences_of(&new.recipient, new.at),
            is_suppressed: state.is_suppressed(&new.recipient),
            chapters: parts.iter().filter_map(|part| state.digest(&new.recipient, part)).collect(),
            at: new.at,
        }))
    }

    async fn close_mail(&self, mail: &MailId) -> Result<(), StoreError> {
        let mut state = self.state()?;
        for known in state.mails.queue.iter_mut().filter(|known| known.new.id == *mail) {
            known.is_closed = true;
        }
        Ok(())
    }

    async fn reply_target(&self, token: &ReplyToken) -> Result<Option<ReplyTarget>, StoreError> {
        let state = self.state()?;
        let found = state.mails.tokens.iter().find(|(known, _)| known == token);
        Ok(found.map(|(_, (person, conversation))| {
            let key = (person.clone(), conversation.clone());
            let mailed_at = state.mails.mailed.get(&key).map(|mailed| mailed.at);
            let record = state.records.values().find(|it| it.conversation().id == *conversation);
            let said_at = record.map(|record| record.conversation().last_message_at);
            let (person, conversation) = key;
            let last_message_at = mailed_at.max(said_at).unwrap_or(Timestamp::UNIX_EPOCH);
            ReplyTarget { person, conversation, last_message_at }
        }))
    }

    async fn take_webhook_token(
        &self,
        token: &str,
        now: Timestamp,
        forget_before: Timestamp,
    ) -> Result<TokenUse, StoreError> {
        let tokens = &mut self.state()?.mails.webhook_tokens;
        tokens.retain(|_, (taken_at, _)| *taken_at >= forget_before);
        match tokens.get(token) {
            Some((_, true)) => return Ok(TokenUse::Executed),
            Some((taken_at, false))
                if taken_at.as_millis().saturating_add_unsigned(WEBHOOK_CALL_MS_MAX)
                    > now.as_millis() =>
            {
                return Ok(TokenUse::InProgress);
            }
            _ => {}
        }
        tokens.insert(token.to_owned(), (now, false));
        Ok(TokenUse::Taken)
    }

    async fn settle_webhook_token(&self, token: &str, is_executed: bool) -> Result<(), StoreError> {
        let tokens = &mut self.state()?.mails.webhook_tokens;
        if is_executed {
            tokens.entry(token.to_owned()).and_modify(|known| known.1 = true);
        } else {
            tokens.retain(|known, (_, is_executed)| known != token || *is_executed);
        }
        Ok(())
    }

    async fn suppress_address(&self, address: &str, _: Timestamp) -> Result<u64, StoreError> {
        let mut state = self.state()?;
        let addresses = state.people.values().filter_map(|one| one.profile.email.as_deref());
        let matching = addresses.filter(|known| is_same_address(known, address)).count();
        if matching > 0 {
            state.mails.suppressed.insert(normal_address(address));
        }
        Ok(matching as u64)
    }

    async fn allow_address(&self, person: &UserId) -> Result<bool, StoreError> {
        let mut state = self.state()?;
        let known = state.people.get(person).and_then(|one| one.profile.email.as_deref());
        let address = known.map(normal_address);
        Ok(address.is_some_and(|address| state.mails.suppressed.remove(&address)))
    }
}

/// Pending and queued mail.
#[derive(Debug, Default)]
pub(super) struct Mails {
    pub(super) noted: BTreeMap<(UserId, ConversationId), NotedMessages>,
    mailed: HashMap<(UserId, ConversationId), MailedState>,
    pub(super) queue: Vec<StoredMail>,
    pub(super) versions: HashMap<UserId, i64>,
    pub(super) tokens: Vec<(ReplyToken, (UserId, ConversationId))>,
    /// When each token of a webhook call was taken, and whether the call was executed.
    webhook_tokens: HashMap<String, (Timestamp, bool)>,
    pub(super) suppressed: HashSet<String>,
}

/// Noted messages that were not mailed.
#[derive(Debug)]
pub(super) struct NotedMessages {
    pub(super) since: Timestamp,
    pub(super) wait_until: Option<Timestamp>,
    pub(super) count: u64,
}

/// How far a conversation was mailed, and when.
#[derive(Clone, Copy, Debug)]
struct MailedState {
    up_to: Seq,
    at: Timestamp,
}

#[derive(Debug)]
pub(super) struct StoredMail {
    pub(super) new: NewMail,
    pub(super) parts: Vec<MailedConversation>,
    pub(super) is_closed: bool,
}

/// The messages of a conversation after one position, up to another.
#[derive(Debug)]
pub(super) struct MailedConversation {
    conversation: ConversationId,
    after: Seq,
    up_to: Seq,
}

impl Mails {
    pub(super) fn note(&mut self, recipient: UserId, conversation: ConversationId, at: Timestamp) {
        let empty = NotedMessages { since: at, wait_until: None, count: 0 };
        self.noted.entry((recipient, conversation)).or_insert(empty).count += 1;
    }

    /// Removes what was noted at the time of `seen`; what was noted later is pending since `at`.
    pub(super) fn drop_noted(
        &mut self,
        recipient: &UserId,
        seen: &PendingConversation,
        at: Timestamp,
    ) {
        let key = (recipient.clone(), seen.conversation.clone());
        let Some(noted) = self.noted.get_mut(&key) else { return };
        if noted.count == seen.noted {
            self.noted.remove(&key);
        } else {
            *noted = NotedMessages { since: at, wait_until: None, count: noted.count - seen.noted };
        }
    }

    /// Records that a mail includes a conversation, with its reply token.
    pub(super) fn record_mailed(
        &mut self,
        mail: &NewMail,
        conversation: &ConversationId,
        up_to: Seq,
    ) -> MailedConversation {
        let key = (mail.recipient.clone(), conversation.clone());
        let before = self.mailed.insert(key.clone(), MailedState { up_to, at: mail.at });
        if self.token_of(&key).is_none() {
            let token = ReplyToken::parse(&format!("token{}", self.tokens.len()));
            self.tokens.push((token.expect("a good token"), key));
        }
        let after = before.map_or(Seq::ZERO, |mailed| mailed.up_to);
        MailedConversation { conversation: conversation.clone(), after, up_to }
    }

    /// Deletes closed mails that no longer count.
    pub(super) fn delete_closed(&mut self, now: Timestamp) {
        self.queue.retain(|mail| !mail.is_closed || is_recent(mail, now));
    }

    /// See [`PendingNotifications::recent_mails`](crate::mail::PendingNotifications::recent_mails).
    pub(super) fn recent_to(&self, recipient: &UserId, now: Timestamp) -> Vec<Timestamp> {
        let to_them = self.queue.iter().filter(|mail| mail.new.recipient == *recipient);
        let mut recent: Vec<_> =
            to_them.filter(|mail| is_recent(mail, now)).map(|mail| mail.new.at).collect();
        recent.sort_by(|one, other| other.cmp(one));
        recent
    }

    fn token_of(&self, target: &(UserId, ConversationId)) -> Option<&ReplyToken> {
        self.tokens.iter().find(|(_, known)| known == target).map(|(token, _)| token)
    }
}

fn is_recent(mail: &StoredMail, now: Timestamp) -> bool {
    now.as_millis() - mail.new.at.as_millis() < RECENT_MAILS_MS.cast_signed()
}

impl State {
    /// See [`pending_notifications`](crate::mail::store::MailStore::pending_notifications), without
    /// a bound.
    pub(super) fn waiting(&self, recipient: &UserId, now: Timestamp) -> Vec<PendingConversation> {
        let noted = self.mails.noted.iter().filter(|((person, _), _)| person == recipient);
        let mut noted: Vec<_> = noted.collect();
        noted.sort_by_key(|(_, one)| (one.wait_until.is_some_and(|until| until > now), one.since));
        let waiting = noted.into_iter().map(|((_, conversation), noted)| {
            let mailed = self.mails.mailed.get(&(recipient.clone(), conversation.clone()));
            let after = mailed.map_or(Seq::ZERO, |mailed| mailed.up_to);
            let record = self.find(conversation, recipient).map(|(record, _)| record);
            let unmailed =
                record.map(|record| unmailed(record, recipient, after)).unwrap_or_default();
            PendingConversation {
                conversation: conversation.clone(),
                since: noted.since,
                noted: noted.count,
                unmailed: unmailed.len() as u64,
                up_to: unmailed.first().map_or(Seq::ZERO, |post| post.seq),
                newest_at: unmailed.first().map_or(noted.since, |post| post.created_at),
                last_mailed_at: mailed.map(|mailed| mailed.at),
            }
        });
        waiting.collect()
    }

    /// The current content of one conversation in a mail to `recipient`, if any.
    pub(super) fn digest(
        &self,
        recipient: &UserId,
        part: &MailedConversation,
    ) -> Option<ConversationDigest> {
        let (record, people) = self.find(&part.conversation, recipient)?;
        let mut posts = unmailed(record, recipient, part.after);
        posts.retain(|post| post.seq <= part.up_to);
        let target = (recipient.clone(), part.conversation.clone());
        Some(ConversationDigest {
            conversation: part.conversation.clone(),
            writer: people.get(&posts.first()?.author)?.clone(),
            subject: record.conversation().subject.clone(),
            messages: posts.len() as u64,
            quotes: posts.iter().take(MAIL_QUOTES_MAX).map(|post| quote(post)).collect(),
            reply: self.mails.token_of(&target)?.clone(),
        })
    }

    /// Whether the current address of `person` is suppressed.
    pub(super) fn is_suppressed(&self, person: &UserId) -> bool {
        let known = self.people.get(person);
        let address = known.and_then(|known| known.profile.email.as_deref());
        address.is_some_and(|address| self.mails.suppressed.contains(&normal_address(address)))
    }
}

/// Unread messages by the other side after `after`; newest first.
fn unmailed<'a>(
    record: &'a StoredConversation,
    reader: &UserId,
    after: Seq,
) -> Vec<&'a StoredMessage> {
    let Some(side) = record.side_of(reader) else { return vec![] };
    let writer = record.conversation().parties.on(side.other());
    let from = record.conversation().horizons.of(side).max(after);
    let is_unmailed = |post: &&StoredMessage| {
        post.is_by(writer) && post.kind != MessageKind::System && post.seq > from
    };
    record.posts().rev().filter(is_unmailed).collect()
}

fn quote(post: &StoredMessage) -> Quote {
    Quote { words: post.content.clone(), files: post.attachments.len(), at: post.created_at }
}

/// Stored preferences.
pub(super) type StoredPreferences = HashMap<UserId, Preferences>;

impl State {
    /// The preferences of `user`; [the defaults](Preferences::usual) when there are none.
    pub(super) fn preferences_of(&self, user: &UserId, at: Timestamp) -> Preferences {
        let noted = self.preferences.get(user).cloned();
        let mut preferences = noted.unwrap_or_else(|| Preferences::usual(user.clone(), at));
        preferences.muted.retain(|muted| self.find(muted, user).is_some());
        preferences
    }

    /// Stores the changed preferences of a known person.
    fn update_preferences(
        &mut self,
        user: &UserId,
        at: Timestamp,
        change: impl FnOnce(Preferences) -> Preferences,
    ) -> Option<Preferences> {
        self.people.get(user).filter(|_| !self.erasures.contains_key(user))?;
        let changed = change(self.preferences_of(user, at));
        self.preferences.insert(user.clone(), changed.clone());
        Some(changed)
    }
}

#[async_trait]
impl PreferenceStore for MemoryStore {
    async fn preferences(
        &self,
        user: &UserId,
        at: Timestamp,
    ) -> Result<Option<Preferences>, StoreError> {
        Ok(self.state()?.update_preferences(user, at, |preferences| preferences))
    }

    async fn change_preferences(
        &self,
        user: &UserId,
        change: &PreferenceChange,
        at: Timestamp,
    ) -> Result<Option<Preferences>, StoreError> {
        Ok(self
            .state()?
            .update_preferences(user, at, |preferences| preferences.changed(change, at)))
    }

    async fn mute(
        &self,
        user: &UserId,
        conversation: &ConversationId,
        at: Timestamp,
    ) -> Result<Muting, StoreError> {
        let mut state = self.state()?;
        if state.find(conversation, user).is_none() || state.erasures.contains_key(user) {
            return Ok(Muting::UnknownConversation);
        }
        let preferences = state.preferences_of(user, at);
        if preferences.has_muted(conversation) {
            return Ok(Muting::Muted);
        }
        if preferences.muted.len() >= MUTED_MAX {
            return Ok(Muting::TooMany);
        }
        state.update_preferences(user, at, |mut preferences| {
            preferences.muted.push(conversation.clone());
            Preferences { updated_at: at, ..preferences }
        });
        Ok(Muting::Muted)
    }

    async fn unmute(
        &self,
        user: &UserId,
        conversation: &ConversationId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut state = self.state()?;
        if state.preferences_of(user, at).has_muted(conversation) {
            state.update_preferences(user, at, |mut preferences| {
                preferences.muted.retain(|muted| muted != conversation);
                Preferences { updated_at: at, ..preferences }
            });
        }
        Ok(())
    }
}

/// A report and its state.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) event: AppointmentEvent,
    pub(super) state: Handling,
}

#[derive(Debug, PartialEq)]
pub(super) enum Handling {
    Pending,
    Rejected,
    Handled,
}

impl Report {
    pub(super) fn is_about_the_booking_of(&self, event: &AppointmentEvent) -> bool {
        self.event.salon == event.salon && self.event.appointment == event.appointment
    }

    /// See [`PendingAppointmentEvent::newest_handled`].
    fn affects_booking(&self) -> bool {
        self.state == Handling::Handled && self.event.kind.affects_booking()
    }
}

impl State {
    pub(super) fn report(&mut self, id: &AppointmentEventId) -> Option<&mut Report> {
        self.reports.iter_mut().find(|report| report.event.id == *id)
    }

    pub(super) fn newest_handled(&self, event: &AppointmentEvent) -> Option<NewestHandled> {
        let booking = self.reports.iter().filter(|report| report.is_about_the_booking_of(event));
        let handled = booking.filter(|report| report.affects_booking());
        handled.max_by_key(|report| report.event.order_key()).map(|report| NewestHandled {
            event: report.event.id.clone(),
            occurred_at: report.event.occurred_at,
            cancelled: report.event.kind == AppointmentEventKind::Cancelled,
        })
    }

    pub(super) fn pending(&self, event: &AppointmentEvent) -> PendingAppointmentEvent {
        let about =
            self.about(&event.salon, &event.appointment).map(StoredConversation::conversation);
        PendingAppointmentEvent {
            event: event.clone(),
            conversation: about.map(|head| BookingConversation {
                id: head.id.clone(),
                parties: head.parties.clone(),
                subject: head.subject.clone(),
            }),
            free_id: event.conversation.clone().filter(|id| !self.has_conversation(id)),
            newest_handled: self.newest_handled(event),
        }
    }
}
