use std::collections::{BTreeMap, HashMap, HashSet};

use async_trait::async_trait;

use super::{
    MemoryStore, State,
    messages::{Post, Record},
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
        ConversationDigest, MAIL_QUOTES_MAX, MailDecision, NewMail, PendingConversation,
        PendingNotifications, QueuedMail, Quote, RECENT_MAILS_MS, ReplyToken, WAITING_MAX,
        is_same_address, normal_address,
        preferences::{MUTED_MAX, PreferenceChange, Preferences},
        store::{DueMail, MailStore, Muting, PreferenceStore, ReplyTarget},
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

/// What waits to be told, what was told, and the mails that tell it.
#[derive(Debug, Default)]
pub(super) struct Mails {
    pub(super) noted: BTreeMap<(UserId, ConversationId), Noted>,
    told: HashMap<(UserId, ConversationId), Told>,
    pub(super) written: Vec<Mail>,
    pub(super) versions: HashMap<UserId, i64>,
    pub(super) tokens: Vec<(ReplyToken, ReplyTarget)>,
    pub(super) suppressed: HashSet<String>,
}

/// Messages that were noted and not told.
#[derive(Debug)]
pub(super) struct Noted {
    pub(super) since: Timestamp,
    pub(super) wait_until: Option<Timestamp>,
    pub(super) count: u64,
}

/// How far mails told of a conversation, and when the last one did.
#[derive(Clone, Copy, Debug)]
struct Told {
    up_to: Seq,
    at: Timestamp,
}

#[derive(Debug)]
pub(super) struct Mail {
    pub(super) new: NewMail,
    pub(super) parts: Vec<Part>,
    pub(super) is_closed: bool,
}

/// The messages of a conversation behind one position, up to another.
#[derive(Debug)]
pub(super) struct Part {
    conversation: ConversationId,
    after: Seq,
    up_to: Seq,
}

impl Mails {
    pub(super) fn note(&mut self, recipient: UserId, conversation: ConversationId, at: Timestamp) {
        let nothing = Noted { since: at, wait_until: None, count: 0 };
        self.noted.entry((recipient, conversation)).or_insert(nothing).count += 1;
    }

    /// Forgets what was noted when `seen` was true; what was noted later waits since `at`.
    pub(super) fn let_go(&mut self, recipient: &UserId, seen: &PendingConversation, at: Timestamp) {
        let place = (recipient.clone(), seen.conversation.clone());
        let Some(noted) = self.noted.get_mut(&place) else { return };
        if noted.count == seen.noted {
            self.noted.remove(&place);
        } else {
            *noted = Noted { since: at, wait_until: None, count: noted.count - seen.noted };
        }
    }

    /// Notes that a mail tells of a conversation, and where an answer goes.
    pub(super) fn tell(
        &mut self,
        mail: &NewMail,
        conversation: &ConversationId,
        up_to: Seq,
    ) -> Part {
        let place = (mail.recipient.clone(), conversation.clone());
        let before = self.told.insert(place, Told { up_to, at: mail.at });
        let target =
            ReplyTarget { person: mail.recipient.clone(), conversation: conversation.clone() };
        if self.token_of(&target).is_none() {
            let token = ReplyToken::parse(&format!("token{}", self.tokens.len()));
            self.tokens.push((token.expect("a good token"), target));
        }
        let after = before.map_or(Seq::ZERO, |told| told.up_to);
        Part { conversation: conversation.clone(), after, up_to }
    }

    /// Forgets closed mails that count for nothing any more.
    pub(super) fn forget_closed(&mut self, now: Timestamp) {
        self.written.retain(|mail| !mail.is_closed || is_recent(mail, now));
    }

    /// See [`PendingNotifications::recent_mails`](crate::mail::MailCase::recent_mails).
    pub(super) fn recent_to(&self, recipient: &UserId, now: Timestamp) -> Vec<Timestamp> {
        let to_them = self.written.iter().filter(|mail| mail.new.recipient == *recipient);
        let mut recent: Vec<_> =
            to_them.filter(|mail| is_recent(mail, now)).map(|mail| mail.new.at).collect();
        recent.sort_by(|one, other| other.cmp(one));
        recent
    }

    fn token_of(&self, target: &ReplyTarget) -> Option<&ReplyToken> {
        self.tokens.iter().find(|(_, known)| known == target).map(|(token, _)| token)
    }
}

fn is_recent(mail: &Mail, now: Timestamp) -> bool {
    now.as_millis() - mail.new.at.as_millis() < RECENT_MAILS_MS.cast_signed()
}

impl State {
    /// See [`mail_case`](crate::mail::store::MailStore::mail_case), without a bound.
    pub(super) fn waiting(&self, recipient: &UserId, now: Timestamp) -> Vec<PendingConversation> {
        let noted = self.mails.noted.iter().filter(|((person, _), _)| person == recipient);
        let mut noted: Vec<_> = noted.collect();
        noted.sort_by_key(|(_, one)| (one.wait_until.is_some_and(|until| until > now), one.since));
        let waiting = noted.into_iter().map(|((_, conversation), noted)| {
            let told = self.mails.told.get(&(recipient.clone(), conversation.clone()));
            let after = told.map_or(Seq::ZERO, |told| told.up_to);
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
                last_mailed_at: told.map(|told| told.at),
            }
        });
        waiting.collect()
    }

    /// What a part of a mail to `recipient` has to say now, if anything.
    pub(super) fn chapter(&self, recipient: &UserId, part: &Part) -> Option<ConversationDigest> {
        let (record, people) = self.find(&part.conversation, recipient)?;
        let mut posts = unmailed(record, recipient, part.after);
        posts.retain(|post| post.seq <= part.up_to);
        let target =
            ReplyTarget { person: recipient.clone(), conversation: part.conversation.clone() };
        Some(ConversationDigest {
            conversation: part.conversation.clone(),
            writer: people.get(&posts.first()?.author)?.clone(),
            subject: record.head.subject.clone(),
            messages: posts.len() as u64,
            quotes: posts.iter().take(MAIL_QUOTES_MAX).map(|post| quote(post)).collect(),
            reply: self.mails.token_of(&target)?.clone(),
        })
    }

    /// Whether mail to the present address of `person` came back.
    pub(super) fn is_suppressed(&self, person: &UserId) -> bool {
        let known = self.people.get(person);
        let address = known.and_then(|known| known.profile.email.as_deref());
        address.is_some_and(|address| self.mails.suppressed.contains(&normal_address(address)))
    }
}

/// What the other side wrote behind `after`, and `reader` did not read; newest first.
fn unmailed<'a>(record: &'a Record, reader: &UserId, after: Seq) -> Vec<&'a Post> {
    let Some(side) = record.side_of(reader) else { return vec![] };
    let writer = record.head.parties.on(side.other());
    let from = record.head.horizons.of(side).max(after);
    let is_meant =
        |post: &&Post| post.is_by(writer) && post.kind != MessageKind::System && post.seq > from;
    record.posts().rev().filter(is_meant).collect()
}

fn quote(post: &Post) -> Quote {
    Quote { words: post.content.clone(), files: post.attachments.len(), at: post.created_at }
}

/// What people said that they want, and the usual where it was asked for.
pub(super) type Wishes = HashMap<UserId, Preferences>;

impl State {
    /// What `user` wants; [the usual](Preferences::usual) when they never said anything.
    pub(super) fn wishes_of(&self, user: &UserId, at: Timestamp) -> Preferences {
        let noted = self.wishes.get(user).cloned();
        let mut wishes = noted.unwrap_or_else(|| Preferences::usual(user.clone(), at));
        wishes.muted.retain(|muted| self.find(muted, user).is_some());
        wishes
    }

    /// Notes what somebody the directory knows wants, as `change` makes it.
    fn change_wishes(
        &mut self,
        user: &UserId,
        at: Timestamp,
        change: impl FnOnce(Preferences) -> Preferences,
    ) -> Option<Preferences> {
        self.people.get(user)?;
        let changed = change(self.wishes_of(user, at));
        self.wishes.insert(user.clone(), changed.clone());
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
        Ok(self.state()?.change_wishes(user, at, |wishes| wishes))
    }

    async fn change_preferences(
        &self,
        user: &UserId,
        change: &PreferenceChange,
        at: Timestamp,
    ) -> Result<Option<Preferences>, StoreError> {
        Ok(self.state()?.change_wishes(user, at, |wishes| wishes.changed(change, at)))
    }

    async fn mute(
        &self,
        user: &UserId,
        conversation: &ConversationId,
        at: Timestamp,
    ) -> Result<Muting, StoreError> {
        let mut state = self.state()?;
        if state.find(conversation, user).is_none() {
            return Ok(Muting::UnknownConversation);
        }
        let wishes = state.wishes_of(user, at);
        if wishes.has_muted(conversation) {
            return Ok(Muting::Muted);
        }
        if wishes.muted.len() >= MUTED_MAX {
            return Ok(Muting::TooMany);
        }
        state.change_wishes(user, at, |mut wishes| {
            wishes.muted.push(conversation.clone());
            Preferences { updated_at: at, ..wishes }
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
        if state.wishes_of(user, at).has_muted(conversation) {
            state.change_wishes(user, at, |mut wishes| {
                wishes.muted.retain(|muted| muted != conversation);
                Preferences { updated_at: at, ..wishes }
            });
        }
        Ok(())
    }
}

/// A report, and what became of it.
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
    fn says_whether_it_stands(&self) -> bool {
        self.state == Handling::Handled && self.event.kind.says_whether_it_stands()
    }
}

impl State {
    pub(super) fn report(&mut self, id: &AppointmentEventId) -> Option<&mut Report> {
        self.reports.iter_mut().find(|report| report.event.id == *id)
    }

    pub(super) fn newest_handled(&self, event: &AppointmentEvent) -> Option<NewestHandled> {
        let booking = self.reports.iter().filter(|report| report.is_about_the_booking_of(event));
        let handled = booking.filter(|report| report.says_whether_it_stands());
        handled.max_by_key(|report| report.event.place()).map(|report| NewestHandled {
            event: report.event.id.clone(),
            occurred_at: report.event.occurred_at,
            cancelled: report.event.kind == AppointmentEventKind::Cancelled,
        })
    }

    pub(super) fn pending(&self, event: &AppointmentEvent) -> PendingAppointmentEvent {
        let about = self.about(&event.salon, &event.appointment).map(|record| &record.head);
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
