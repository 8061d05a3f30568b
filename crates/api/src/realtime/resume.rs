//! Resuming a session that was cut off (D12). Rights are checked again: what is not the person's any
//! more is not sent.

use domain::{
    Messaging,
    conversation::{
        event::{Event, EventKind},
        message::Message,
        queries::FindError,
        store::LogPiece,
    },
    ids::{ConversationId, Seq, UserId},
    page::Window,
    time::Timestamp,
};
use serde_json::{
    Value, json,
    value::{RawValue, to_raw_value},
};

use super::{
    commands::{Budget, SyncFrom},
    delivery::{self, Delivery},
    events::{self, OutgoingEvent},
    hub::{JoinNotice, Opening},
    session::{Context, Session},
    subscriptions::{Subscription, Subscriptions},
};
use crate::{
    dto,
    error::{Code, Failure},
    links::Links,
};

/// How far apart the clocks of nodes may be, plus how long a change may take from its timestamp to its
/// commit, in milliseconds.
const CLOCKS_MAY_DIFFER_MS: i64 = 60_000;

/// What a restored session is sent first.
pub(super) struct Replay {
    /// Each with the session's subscriptions by then.
    pub(super) events: Vec<(OutgoingEvent, Subscriptions)>,
    /// By the end.
    pub(super) subscriptions: Subscriptions,
}

/// The replay so far, and how much more may be added.
struct ReplayBuilder {
    replay: Replay,
    events_left: u32,
    budget: Budget,
}

impl Session {
    /// Gives the session, which has just begun, the subscriptions of another as of `at`, and returns
    /// what it has to be sent first. `None` when that is too much, or no longer in the log: the session
    /// is then like a new one.
    ///
    /// # Errors
    /// The store's failure; the session is then of no use.
    pub(super) async fn restore(
        &self,
        subscriptions: &Subscriptions,
        at: Timestamp,
    ) -> Result<Option<Replay>, Failure> {
        let Context { hub, settings, clock, .. } = &*self.context;
        let age_ms = clock.now().as_millis().saturating_sub(at.as_millis());
        if u64::try_from(age_ms).is_ok_and(|age_ms| age_ms > settings.recovery_age_max_ms) {
            return Ok(None);
        }
        // So that events sent from now on carry these subscriptions and not none.
        hub.set_subscriptions(self.key, subscriptions);
        let mut builder = ReplayBuilder {
            replay: Replay { events: Vec::new(), subscriptions: subscriptions.clone() },
            events_left: settings.resume_events_max,
            budget: Budget::of(settings.answer_bytes_max),
        };
        for room in subscriptions.rooms() {
            if !self.restore_room(room, &mut builder).await? {
                self.leave_all(subscriptions);
                return Ok(None);
            }
        }
        self.restore_elsewhere(at, &mut builder).await?;
        Ok(Some(builder.replay))
    }

    /// Joins a conversation where the session left off. False when that cannot be replayed.
    async fn restore_room(
        &self,
        room: &Subscription,
        builder: &mut ReplayBuilder,
    ) -> Result<bool, Failure> {
        let Context { hub, messaging, .. } = &*self.context;
        let Subscription { conversation, visible, delivered_seq } = room;
        let user = &self.caller.user;
        // As with every join: before anything is read.
        let pending = hub.begin_join(self.key, conversation, *visible);
        let events_max = builder.events_left;
        let events = match missed(messaging, conversation, user, *delivered_seq, events_max).await {
            Ok(CatchUp::Events { events, has_more: false }) => events,
            Ok(CatchUp::Events { .. } | CatchUp::Trimmed) | Err(FindError::Unknown) => {
                return Ok(false);
            }
            Err(error @ FindError::Store(_)) => return Err(Failure::of_conversation(error)),
        };
        let since = events.last().map_or(*delivered_seq, |event| event.seq);
        if !builder.add(sent_to(user, &events, hub.links())) {
            return Ok(false);
        }
        if is_gone(&events) {
            self.leave_room(conversation);
            builder.replay.subscriptions.leave(conversation);
        } else {
            // The events themselves are in the replay.
            let opening = Opening { events: &[], since, is_log: true };
            pending.complete(user, &opening, JoinNotice::UnlessPresent);
        }
        builder.events_left =
            events_max.saturating_sub(u32::try_from(events.len()).unwrap_or(events_max));
        Ok(true)
    }

    /// Replays the changes of the person's other conversations; a `resync` when they are too many.
    async fn restore_elsewhere(
        &self,
        at: Timestamp,
        builder: &mut ReplayBuilder,
    ) -> Result<(), Failure> {
        let Context { hub, messaging, settings, .. } = &*self.context;
        let millis = at.as_millis().saturating_sub(CLOCKS_MAY_DIFFER_MS);
        let since = Timestamp::from_millis(millis).unwrap_or(Timestamp::UNIX_EPOCH);
        let changes_max = settings.resume_events_max;
        let changes = messaging.changes_since(&self.caller.user, since, changes_max + 1).await?;
        let rooms = builder.replay.subscriptions.clone();
        let is_elsewhere = |event: &&Event| !rooms.has(&event.conversation);
        let elsewhere = changes.iter().filter(is_elsewhere);
        let elsewhere = elsewhere.filter_map(|event| delivery::entry(event, hub.links()));
        if changes.len() > changes_max as usize || !builder.add(elsewhere) {
            builder.replay.events.extend(events::resync(None).map(|event| (event, rooms)));
        }
        Ok(())
    }

    fn leave_all(&self, subscriptions: &Subscriptions) {
        for room in subscriptions.rooms() {
            self.leave_room(&room.conversation);
        }
    }

    fn leave_room(&self, conversation: &ConversationId) {
        self.context.hub.leave(self.key, conversation);
    }
}

impl ReplayBuilder {
    /// Adds events. False, and not all of them are added, when they are too much for one answer.
    fn add(&mut self, all: impl IntoIterator<Item = OutgoingEvent>) -> bool {
        for event in all {
            if !self.budget.take_event(event.data().get().len()) {
                return false;
            }
            let Replay { events, subscriptions } = &mut self.replay;
            let event = subscriptions.advance(&event).clone();
            events.push((event, subscriptions.clone()));
        }
        true
    }
}

fn is_gone(events: &[Event]) -> bool {
    events.iter().any(|event| event.kind == EventKind::ConversationDeleted)
}

// Joining after a position, and asking for what was missed (D12).

/// What a session that joins is sent first.
pub(crate) struct JoinSnapshot {
    /// The events it is sent.
    pub(crate) events: Vec<OutgoingEvent>,
    /// The position up to which they are complete.
    pub(crate) since: Seq,
    /// Whether the client has to reload the conversation although it sent a position.
    pub(crate) resync: bool,
    /// Whether the events are entries of the log, and not a history.
    pub(crate) is_log: bool,
}

impl JoinSnapshot {
    pub(crate) fn as_opening(&self) -> Opening<'_> {
        Opening { events: &self.events, since: self.since, is_log: self.is_log }
    }
}

impl Session {
    /// What a session that joins is sent first: what happened after the position it knows, or, if
    /// it knows none or that is too long ago, the history.
    pub(crate) async fn opening(
        &self,
        conversation: &ConversationId,
        after: Option<Seq>,
    ) -> Result<JoinSnapshot, Failure> {
        if let Some(after) = after
            && let Some(opening) = self.continuation(conversation, after).await?
        {
            return Ok(opening);
        }
        let history = self.history(conversation, self.context.settings.history_messages).await?;
        let resync = after.is_some();
        let news = resync.then(|| events::resync(Some(conversation))).flatten();
        let events = news.into_iter().chain(history.events).collect();
        Ok(JoinSnapshot { events, since: history.since, resync, is_log: false })
    }

    /// What happened after `after`; `None` when the log no longer reaches back, or it is too much for one answer.
    async fn continuation(
        &self,
        conversation: &ConversationId,
        after: Seq,
    ) -> Result<Option<JoinSnapshot>, Failure> {
        let Context { hub, messaging, settings, .. } = &*self.context;
        let user = &self.caller.user;
        let missed = missed(messaging, conversation, user, after, settings.resume_events_max).await;
        let CatchUp::Events { events, has_more: false } =
            missed.map_err(Failure::of_conversation)?
        else {
            return Ok(None);
        };
        // A log that outlived its conversation is nothing to join; and a position that the log
        // never came to is no position. What happened between the two reads follows the opening.
        let last_seq = self.history(conversation, 1).await?.since;
        let since = events.last().map_or(after, |event| event.seq);
        let events = sent_to(user, &events, hub.links());
        let mut budget = Budget::of(settings.answer_bytes_max);
        let fits = events.iter().all(|event| budget.take_event(event.data().get().len()));
        let snapshot = JoinSnapshot { events, since, resync: false, is_log: true };
        Ok((since <= last_seq && fits).then_some(snapshot))
    }

    async fn history(
        &self,
        conversation: &ConversationId,
        messages: u32,
    ) -> Result<JoinSnapshot, Failure> {
        let window = Window::first(i64::from(messages));
        let messaging = &self.context.messaging;
        let history = messaging.history(conversation, &self.caller.user, &window).await;
        let history = history.map_err(Failure::of_conversation)?;
        let since = history.last_seq;
        let (messages, has_more) = self.fitting(&history.page.items)?;
        let has_more = has_more || history.page.next.is_some();
        let history = events::history(conversation, messages, since, has_more);
        let events = history.into_iter().collect();
        Ok(JoinSnapshot { events, since, resync: false, is_log: false })
    }

    /// Of `messages`, newest first, those that fit into one answer, and whether there are more. One
    /// always does: no message is half as large.
    fn fitting(&self, messages: &[Message]) -> Result<(Vec<Box<RawValue>>, bool), Failure> {
        let Context { hub, settings, .. } = &*self.context;
        let mut budget = Budget::of(settings.answer_bytes_max);
        // The history itself, and that there is nothing else to go by.
        let _leaves_room = budget.take_event(0) && budget.take_event(0);
        let mut fitting: Vec<Box<RawValue>> = Vec::with_capacity(messages.len());
        for message in messages {
            let message = to_raw_value(&dto::Message::new(message, hub.links()));
            let message = message.map_err(Failure::internal)?;
            // With the comma in front of it.
            if !budget.take(message.get().len() + 1) && !fitting.is_empty() {
                return Ok((fitting, true));
            }
            fitting.push(message);
        }
        Ok((fitting, false))
    }

    /// What was missed in several conversations, all together no more than is replayed at once, and
    /// than fits into one answer.
    pub(crate) async fn sync(&self, conversations: &[SyncFrom]) -> Result<Value, Failure> {
        let Context { hub, messaging, settings, .. } = &*self.context;
        let mut left = settings.resume_events_max;
        let mut budget = Budget::of(settings.answer_bytes_max);
        let mut pages = Vec::with_capacity(conversations.len());
        for SyncFrom { conversation, after } in conversations {
            if left == 0 {
                let nothing = CatchUp::Events { events: Vec::new(), has_more: true };
                pages.push(encode(&nothing.page(conversation, *after, hub.links()))?);
                continue;
            }
            let missed = missed(messaging, conversation, &self.caller.user, *after, left).await;
            pages.push(match missed.map_err(Failure::of_conversation) {
                Ok(missed) => {
                    let mut page = missed.page(conversation, *after, hub.links());
                    left = left.saturating_sub(u32::try_from(page.events.len()).unwrap_or(left));
                    if cut(&mut page, *after, &mut budget) {
                        left = 0;
                    }
                    encode(&page)?
                }
                Err(failure) if failure.code() == Code::ConversationNotFound => {
                    json!({ "conversationId": conversation.as_str(), "code": failure.code().as_str() })
                }
                Err(failure) => return Err(failure),
            });
        }
        Ok(json!({ "conversations": pages }))
    }
}

/// Takes from `page`, which begins behind `after`, what does not fit; true when that is something.
fn cut(page: &mut dto::LogPage, after: Seq, budget: &mut Budget) -> bool {
    let mut fits = |entry: &dto::LogEntry| budget.take_event(entry.data.get().len());
    let fitting = page.events.iter().take_while(|entry| fits(entry)).count();
    if fitting == page.events.len() {
        return false;
    }
    page.events.truncate(fitting);
    page.last_seq = page.events.last().map_or(after.get(), |entry| entry.seq);
    page.has_more = true;
    true
}

fn encode(page: &dto::LogPage) -> Result<Value, Failure> {
    serde_json::to_value(page).map_err(Failure::internal)
}

// What a client missed of a conversation, read from its log (D12).

/// What happened after a position.
#[derive(Debug)]
pub(crate) enum CatchUp {
    /// This, oldest first; and maybe more.
    Events { events: Vec<Event>, has_more: bool },
    /// The log no longer reaches back so far.
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
    /// The answer to a client that asked for what happened in `conversation` after `after`.
    pub(crate) fn page(
        &self,
        conversation: &ConversationId,
        after: Seq,
        links: &Links,
    ) -> dto::LogPage {
        let (events, has_more) = match self {
            Self::Events { events, has_more } => (events.as_slice(), *has_more),
            Self::Trimmed => (&[][..], false),
        };
        dto::LogPage {
            conversation_id: conversation.to_string(),
            events: events.iter().filter_map(|event| entry(event, links)).collect(),
            last_seq: events.last().map_or(after, |event| event.seq).get(),
            has_more,
            resync: matches!(self, Self::Trimmed),
        }
    }
}

fn entry(event: &Event, links: &Links) -> Option<dto::LogEntry> {
    let outgoing = delivery::entry(event, links)?;
    Some(dto::LogEntry {
        event: outgoing.name(),
        data: outgoing.data().to_owned(),
        seq: event.seq.get(),
    })
}

/// What a session of `user` that had joined would have been sent of `events`.
pub(super) fn sent_to(user: &UserId, events: &[Event], links: &Links) -> Vec<OutgoingEvent> {
    let deliveries =
        events.iter().flat_map(|event| delivery::deliveries(std::slice::from_ref(event), links));
    let events = deliveries.filter_map(|delivery| match delivery {
        Delivery::TellRoom(event) => Some(event),
        Delivery::TellUser(receiver, event) => Some(event).filter(|_| receiver == *user),
        Delivery::CountUnread(_) | Delivery::RepeatUnread(_) | Delivery::RepeatUnreadLater(_) => {
            None
        }
    });
    events.collect()
}
