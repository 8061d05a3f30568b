//! From what was committed to what is said, in turns.

use async_trait::async_trait;
use domain::{
    event::{Event, EventKind},
    id::{ConversationId, UserId},
    ports::{Fanout, MarkedMessage, PublishGuard},
};
use tokio::sync::OwnedMutexGuard;

use super::{
    super::{
        delivery::{self, Delivery},
        outbound,
    },
    Hub,
    registry::SessionRegistry,
    room::BatchOrder,
};

impl Hub {
    /// Tells what happened. `events` were committed together and follow one another.
    fn publish(&self, events: &[Event]) {
        let (Some(first), Some(last)) = (events.first(), events.last()) else { return };
        let conversation = &first.conversation;
        let steps = delivery::steps(events, self.links());
        let mut registry = self.registry();
        let batch_order = registry.batch_order(conversation, first.seq, last.seq);
        match batch_order {
            BatchOrder::Next => Self::say(&mut registry, last, &steps),
            BatchOrder::NoSubscribers => Self::say_to_people(&mut registry, &steps),
            BatchOrder::OutgoingEvent | BatchOrder::Gap => {}
        }
        drop(registry);
        self.count(&steps);
        self.keep_company(events);
        if batch_order == BatchOrder::Gap {
            self.repair(conversation, &first.parties.salon);
        }
    }

    /// Says what `steps` say; all under one lock, so that sessions hear it in one order.
    pub(super) fn say(registry: &mut SessionRegistry, last: &Event, steps: &[Delivery]) {
        for step in steps {
            match step {
                Delivery::TellRoom(told) => {
                    registry.tell_room(&last.conversation, Some(last.seq), told);
                }
                Delivery::TellUser(user, told) => registry.tell_user(user, told),
                Delivery::CountUnread(_)
                | Delivery::RepeatUnread(_)
                | Delivery::RepeatUnreadLater(_) => {}
            }
        }
        if last.kind == EventKind::ConversationDeleted {
            registry.close_room(&last.conversation);
        }
    }

    /// Says what `steps` say to people wherever they are.
    fn say_to_people(registry: &mut SessionRegistry, steps: &[Delivery]) {
        for step in steps {
            if let Delivery::TellUser(user, told) = step {
                registry.tell_user(user, told);
            }
        }
    }

    pub(super) fn count(&self, steps: &[Delivery]) {
        for step in steps {
            match step {
                Delivery::CountUnread(user) => self.schedule_unread_update(user),
                Delivery::RepeatUnread(user) => self.inner.totals.repeat(self, user),
                Delivery::RepeatUnreadLater(user) => self.inner.totals.repeat_later(self, user),
                Delivery::TellRoom(_) | Delivery::TellUser(..) => {}
            }
        }
    }
}

#[async_trait]
impl Fanout for Hub {
    async fn turn(&self, conversation: &ConversationId) -> Box<dyn PublishGuard> {
        let guard = self.take_turn(conversation).await;
        Box::new(HeldPublishGuard { hub: self.clone(), _guard: guard })
    }

    fn message_read(&self, marked: &MarkedMessage) {
        let author = &marked.author;
        if let Some(told) = outbound::message_read(marked) {
            self.registry().tell_user(author, &told);
        }
        // Their total is what it was. But the shipped page takes one off its badge for each receipt,
        // some time after it came; so it is told the total behind it, and again when it has settled.
        self.inner.totals.repeat(self, author);
        self.inner.totals.repeat_later(self, author);
    }

    fn is_watching(&self, conversation: &ConversationId, user: &UserId) -> bool {
        self.registry().is_watching(conversation, user, self.inner.silence_max)
    }
}

struct HeldPublishGuard {
    hub: Hub,
    _guard: OwnedMutexGuard<()>,
}

impl PublishGuard for HeldPublishGuard {
    fn publish(self: Box<Self>, events: Vec<Event>) {
        self.hub.publish(&events);
    }
}
