use std::collections::{BTreeMap, HashMap, HashSet};

use super::{
    record::{Post, Record},
    state::State,
};
use crate::{
    id::{ConversationId, UserId},
    mail::{
        ConversationDigest, MAIL_QUOTES_MAX, NewMail, PendingConversation, Quote, RECENT_MAILS_MS,
        ReplyToken, normal_address,
    },
    message::MessageKind,
    ports::ReplyTarget,
    seq::Seq,
    time::Timestamp,
};

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
    /// See [`mail_case`](crate::ports::MailStore::mail_case), without a bound.
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
