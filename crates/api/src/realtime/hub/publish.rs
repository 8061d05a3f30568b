//! From what was committed to what is said, in turns.

use async_trait::async_trait;
use domain::{
    event::{Event, EventKind},
    id::{ConversationId, UserId},
    ports::{Fanout, MarkedMessage, Turn},
};
use tokio::sync::OwnedMutexGuard;

use super::{
    super::{
        delivery::{self, Step},
        outbound,
    },
    Hub,
    room::Turnout,
    roster::Roster,
};

impl Hub {
    /// Tells what happened. `events` were committed together and follow one another.
    fn publish(&self, events: &[Event]) {
        let (Some(first), Some(last)) = (events.first(), events.last()) else { return };
        let conversation = &first.conversation;
        let steps = delivery::steps(events, self.links());
        let mut roster = self.roster();
        let turnout = roster.turnout(conversation, first.seq, last.seq);
        match turnout {
            Turnout::Next => Self::say(&mut roster, last, &steps),
            Turnout::NoRoom => Self::say_to_people(&mut roster, &steps),
            Turnout::Told | Turnout::Gap => {}
        }
        drop(roster);
        self.count(&steps);
        self.keep_company(events);
        if turnout == Turnout::Gap {
            self.repair(conversation, &first.parties.salon);
        }
    }

    /// Says what `steps` say; all under one lock, so that sessions hear it in one order.
    pub(super) fn say(roster: &mut Roster, last: &Event, steps: &[Step]) {
        for step in steps {
            match step {
                Step::TellRoom(told) => {
                    roster.tell_room(&last.conversation, Some(last.seq), told);
                }
                Step::TellUser(user, told) => roster.tell_user(user, told),
                Step::CountUnread(_) | Step::RepeatUnread(_) | Step::RepeatUnreadLater(_) => {}
            }
        }
        if last.kind == EventKind::ConversationDeleted {
            roster.close_room(&last.conversation);
        }
    }

    /// Says what `steps` say to people wherever they are.
    fn say_to_people(roster: &mut Roster, steps: &[Step]) {
        for step in steps {
            if let Step::TellUser(user, told) = step {
                roster.tell_user(user, told);
            }
        }
    }

    pub(super) fn count(&self, steps: &[Step]) {
        for step in steps {
            match step {
                Step::CountUnread(user) => self.count_unread(user),
                Step::RepeatUnread(user) => self.inner.totals.repeat(self, user),
                Step::RepeatUnreadLater(user) => self.inner.totals.repeat_later(self, user),
                Step::TellRoom(_) | Step::TellUser(..) => {}
            }
        }
    }
}

#[async_trait]
impl Fanout for Hub {
    async fn turn(&self, conversation: &ConversationId) -> Box<dyn Turn> {
        let guard = self.take_turn(conversation).await;
        Box::new(HeldTurn { hub: self.clone(), _guard: guard })
    }

    fn message_read(&self, marked: &MarkedMessage) {
        let author = &marked.author;
        if let Some(told) = outbound::message_read(marked) {
            self.roster().tell_user(author, &told);
        }
        // Their total is what it was. But the shipped page takes one off its badge for each receipt,
        // some time after it came; so it is told the total behind it, and again when it has settled.
        self.inner.totals.repeat(self, author);
        self.inner.totals.repeat_later(self, author);
    }

    fn is_watching(&self, conversation: &ConversationId, user: &UserId) -> bool {
        self.roster().is_watching(conversation, user, self.inner.silence_max)
    }
}

struct HeldTurn {
    hub: Hub,
    _guard: OwnedMutexGuard<()>,
}

impl Turn for HeldTurn {
    fn publish(self: Box<Self>, events: Vec<Event>) {
        self.hub.publish(&events);
    }
}
