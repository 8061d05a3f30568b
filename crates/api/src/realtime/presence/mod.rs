//! Who can be reached, told to those they talk with and to nobody else.
//!
//! When a person comes online their partners are read, once, whatever number of sessions they open;
//! from then on the events of conversations keep that circle true. A change of presence asks the
//! store nothing.

mod beat;
mod load;
mod news;
mod partner_set;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::{
    conversation::Parties,
    id::UserId,
    participant::NAMELESS,
    ports::Store,
    presence::{Presence, PresencePolicy},
};
use tokio::{
    sync::{Notify, Semaphore},
    time::Instant,
};

pub(super) use self::beat::keep;
use self::partner_set::PartnerSet;
use super::hub::{Hub, SessionKey};

/// How many circles are read at the same time.
const READS_AT_ONCE_MAX: usize = 4;

/// The bounds of presence.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How long presence outlives what it was told.
    pub terms: PresencePolicy,
    /// People who hear of one person, and of whom that person hears: 1 to 10,000. Those they talked
    /// with last count.
    pub partners_per_person_max: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { terms: PresencePolicy::default(), partners_per_person_max: 2_000 }
    }
}

/// Who can be reached on this node.
pub(super) struct PresenceTracker {
    settings: Settings,
    store: Arc<dyn Store>,
    state: Mutex<State>,
    /// Times are counted from here.
    born: Instant,
    /// Rings when somebody may leave earlier than was known.
    changed: Notify,
    gate: Semaphore,
}

/// Changed and told under one lock, so that everyone hears of changes in the order in which they
/// happened. The lock of the roster may be taken inside of this one, never the other way round.
struct State {
    register: Presence<SessionKey>,
    /// Whose the sessions of this node are.
    sessions: HashMap<SessionKey, UserId>,
    /// Of everyone who is online.
    circles: HashMap<UserId, PartnerSet>,
}

impl PresenceTracker {
    /// Nobody is here yet.
    pub(super) fn new(settings: Settings, store: Arc<dyn Store>) -> Self {
        let state = State {
            register: Presence::new(settings.terms),
            sessions: HashMap::new(),
            circles: HashMap::new(),
        };
        Self {
            settings,
            store,
            state: Mutex::new(state),
            born: Instant::now(),
            changed: Notify::new(),
            gate: Semaphore::new(READS_AT_ONCE_MAX),
        }
    }

    /// No code that holds this lock can panic halfway through a change, so a poisoned one is sound.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Duration {
        self.born.elapsed()
    }

    /// Takes a session in: it is told who is online, and with a first session its person's partners
    /// hear of them.
    pub(super) fn session_opened(&self, hub: &Hub, user: &UserId, session: SessionKey) {
        let mut state = self.state();
        state.sessions.insert(session, user.clone());
        state.register.hold(user, session, self.now());
        let partner_set = state.circles.entry(user.clone()).or_default();
        let (is_known, is_new) = (partner_set.is_known(), partner_set.start_reading_first());
        if is_known {
            state.tell_snapshot(hub, user, session);
        } else {
            partner_set.await_snapshot(session);
        }
        drop(state);
        self.changed.notify_one();
        if is_new {
            Self::read(hub, user);
        }
    }

    /// Lets a session go. Its person's partners hear of it when it was the last, after the grace.
    pub(super) fn session_closed(&self, user: &UserId, session: SessionKey) {
        let mut state = self.state();
        state.sessions.remove(&session);
        state.register.release(user, session, self.now());
        drop(state);
        self.changed.notify_one();
    }

    /// What others call a person who is online.
    pub(super) fn name_of(&self, user: &UserId) -> Arc<str> {
        let state = self.state();
        state
            .circles
            .get(user)
            .map_or_else(|| NAMELESS.into(), |partner_set| partner_set.name().clone())
    }

    /// Two people talk with each other from now on: they hear of each other, at once if both are
    /// online.
    pub(super) fn partners_added(&self, hub: &Hub, parties: &Parties) {
        let partners_max = usize::try_from(self.settings.partners_per_person_max);
        let partners_max = partners_max.unwrap_or(usize::MAX);
        let Parties { salon, client } = parties;
        let mut state = self.state();
        state.partners_added(hub, salon, client, partners_max);
        state.partners_added(hub, client, salon, partners_max);
    }

    /// A conversation of two people is no more. Whether they have another says the store.
    pub(super) fn partners_removed(&self, hub: &Hub, parties: &Parties) {
        for user in [&parties.salon, &parties.client] {
            let asks =
                self.state().circles.get_mut(user).is_some_and(PartnerSet::start_reading_again);
            if asks {
                Self::read(hub, user);
            }
        }
    }

    /// Lets those go whose time is over, and tells their partners.
    fn sweep(&self, hub: &Hub) {
        let mut state = self.state();
        for user in state.register.sweep(self.now()) {
            state.tell_offline(hub, &user);
        }
    }
}
