//! The room of one conversation: the sessions that joined it, those that are joining it, and how far
//! events were delivered to them. Decides who is sent what; the registry sends it.
//!
//! Nothing is locked while a session joins. It is *pending* before it reads the history, and its room
//! collects what it would be sent. When it has read everything up to a position, it becomes a member: it
//! is sent what it read, then what was collected beyond. Whatever was published before it was pending was
//! committed before it read, so the history has it; whatever was published afterwards was collected. What
//! is found in neither was never published, or too much to collect: the log is read for it.

use std::collections::BTreeMap;

use domain::ids::Seq;

use super::events::OutgoingEvent;

/// Identifies a session on this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SessionKey(pub(super) u64);

/// Identifies a join that has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct JoinKey(pub(super) u64);

/// Identifies a room. A conversation whose room became empty has another room later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RoomId(pub(super) u64);

/// The most positions that are collected for one session that joins. A read of the history takes
/// milliseconds; a session that is still joining after so many changes is sent them from the log.
const COLLECTED_POSITIONS_MAX: usize = 256;

/// The most bytes of events that are collected for one session that joins: about as much as an answer.
const COLLECTED_BYTES_MAX: usize = 512 * 1024;

/// A session in a room.
pub(crate) struct Member {
    pub(crate) session: SessionKey,
    pub(crate) visible: bool,
    /// It was sent everything up to here, however far the room has come.
    pub(crate) since: Seq,
    /// Up to here it was sent messages only: it began with a history, in which events that go to people
    /// are missing. Zero when it began with the log, which has them.
    pub(crate) messages_only_to: Seq,
}

/// The sessions of one conversation.
pub(crate) struct Room {
    id: RoomId,
    members: Vec<Member>,
    pending: Vec<PendingMember>,
    /// Everything up to here was delivered to members. `None` before the first of them: it is not known what
    /// of the log was published before the room existed. The first session that becomes a member says it.
    delivered_seq: Option<Seq>,
    /// The newest position that this node knows of.
    known_seq: Seq,
    people: PeopleSent,
    /// No member's `since` is beyond this.
    since_max: Seq,
    /// Whether a task is reading what was missed from the log, and delivers it. The task's guard resets it,
    /// however the task ends.
    repairing: bool,
}

/// The membership of a session in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Membership {
    /// Whether its client says that the conversation is in sight.
    pub(crate) visible: bool,
    /// Everything up to here was delivered to it.
    pub(crate) delivered_seq: Seq,
}

/// How a batch of events relates to what a room was delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BatchOrder {
    /// It follows what was delivered before; it counts as delivered now.
    Next,
    /// It was delivered to the room before. People elsewhere may not have been sent it.
    Duplicate,
    /// Nobody has joined: it is collected for those who are joining, and sent to people.
    NoMembers,
    /// Something before it was never delivered: the log has to be read.
    Gap,
}

/// What was sent before a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sent {
    /// Up to here to the members of the room.
    pub(crate) room: Seq,
    /// To all sessions of both people.
    pub(crate) people: PeopleSent,
}

/// Which events for people were sent to all their sessions, since the room exists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PeopleSent {
    /// The newest position that was published here.
    published: Seq,
    /// Up to here the room's first member had read: people are sent it when it is published, which may be
    /// later, and never from the log.
    from: Seq,
    /// From there on, everything up to here, whether it was published or read from the log.
    up_to: Seq,
}

impl PeopleSent {
    fn has(self, seq: Seq) -> bool {
        seq <= if seq <= self.from { self.published } else { self.up_to }
    }

    fn publish(&mut self, last: Seq) {
        self.published = self.published.max(last);
        self.read(last);
    }

    /// What was read from the log is sent up to `seq`.
    fn read(&mut self, seq: Seq) {
        if seq > self.from {
            self.up_to = self.up_to.max(seq);
        }
    }

    fn begin_at(&mut self, from: Seq) {
        self.from = from;
        self.up_to = self.up_to.max(from);
    }
}

/// How far a room has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Everything up to here was delivered.
    pub(crate) delivered_seq: Seq,
    /// The newest position that this node knows of.
    pub(crate) known_seq: Seq,
}

/// What to do with an event for a person in one of their sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Send,
    /// Send it without its position.
    SendElsewhere,
    /// The session is joining.
    Collect,
    /// It was sent before.
    Skip,
}

impl Room {
    /// Without anybody.
    pub(crate) fn new(id: RoomId) -> Self {
        Self {
            id,
            members: Vec::new(),
            pending: Vec::new(),
            delivered_seq: None,
            known_seq: Seq::ZERO,
            people: PeopleSent::default(),
            since_max: Seq::ZERO,
            repairing: false,
        }
    }

    pub(crate) fn id(&self) -> RoomId {
        self.id
    }

    pub(crate) fn members(&self) -> &[Member] {
        &self.members
    }

    /// Those who were joining when the room was closed.
    pub(crate) fn into_pending(self) -> Vec<PendingMember> {
        self.pending
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty() && self.pending.is_empty()
    }

    pub(crate) fn member(&self, session: SessionKey) -> Option<&Member> {
        self.members.iter().find(|member| member.session == session)
    }

    /// The membership of a session, if it has joined.
    pub(crate) fn membership(&self, session: SessionKey) -> Option<Membership> {
        let member = self.member(session)?;
        let delivered_seq = self.delivered_seq.map_or(member.since, |seq| seq.max(member.since));
        Some(Membership { visible: member.visible, delivered_seq })
    }

    /// Removes a member.
    pub(crate) fn remove_member(&mut self, session: SessionKey) {
        self.members.retain(|member| member.session != session);
    }
}

// Joining.

impl Room {
    /// From here on the room collects what `session` is sent when it has joined, and holds it back if
    /// the session is a member already.
    pub(crate) fn begin_join(&mut self, key: JoinKey, session: SessionKey, visible: bool) {
        let member_to = self.membership(session).map(|membership| membership.delivered_seq);
        let (people, collected) = (self.people, Collected::default());
        let pending = PendingMember { key, session, visible, member_to, people, collected };
        self.pending.push(pending);
    }

    /// Ends a join that has begun; `None` when it has ended already.
    pub(crate) fn take_pending(&mut self, key: JoinKey) -> Option<PendingMember> {
        let index = self.pending.iter().position(|pending| pending.key == key)?;
        Some(self.pending.remove(index))
    }

    /// Ends the joins of `session` that have begun.
    pub(crate) fn take_pending_of(&mut self, session: SessionKey) -> Vec<PendingMember> {
        self.pending.extract_if(.., |pending| pending.session == session).collect()
    }

    /// Ends the collecting for those for whom it became too much; returns what was collected.
    pub(crate) fn take_overflowed(&mut self) -> Vec<(SessionKey, Released)> {
        let all = self.pending.iter_mut();
        all.filter_map(|pending| Some((pending.session, pending.release_overflowed()?))).collect()
    }

    /// Ends the collecting for all; returns what was collected.
    pub(crate) fn take_collected(&mut self) -> Vec<(SessionKey, Released)> {
        let all = self.pending.iter_mut();
        all.map(|pending| (pending.session, pending.release_collected())).collect()
    }

    /// Makes a session that was sent everything up to its `since` a member. Returns whether the log has
    /// to be read, because it or the members before it have missed something.
    pub(crate) fn admit(&mut self, member: Member) -> bool {
        self.remove_member(member.session);
        let since = member.since;
        if self.delivered_seq.is_none() {
            self.people.begin_at(since);
        }
        let delivered_seq = self.delivered_seq.unwrap_or(since);
        if since < delivered_seq {
            // It missed what the others have: the log is read from there, and each is sent what it lacks.
            for other in &mut self.members {
                other.since = other.since.max(delivered_seq);
            }
            self.since_max = self.since_max.max(delivered_seq);
        }
        let delivered_seq = delivered_seq.min(since);
        self.delivered_seq = Some(delivered_seq);
        self.known_seq = self.known_seq.max(since);
        self.since_max = self.since_max.max(since);
        self.members.push(member);
        delivered_seq < self.known_seq
    }
}

// Publishing.

impl Room {
    /// How a batch with positions `first` to `last` relates to what was delivered, and what was sent
    /// before it. Unless it comes after a gap it counts as sent now.
    pub(crate) fn batch_order(&mut self, first: Seq, last: Seq) -> (BatchOrder, Sent) {
        let sent = self.sent();
        self.known_seq = self.known_seq.max(last);
        let order = match self.delivered_seq {
            None => BatchOrder::NoMembers,
            Some(delivered_seq) if last <= delivered_seq => BatchOrder::Duplicate,
            Some(delivered_seq) if first > delivered_seq.next() => return (BatchOrder::Gap, sent),
            Some(_) => {
                self.delivered_seq = Some(last);
                BatchOrder::Next
            }
        };
        self.people.publish(last);
        self.cover(first, last);
        (order, sent)
    }

    fn sent(&self) -> Sent {
        Sent { room: self.delivered_seq.unwrap_or(Seq::ZERO), people: self.people }
    }

    /// For those who are joining nothing is missing from `first` to `last`, whatever is sent.
    fn cover(&mut self, first: Seq, last: Seq) {
        for pending in &mut self.pending {
            pending.collected.cover(first, last);
        }
    }

    /// The members who are sent the message at `seq` now.
    pub(crate) fn recipients(&self, seq: Seq, sent: Sent) -> impl Iterator<Item = SessionKey> {
        let lacks_it = move |member: &&Member| seq > member.since.max(sent.room);
        let members = self.members.iter().filter(lacks_it).map(|member| member.session);
        members.filter(|session| self.collecting(*session).is_none())
    }

    /// Collects the message at `seq` for everybody who is joining.
    pub(crate) fn collect(&mut self, seq: Seq, event: &OutgoingEvent) {
        for pending in &mut self.pending {
            pending.collected.add(seq, event, Audience::Room);
        }
    }

    /// Collects the event at `seq` for a person in this session of theirs.
    pub(crate) fn collect_for(&mut self, session: SessionKey, seq: Seq, event: &OutgoingEvent) {
        let is_published = seq <= self.people.published || seq > self.people.from;
        let audience = if is_published { Audience::Person } else { Audience::PersonLater };
        for pending in self.pending.iter_mut().filter(|pending| pending.session == session) {
            pending.collected.add(seq, event, audience);
        }
    }

    /// Whether an event at `seq` for people is simply sent to all their sessions: the usual case.
    pub(crate) fn is_sent_to_all(&self, seq: Seq, sent: Sent) -> bool {
        self.pending.is_empty() && seq > self.since_max.max(sent.room) && !sent.people.has(seq)
    }

    /// What to do with an event at `seq` for a person in this session of theirs.
    pub(crate) fn route(&self, session: SessionKey, seq: Seq, sent: Sent) -> Route {
        if self.collecting(session).is_some() {
            return Route::Collect;
        }
        match self.member(session) {
            Some(member) if seq > member.since.max(sent.room) => Route::Send,
            Some(member) if seq <= member.messages_only_to && !sent.people.has(seq) => {
                Route::SendElsewhere
            }
            Some(_) => Route::Skip,
            None if sent.people.has(seq) => Route::Skip,
            None if self.pending.iter().any(|pending| pending.session == session) => {
                Route::SendElsewhere
            }
            None => Route::Send,
        }
    }

    fn collecting(&self, session: SessionKey) -> Option<&PendingMember> {
        let is_theirs = |pending: &&PendingMember| pending.session == session;
        self.pending.iter().filter(is_theirs).find(|pending| !pending.collected.overflowed)
    }
}

// Repairing from the log.

impl Room {
    /// Starts a repair; false when one is running already.
    pub(crate) fn start_repair(&mut self) -> bool {
        !std::mem::replace(&mut self.repairing, true)
    }

    /// What was delivered behind `before` may not have reached everybody: the log has to be read from there
    /// again, and each member is sent what it lacks beyond `sent_to`. `None` when nothing counts as
    /// delivered that was not. Everything up to `known` happened. Returns whether the log has to be read.
    pub(crate) fn rewind(
        &mut self,
        before: Option<Sent>,
        known: Seq,
        sent_to: impl Fn(SessionKey) -> Option<Seq>,
    ) -> bool {
        self.known_seq = self.known_seq.max(known);
        let Some(delivered_seq) = self.delivered_seq else { return false };
        if let Some(before) = before.filter(|before| before.room < delivered_seq) {
            for member in &mut self.members {
                let sent_to = sent_to(member.session).unwrap_or(Seq::ZERO).min(delivered_seq);
                member.since = member.since.max(sent_to);
                self.since_max = self.since_max.max(member.since);
            }
            self.delivered_seq = Some(before.room);
            self.people = before.people;
        }
        self.delivered_seq < Some(self.known_seq)
    }

    /// How far the room has come; `None` as long as nobody has joined.
    pub(crate) fn progress(&self) -> Option<Progress> {
        Some(Progress { delivered_seq: self.delivered_seq?, known_seq: self.known_seq })
    }

    /// Whether what was read from the log at `before` still follows what was delivered. It does not when a
    /// session that lacks more has become a member meanwhile.
    pub(crate) fn continues(&self, before: Progress) -> bool {
        self.delivered_seq.is_some_and(|delivered_seq| delivered_seq >= before.delivered_seq)
    }

    /// Takes the event at `seq`, which was read from the log: it counts as delivered now, and what was sent
    /// before it is returned. `None` when it was delivered meanwhile, or nothing is known of it yet: then it
    /// is about to be published.
    pub(crate) fn take_repaired(&mut self, seq: Seq) -> Option<Sent> {
        let sent = self.sent();
        if seq <= sent.room || seq > self.known_seq {
            return None;
        }
        self.repaired_to(seq);
        self.cover(seq, seq);
        let people = sent.people;
        let published = people.published.max(people.from);
        Some(Sent { people: PeopleSent { published, ..people }, ..sent })
    }

    /// Everything up to `seq` counts as delivered.
    pub(crate) fn repaired_to(&mut self, seq: Seq) {
        self.delivered_seq = self.delivered_seq.map(|delivered_seq| delivered_seq.max(seq));
        self.people.read(seq);
    }

    /// The log, which was read at `before`, has nothing more. Unless something became known meanwhile, what
    /// it does not have counts as delivered.
    pub(crate) fn found_nothing(&mut self, before: Progress) {
        if self.known_seq <= before.known_seq {
            self.repaired_to(self.known_seq);
        }
    }

    /// The task that repaired the room is gone, whatever it has done.
    pub(crate) fn abandon_repair(&mut self) {
        self.repairing = false;
    }

    /// Ends the repair if the room has come as far as this node knows. False when it has to go on.
    pub(crate) fn end_repair(&mut self) -> bool {
        self.repairing = self.delivered_seq.is_none_or(|seq| seq < self.known_seq);
        !self.repairing
    }
}

// What is collected for a session that is joining.

/// A session that reads what it is sent first, in order to become a member.
pub(crate) struct PendingMember {
    pub(crate) key: JoinKey,
    pub(crate) session: SessionKey,
    pub(crate) visible: bool,
    /// If it was a member before: what it was sent as one. The rest is held back.
    member_to: Option<Seq>,
    /// What people had been sent before.
    people: PeopleSent,
    collected: Collected,
}

/// What was collected for a session that does not become a member after all.
pub(crate) struct Released {
    /// What its person would have been sent anywhere. It comes before the rest.
    pub(crate) elsewhere: Vec<OutgoingEvent>,
    /// What it would have been sent as the member that it was.
    pub(crate) as_member: Vec<OutgoingEvent>,
}

impl PendingMember {
    /// What was held back from the session, which `is_member` if it was one before and still is.
    pub(crate) fn release(self, is_member: bool) -> Released {
        let member_to = self.member_to.filter(|_| is_member);
        self.collected.release(member_to, self.people)
    }

    fn release_overflowed(&mut self) -> Option<Released> {
        self.collected.is_too_much().then(|| self.release_collected())
    }

    /// What was collected so far. Nothing more is: the log is read for the rest.
    fn release_collected(&mut self) -> Released {
        let overflowed = Collected { overflowed: true, ..Collected::default() };
        let collected = std::mem::replace(&mut self.collected, overflowed);
        collected.release(self.member_to, self.people)
    }

    /// What the session is sent that becomes a member, as it has read everything up to `since`. With
    /// `gaps` also what is behind one.
    pub(crate) fn split(self, since: Seq, gaps: bool) -> Split {
        self.collected.split(since, self.people, gaps)
    }
}

/// To whom an event goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Audience {
    /// To those in the room: a message.
    Room,
    /// To all sessions of both people.
    Person,
    /// The same, but read from the log before it was published: whoever does not become a member from
    /// before it is sent it then.
    PersonLater,
}

struct Entry {
    event: OutgoingEvent,
    audience: Audience,
}

/// What a room was sent while a session was joining it. Bounded; of too much nothing is kept.
#[derive(Default)]
struct Collected {
    /// By position: what the session is sent of it, `None` for nothing.
    entries: BTreeMap<Seq, Option<Entry>>,
    bytes: usize,
    /// It was too much: nothing more is collected.
    overflowed: bool,
}

impl Collected {
    fn cover(&mut self, first: Seq, last: Seq) {
        let mut seq = first;
        while !self.overflowed && seq <= last && self.entries.len() <= COLLECTED_POSITIONS_MAX {
            self.entries.entry(seq).or_default();
            seq = seq.next();
        }
    }

    /// Adds the event at `seq`, unless it is there already.
    fn add(&mut self, seq: Seq, event: &OutgoingEvent, audience: Audience) {
        if self.overflowed {
            return;
        }
        match self.entries.entry(seq).or_default() {
            Some(known) if known.audience == Audience::PersonLater => known.audience = audience,
            Some(_) => {}
            entry => {
                self.bytes += event.data().get().len();
                *entry = Some(Entry { event: event.clone(), audience });
            }
        }
    }

    fn is_too_much(&self) -> bool {
        self.entries.len() > COLLECTED_POSITIONS_MAX || self.bytes > COLLECTED_BYTES_MAX
    }

    fn release(self, member_to: Option<Seq>, people: PeopleSent) -> Released {
        let mut released = Released { elsewhere: Vec::new(), as_member: Vec::new() };
        for (seq, entry) in self.entries {
            let Some(Entry { event, audience }) = entry else { continue };
            if member_to.is_some_and(|member_to| seq > member_to) {
                released.as_member.push(event);
            } else if audience == Audience::Person && !people.has(seq) {
                released.elsewhere.push(event);
            }
        }
        released
    }

    fn split(self, since: Seq, people: PeopleSent, gaps: bool) -> Split {
        let mut split = Split { before: Vec::new(), behind: Vec::new(), reached: since };
        for (seq, entry) in self.entries {
            if seq <= since {
                let for_people = |entry: &Entry| entry.audience == Audience::Person;
                let entry = entry.filter(|entry| !people.has(seq) && for_people(entry));
                split.before.extend(entry.map(|entry| entry.event));
            } else if gaps || seq == split.reached.next() {
                split.behind.extend(entry.map(|entry| entry.event));
                split.reached = seq;
            } else {
                break;
            }
        }
        split
    }
}

/// What was collected, seen from the position up to which the session has read.
pub(crate) struct Split {
    /// What goes to people up to there.
    pub(crate) before: Vec<OutgoingEvent>,
    /// What follows, without a gap.
    pub(crate) behind: Vec<OutgoingEvent>,
    /// The position up to which it follows.
    pub(crate) reached: Seq,
}

#[cfg(test)]
mod tests;
