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
    LogEvent as _, LogPosition, MessageDeleted, NewMessage, OutgoingEvent, ServerEvent as _,
};
use crate::{dto, links::Links};

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
pub(super) fn deliveries(events: &[Event], links: &Links) -> Vec<Delivery> {
    let mut deliveries = Vec::new();
    for event in events {
        match &event.kind {
            EventKind::MessagePosted(message) => {
                posted(message, event, events, links, &mut deliveries);
            }
            EventKind::MessagesRead(receipt) => {
                read(receipt, event, events, links, &mut deliveries);
            }
            EventKind::MessageDeleted(_) => {
                tell_parties(event, links, &mut deliveries);
                count_for_counterpart(event, &mut deliveries);
            }
            EventKind::ConversationDeleted => {
                tell_parties(event, links, &mut deliveries);
                deliveries.push(Delivery::CountUnread(event.parties.salon.clone()));
                deliveries.push(Delivery::CountUnread(event.parties.client.clone()));
            }
            EventKind::ConversationOpened { .. } | EventKind::ConversationUpdated { .. } => {
                tell_parties(event, links, &mut deliveries);
            }
            EventKind::MessageWithdrawn(_) => {}
        }
    }
    deliveries
}

/// The outgoing event of a log entry. `None` for a message that was withdrawn
/// by now: there is nothing to say about it.
pub(super) fn entry(event: &Event, links: &Links) -> Option<OutgoingEvent> {
    let (position, conversation) = (LogPosition::of(event), &event.conversation);
    match &event.kind {
        EventKind::MessagePosted(message) => {
            NewMessage(dto::Message::new(message, links)).encode_at(position)
        }
        EventKind::MessagesRead(receipt) => {
            ConversationRead::new(conversation, receipt, event.at).encode_for_people(position)
        }
        EventKind::MessageDeleted(message) => {
            MessageDeleted::new(conversation, message).encode_for_people(position)
        }
        EventKind::ConversationOpened { subject, status } => {
            let (parties, subject) = (&event.parties, subject.as_ref());
            let created = ConversationCreated::new(conversation, parties, subject, *status);
            created.encode_for_people(position)
        }
        EventKind::ConversationUpdated { subject, status } => {
            let updated = ConversationUpdated::new(conversation, subject.as_ref(), *status);
            updated.encode_for_people(position)
        }
        EventKind::ConversationDeleted => {
            ConversationDeleted::new(conversation).encode_for_people(position)
        }
        EventKind::MessageWithdrawn(_) => None,
    }
}

fn posted(
    message: &Message,
    event: &Event,
    batch: &[Event],
    links: &Links,
    deliveries: &mut Vec<Delivery>,
) {
    let receipt = receipt_on_arrival(message, batch);
    // The shipped page expects to hear that its conversation is read before it hears what it read.
    if let Some(receipt) = receipt {
        tell_reader(receipt, event, deliveries);
    }
    deliveries.extend(entry(event, links).map(Delivery::TellRoom));
    match receipt {
        // Nothing waited before, and nothing waits now.
        Some(receipt) if !receipt.several => {
            deliveries.push(Delivery::RepeatUnread(receipt.reader.clone()));
        }
        _ => count_for_counterpart(event, deliveries),
    }
}

fn read(
    receipt: &ReadReceipt,
    event: &Event,
    batch: &[Event],
    links: &Links,
    deliveries: &mut Vec<Delivery>,
) {
    // What was read as it arrived says so itself.
    if !is_read_on_arrival(receipt, batch) {
        tell_reader(receipt, event, deliveries);
        deliveries.push(Delivery::CountUnread(receipt.reader.clone()));
    }
    deliveries.push(Delivery::RepeatUnreadLater(receipt.reader.clone()));
    // Last: a client that has this one has all of these.
    tell_parties(event, links, deliveries);
}

/// Says what the log holds to both sides, wherever they are.
fn tell_parties(event: &Event, links: &Links, deliveries: &mut Vec<Delivery>) {
    let Some(outgoing) = entry(event, links) else { return };
    for person in [&event.parties.salon, &event.parties.client] {
        deliveries.push(Delivery::TellUser(person.clone(), outgoing.clone()));
    }
}

fn tell_reader(receipt: &ReadReceipt, event: &Event, deliveries: &mut Vec<Delivery>) {
    let unread = events::conversation_unread(&event.conversation, receipt.unread);
    deliveries.extend(unread.map(|unread| Delivery::TellUser(receipt.reader.clone(), unread)));
}

fn count_for_counterpart(event: &Event, deliveries: &mut Vec<Delivery>) {
    let counterpart = event.parties.counterpart_of(&event.actor);
    deliveries.extend(counterpart.cloned().map(Delivery::CountUnread));
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
