//! The sessions that joined one conversation, and how far they were told.

use domain::seq::Seq;

use super::registry::SessionKey;

/// A session in a room.
pub(super) struct Member {
    pub(super) session: SessionKey,
    /// What happened up to here was in the history the session was given.
    pub(super) since: Seq,
    pub(super) visible: bool,
}

/// The sessions that joined one conversation.
pub(super) struct Room {
    pub(super) members: Vec<Member>,
    /// Everything up to here was told.
    told: Seq,
    /// Everything up to here has happened, as far as this node has heard.
    heard: Seq,
    /// Somebody is reading what was missed from the log, and tells it.
    repairing: bool,
}

/// What a session is to a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Membership {
    /// Whether it is in sight.
    pub(crate) visible: bool,
    /// Everything up to here was told to it.
    pub(crate) told: Seq,
}

/// Whether a batch of events may be told to a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BatchOrder {
    /// It follows what was told before; it counts as told now.
    Next,
    /// It was told before.
    OutgoingEvent,
    /// Nobody is in the room.
    NoSubscribers,
    /// Something before it was never told: the log has to be read.
    Gap,
}

/// How far a room has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Progress {
    /// Everything up to here was told.
    pub(super) told: Seq,
    /// Everything up to here has happened, as far as this node has heard.
    pub(super) heard: Seq,
}

impl Room {
    /// An empty room, in which everything up to `since` counts as told.
    pub(super) fn as_of(since: Seq) -> Self {
        Self { members: Vec::new(), told: since, heard: since, repairing: false }
    }

    /// Takes a session in, that was given the history up to its `since`. Returns whether those who
    /// were there before have missed something.
    pub(super) fn add_member(&mut self, member: Member) -> bool {
        let since = member.since;
        self.remove_member(member.session);
        self.members.push(member);
        self.heard = self.heard.max(since);
        self.told < since
    }

    /// Lets a session go. Returns whether nobody is left.
    pub(super) fn remove_member(&mut self, session: SessionKey) -> bool {
        self.members.retain(|member| member.session != session);
        self.members.is_empty()
    }

    /// What a session is to the room.
    pub(super) fn membership(&self, session: SessionKey) -> Option<Membership> {
        let member = self.members.iter().find(|member| member.session == session)?;
        Some(Membership { visible: member.visible, told: self.told.max(member.since) })
    }

    /// Says whether a batch with positions `first` to `last` is the next to be told.
    pub(super) fn batch_order(&mut self, first: Seq, last: Seq) -> BatchOrder {
        self.heard = self.heard.max(last);
        if last <= self.told {
            BatchOrder::OutgoingEvent
        } else if first > self.told.next() || self.repairing {
            BatchOrder::Gap
        } else {
            self.told = last;
            BatchOrder::Next
        }
    }

    /// Makes the caller the one who repairs; false when somebody does already.
    pub(super) fn start_repair(&mut self) -> bool {
        !std::mem::replace(&mut self.repairing, true)
    }

    /// How far the room has come.
    pub(super) fn progress(&self) -> Progress {
        Progress { told: self.told, heard: self.heard }
    }

    /// During a repair: everything up to `seq` counts as told.
    pub(super) fn repaired_to(&mut self, seq: Seq) {
        self.told = self.told.max(seq);
        self.heard = self.heard.max(seq);
    }

    /// Ends a repair whose last look into the log, begun at `before`, found nothing more. Returns
    /// false, and the repair goes on, when the room heard of something since.
    pub(super) fn end_repair(&mut self, before: Progress) -> bool {
        if self.heard > before.heard {
            return false;
        }
        self.told = self.heard;
        self.repairing = false;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seq(number: i64) -> Seq {
        Seq::new(number).expect("not negative")
    }

    #[test]
    fn what_follows_is_told_once_and_a_gap_is_noticed() {
        let mut room = Room::as_of(seq(4));
        assert_eq!(room.batch_order(seq(5), seq(6)), BatchOrder::Next);
        assert_eq!(room.batch_order(seq(6), seq(6)), BatchOrder::OutgoingEvent);
        assert_eq!(room.batch_order(seq(8), seq(8)), BatchOrder::Gap);
        assert_eq!(room.progress(), Progress { told: seq(6), heard: seq(8) });
    }

    #[test]
    fn one_repairs_at_a_time_and_what_comes_meanwhile_is_left_to_it() {
        let mut room = Room::as_of(seq(4));
        assert!(room.start_repair());
        assert!(!room.start_repair());
        assert_eq!(room.batch_order(seq(5), seq(5)), BatchOrder::Gap);
        room.repaired_to(seq(5));
        assert!(room.end_repair(room.progress()));
        assert_eq!(room.batch_order(seq(6), seq(6)), BatchOrder::Next);
    }

    #[test]
    fn a_repair_goes_on_when_something_was_heard_since_its_last_look() {
        let mut room = Room::as_of(seq(4));
        assert!(room.start_repair());
        let looked = room.progress();
        assert_eq!(room.batch_order(seq(5), seq(5)), BatchOrder::Gap);
        assert!(!room.end_repair(looked));
    }
}
