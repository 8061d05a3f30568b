//! A session that was cut off, taken up where it was (D12). Rights are asked for again: what is not
//! the person's any more is not told.

use domain::{
    event::{Event, EventKind},
    id::ConversationId,
    time::Timestamp,
    usecase::FindError,
};

use super::{
    super::{
        answer::Budget,
        delivery,
        missed::{CatchUp, heard_by, missed},
        outbound,
        subscriptions::{Subscription, Subscriptions},
        told::OutgoingEvent,
    },
    Context, Session,
};
use crate::failure::Failure;

/// How far the clocks of nodes may be apart, and how long a change may take from its time to its
/// commit, in milliseconds.
const CLOCKS_MAY_DIFFER_MS: i64 = 60_000;

/// What a session is told first, each with where it is by then.
pub(in super::super) type Replay = Vec<(OutgoingEvent, Subscriptions)>;

/// What is told so far, and how much more may be.
struct ReplayBuilder {
    replay: Replay,
    subscriptions: Subscriptions,
    events_left: u32,
    budget: Budget,
}

impl Session {
    /// Puts the session, which has just begun, where another was at `at`, and returns what it has
    /// to be told first. `None` when that is too much, or no longer known: the session is then
    /// where a new one is.
    ///
    /// # Errors
    /// The store's failure; the session is then of no use.
    pub(in super::super) async fn restore(
        &self,
        subscriptions: &Subscriptions,
        at: Timestamp,
    ) -> Result<Option<Replay>, Failure> {
        let Context { hub, settings, clock, .. } = &*self.context;
        let age_ms = clock.now().as_millis().saturating_sub(at.as_millis());
        if u64::try_from(age_ms).is_ok_and(|age_ms| age_ms > settings.recovery_age_max_ms) {
            return Ok(None);
        }
        // What is told meanwhile must not say that we are nowhere.
        hub.place(self.key, subscriptions);
        let mut recital = ReplayBuilder {
            replay: Vec::new(),
            subscriptions: subscriptions.clone(),
            events_left: settings.resume_events_max,
            budget: Budget::of(settings.answer_bytes_max),
        };
        for room in subscriptions.rooms() {
            if !self.restore_room(room, &mut recital).await? {
                self.leave_all(subscriptions);
                return Ok(None);
            }
        }
        self.restore_elsewhere(at, &mut recital).await?;
        Ok(Some(recital.replay))
    }

    /// Joins a conversation where the session left off. False when that cannot be told.
    async fn restore_room(
        &self,
        room: &Subscription,
        recital: &mut ReplayBuilder,
    ) -> Result<bool, Failure> {
        let Context { hub, messaging, .. } = &*self.context;
        let Subscription { conversation, visible, told } = room;
        let user = &self.caller.user;
        // As with every join: while we hold the turn nothing new is told here.
        let _turn = hub.take_turn(conversation).await;
        let events_max = recital.events_left;
        let events = match missed(messaging, conversation, user, *told, events_max).await {
            Ok(CatchUp::Events { events, has_more: false }) => events,
            Ok(CatchUp::Events { .. } | CatchUp::Trimmed) | Err(FindError::Unknown) => {
                return Ok(false);
            }
            Err(error @ FindError::Store(_)) => return Err(Failure::of_conversation(error)),
        };
        let since = events.last().map_or(*told, |event| event.seq);
        if !recital.tell(heard_by(user, &events, hub.links())) {
            return Ok(false);
        }
        if is_gone(&events) {
            self.leave_room(conversation);
            recital.subscriptions.leave(conversation);
        } else {
            hub.join(self.key, conversation, user, since, *visible, &[]);
            if let Some(told) = outbound::user_joined(user, conversation) {
                hub.tell_room(conversation, &told);
            }
        }
        recital.events_left =
            events_max.saturating_sub(u32::try_from(events.len()).unwrap_or(events_max));
        Ok(true)
    }

    /// What became of the person's other conversations; or, when that is too much, that all is to
    /// be loaded anew.
    async fn restore_elsewhere(
        &self,
        at: Timestamp,
        recital: &mut ReplayBuilder,
    ) -> Result<(), Failure> {
        let Context { hub, messaging, settings, .. } = &*self.context;
        let millis = at.as_millis().saturating_sub(CLOCKS_MAY_DIFFER_MS);
        let since = Timestamp::from_millis(millis).unwrap_or(Timestamp::UNIX_EPOCH);
        let changes_max = settings.resume_events_max;
        let changes = messaging.changes_since(&self.caller.user, since, changes_max + 1).await?;
        let rooms = recital.subscriptions.clone();
        let is_elsewhere = |event: &&Event| !rooms.has(&event.conversation);
        let elsewhere = changes.iter().filter(is_elsewhere);
        let elsewhere = elsewhere.filter_map(|event| delivery::entry(event, hub.links()));
        if changes.len() > changes_max as usize || !recital.tell(elsewhere) {
            recital.replay.extend(outbound::resync(None).map(|told| (told, rooms)));
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
    /// False, and not all of it is in, when that is too much for one answer.
    fn tell(&mut self, all: impl IntoIterator<Item = OutgoingEvent>) -> bool {
        for told in all {
            if !self.budget.take_event(told.data().get().len()) {
                return false;
            }
            self.subscriptions.advance(&told);
            self.replay.push((told, self.subscriptions.clone()));
        }
        true
    }
}

fn is_gone(events: &[Event]) -> bool {
    events.iter().any(|event| event.kind == EventKind::ConversationDeleted)
}
