//! What somebody missed of a conversation, read from its log (D12).

use domain::{
    Messaging,
    event::Event,
    id::{ConversationId, UserId},
    ports::LogPiece,
    seq::Seq,
    usecase::FindError,
};

use super::{
    delivery::{self, Delivery},
    told::OutgoingEvent,
};
use crate::{links::Links, wire};

/// What happened after a position.
#[derive(Debug)]
pub(crate) enum CatchUp {
    /// This, oldest first; and maybe more.
    Events { events: Vec<Event>, has_more: bool },
    /// Nobody knows any more: the log no longer reaches back.
    Trimmed,
}

/// What `user` missed in `conversation` after a position, at most `events_max` events (1 to 999).
///
/// # Errors
/// [`FindError::Unknown`] to anybody who takes no part, too.
pub(crate) async fn missed(
    messaging: &Messaging,
    conversation: &ConversationId,
    user: &UserId,
    after: Seq,
    events_max: u32,
) -> Result<CatchUp, FindError> {
    // One more tells whether there is more.
    let piece = messaging.events_after(conversation, user, after, events_max + 1).await?;
    Ok(match piece {
        LogPiece::Events(mut events) => {
            let has_more = events.len() > events_max as usize;
            events.truncate(events_max as usize);
            CatchUp::Events { events, has_more }
        }
        LogPiece::Trimmed => CatchUp::Trimmed,
    })
}

impl CatchUp {
    /// The answer to somebody who asked for what happened in `conversation` after `after`.
    pub(crate) fn page(
        &self,
        conversation: &ConversationId,
        after: Seq,
        links: &Links,
    ) -> wire::LogPage {
        let (events, has_more) = match self {
            Self::Events { events, has_more } => (events.as_slice(), *has_more),
            Self::Trimmed => (&[][..], false),
        };
        wire::LogPage {
            conversation_id: conversation.to_string(),
            events: events.iter().filter_map(|event| entry(event, links)).collect(),
            last_seq: events.last().map_or(after, |event| event.seq).get(),
            has_more,
            resync: matches!(self, Self::Trimmed),
        }
    }
}

fn entry(event: &Event, links: &Links) -> Option<wire::LogEntry> {
    let told = delivery::entry(event, links)?;
    Some(wire::LogEntry { event: told.name(), data: told.data().to_owned(), seq: event.seq.get() })
}

/// What a session of `user` that had joined would have heard of `events`.
pub(super) fn heard_by(user: &UserId, events: &[Event], links: &Links) -> Vec<OutgoingEvent> {
    let steps = events.iter().flat_map(|event| delivery::steps(std::slice::from_ref(event), links));
    let heard = steps.filter_map(|step| match step {
        Delivery::TellRoom(told) => Some(told),
        Delivery::TellUser(whom, told) => Some(told).filter(|_| whom == *user),
        Delivery::CountUnread(_) | Delivery::RepeatUnread(_) | Delivery::RepeatUnreadLater(_) => {
            None
        }
    });
    heard.collect()
}
