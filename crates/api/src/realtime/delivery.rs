//! Who hears what (D9): committed events into what is said to whom.

use domain::{
    conversation::{
        event::{Event, EventKind, ReadReceipt},
        message::Message,
    },
    ids::UserId,
};

use super::events::{
    self, ConversationCreated, ConversationDeleted, ConversationRead, ConversationUpdated,
    LogPosition, MessageDeleted, NewMessage, OutgoingEvent, ServerEvent as _,
};
use crate::{links::Links, wire};

/// One thing to do about what happened.
pub(super) enum Delivery {
    /// Say this to every session in the conversation's room.
    TellRoom(OutgoingEvent),
    /// Say this to every session of a person.
    TellUser(UserId, OutgoingEvent),
    /// This person's unread total may have changed: count and tell it.
    CountUnread(UserId),
    /// This person's unread total is what it was: tell it again.
    RepeatUnread(UserId),
    /// This person's horizon moved: tell their unread total once more when it has come to rest.
    RepeatUnreadLater(UserId),
}

/// What to do about `events`, which were committed together, in that order.
pub(super) fn steps(events: &[Event], links: &Links) -> Vec<Delivery> {
    let mut steps = Vec::new();
    for event in events {
        match &event.kind {
            EventKind::MessagePosted(message) => posted(message, event, events, links, &mut steps),
            EventKind::MessagesRead(receipt) => read(receipt, event, events, links, &mut steps),
            EventKind::MessageDeleted(_) => {
                tell_parties(event, links, &mut steps);
                count_for_counterpart(event, &mut steps);
            }
            EventKind::ConversationDeleted => {
                tell_parties(event, links, &mut steps);
                steps.push(Delivery::CountUnread(event.parties.salon.clone()));
                steps.push(Delivery::CountUnread(event.parties.client.clone()));
            }
            EventKind::ConversationOpened { .. } | EventKind::ConversationUpdated { .. } => {
                tell_parties(event, links, &mut steps);
            }
            EventKind::MessageWithdrawn(_) => {}
        }
    }
    steps
}

/// `event` as its log tells it, to whoever may hear of it. `None` for a message that is withdrawn
/// by now: there is nothing to say about it.
pub(super) fn entry(event: &Event, links: &Links) -> Option<OutgoingEvent> {
    let place = LogPosition::of(event);
    match &event.kind {
        EventKind::MessagePosted(message) => {
            NewMessage(wire::Message::new(message, links)).told_at(place)
        }
        EventKind::MessagesRead(receipt) => {
            ConversationRead::new(&place.clone(), receipt, event.at).told_at(place)
        }
        EventKind::MessageDeleted(message) => {
            MessageDeleted::new(&place.clone(), message).told_at(place)
        }
        EventKind::ConversationOpened { subject, status } => {
            let (parties, subject) = (&event.parties, subject.as_ref());
            ConversationCreated::new(&place.clone(), parties, subject, *status).told_at(place)
        }
        EventKind::ConversationUpdated { subject, status } => {
            ConversationUpdated::new(&place.clone(), subject.as_ref(), *status).told_at(place)
        }
        EventKind::ConversationDeleted => ConversationDeleted::new(&place.clone()).told_at(place),
        EventKind::MessageWithdrawn(_) => None,
    }
}

fn posted(
    message: &Message,
    event: &Event,
    batch: &[Event],
    links: &Links,
    steps: &mut Vec<Delivery>,
) {
    let receipt = receipt_on_arrival(message, batch);
    // The shipped page expects to hear that its conversation is read before it hears what it read.
    if let Some(receipt) = receipt {
        tell_reader(receipt, event, steps);
    }
    steps.extend(entry(event, links).map(Delivery::TellRoom));
    match receipt {
        // Nothing waited before, and nothing waits now.
        Some(receipt) if !receipt.several => {
            steps.push(Delivery::RepeatUnread(receipt.reader.clone()));
        }
        _ => count_for_counterpart(event, steps),
    }
}

fn read(
    receipt: &ReadReceipt,
    event: &Event,
    batch: &[Event],
    links: &Links,
    steps: &mut Vec<Delivery>,
) {
    // What was read as it arrived says so itself.
    if !is_read_on_arrival(receipt, batch) {
        tell_reader(receipt, event, steps);
        steps.push(Delivery::CountUnread(receipt.reader.clone()));
    }
    steps.push(Delivery::RepeatUnreadLater(receipt.reader.clone()));
    // Last, because whoever heard it has heard all of this.
    tell_parties(event, links, steps);
}

/// Says what the log holds to both sides, wherever they are.
fn tell_parties(event: &Event, links: &Links, steps: &mut Vec<Delivery>) {
    let Some(told) = entry(event, links) else { return };
    for person in [&event.parties.salon, &event.parties.client] {
        steps.push(Delivery::TellUser(person.clone(), told.clone()));
    }
}

fn tell_reader(receipt: &ReadReceipt, event: &Event, steps: &mut Vec<Delivery>) {
    let told = events::conversation_unread(&event.conversation, receipt.unread);
    steps.extend(told.map(|told| Delivery::TellUser(receipt.reader.clone(), told)));
}

fn count_for_counterpart(event: &Event, steps: &mut Vec<Delivery>) {
    let counterpart = event.parties.counterpart_of(&event.actor);
    steps.extend(counterpart.cloned().map(Delivery::CountUnread));
}

/// The receipt in `batch` that made `message` read as it arrived.
fn receipt_on_arrival<'a>(message: &Message, batch: &'a [Event]) -> Option<&'a ReadReceipt> {
    batch.iter().find_map(|event| match &event.kind {
        EventKind::MessagesRead(receipt) if receipt.up_to == message.seq => Some(receipt),
        _ => None,
    })
}

/// Whether it is a message in `batch` that `receipt` made read.
fn is_read_on_arrival(receipt: &ReadReceipt, batch: &[Event]) -> bool {
    batch.iter().any(|event| match &event.kind {
        EventKind::MessagePosted(message) => message.seq == receipt.up_to,
        _ => false,
    })
}
