//! Who can be reached, told to those they talk with and to nobody else.
//!
//! When a person comes online their partners are read, once, whatever number of sessions they open;
//! from then on the events of conversations keep that circle true. A change of presence asks the
//! store nothing.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::{
    conversation::{
        Parties,
        live::{Presence, PresencePolicy},
    },
    ids::UserId,
    participant::{
        NAMELESS,
        store::{ParticipantStore, ParticipantWithPartners},
    },
};
use tokio::{
    sync::{Notify, Semaphore},
    time::{Instant, sleep_until},
};

use super::{
    Retry,
    events::{OnlinePerson, PresenceSnapshot, ServerEvent as _, UserOffline, UserOnline},
    hub::{Hub, SessionKey},
};

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
    store: Arc<dyn ParticipantStore>,
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
    pub(super) fn new(settings: Settings, store: Arc<dyn ParticipantStore>) -> Self {
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

// The one task that keeps presence true while time passes: it renews the leases of this node's
// sessions, whose own heartbeats end those that are dead, and lets people go.

/// How many beats a lease outlives.
const BEATS_PER_LEASE: u32 = 3;
/// How many leases are renewed under one lock.
const RENEWALS_AT_ONCE_MAX: usize = 512;

/// Keeps the presence of `hub`, for as long as the runtime lives.
pub(crate) fn keep(hub: &Hub) {
    let hub = hub.clone();
    tokio::spawn(async move {
        let presence_tracker = hub.presence_tracker();
        let pause =
            Duration::from_millis(presence_tracker.settings.terms.lease_ms) / BEATS_PER_LEASE;
        let mut next_beat = Instant::now() + pause;
        loop {
            let due = presence_tracker.next_departure().map_or(next_beat, |due| due.min(next_beat));
            tokio::select! {
                () = sleep_until(due) => {}
                () = presence_tracker.changed.notified() => {}
            }
            if next_beat <= Instant::now() {
                presence_tracker.renew().await;
                next_beat = Instant::now() + pause;
            }
            presence_tracker.sweep(&hub);
        }
    });
}

impl PresenceTracker {
    fn next_departure(&self) -> Option<Instant> {
        self.state().register.next_departure().map(|after| self.born + after)
    }

    /// Renews the lease of every session of this node, without holding anybody up for long.
    async fn renew(&self) {
        let sessions: Vec<SessionKey> = self.state().sessions.keys().copied().collect();
        for some in sessions.chunks(RENEWALS_AT_ONCE_MAX) {
            self.state().renew(some, self.now());
            tokio::task::yield_now().await;
        }
    }
}

impl State {
    /// Renews the leases of those of `sessions` that have not ended meanwhile.
    fn renew(&mut self, sessions: &[SessionKey], now: Duration) {
        for session in sessions {
            if let Some(user) = self.sessions.get(session) {
                self.register.hold(user, *session, now);
            }
        }
    }
}

// One person who is online: what they are called, and who hears of them.

/// A person's circle.
struct PartnerSet {
    name: Arc<str>,
    partners: HashSet<UserId>,
    reading: Reading,
    is_known: bool,
    /// Sessions that wait to be told who is online.
    newcomers: Vec<SessionKey>,
}

/// Whether the circle is being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    No,
    Yes,
    /// It changed meanwhile: what is read may miss that, and has to be read again.
    Stale,
}

impl Default for PartnerSet {
    fn default() -> Self {
        Self {
            name: NAMELESS.into(),
            partners: HashSet::new(),
            reading: Reading::No,
            is_known: false,
            newcomers: Vec::new(),
        }
    }
}

impl PartnerSet {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn partners(&self) -> &HashSet<UserId> {
        &self.partners
    }

    /// Whether it has been read.
    fn is_known(&self) -> bool {
        self.is_known
    }

    fn await_snapshot(&mut self, session: SessionKey) {
        self.newcomers.push(session);
    }

    /// Makes the caller the one who reads the circle for the first time; false when that is done
    /// or under way.
    fn start_reading_first(&mut self) -> bool {
        !self.is_known && self.start_reading(Reading::Yes)
    }

    /// Makes the caller the one who reads the circle again; false when somebody does, who will then
    /// do so once more.
    fn start_reading_again(&mut self) -> bool {
        self.start_reading(Reading::Stale)
    }

    fn start_reading(&mut self, otherwise: Reading) -> bool {
        if self.reading == Reading::No {
            self.reading = Reading::Yes;
            return true;
        }
        if otherwise == Reading::Stale {
            self.reading = Reading::Stale;
        }
        false
    }

    /// Adds a partner, unless there are `partners_max` already. Returns whether they are new to a
    /// circle that is known; an unknown one is read again, which finds them.
    fn add(&mut self, partner: &UserId, partners_max: usize) -> bool {
        if self.reading != Reading::No {
            self.reading = Reading::Stale;
        }
        self.is_known && self.partners.len() < partners_max && self.partners.insert(partner.clone())
    }

    /// Takes what was read; `None` for a person the directory does not know. Returns false when it
    /// has to be read again.
    fn take(&mut self, read: Option<ParticipantWithPartners>) -> bool {
        if self.reading == Reading::Stale {
            self.reading = Reading::Yes;
            return false;
        }
        self.reading = Reading::No;
        if let Some(ParticipantWithPartners { person, partners }) = read {
            self.name = person.display_name().into();
            self.partners = partners.into_iter().collect();
        }
        true
    }

    /// Makes the circle known. `None` when it was before; else the sessions that waited for it.
    fn reveal(&mut self) -> Option<Vec<SessionKey>> {
        let was_known = std::mem::replace(&mut self.is_known, true);
        (!was_known).then(|| std::mem::take(&mut self.newcomers))
    }
}

// Reading circles from the store.

impl PresenceTracker {
    /// Reads the circle of `user` and tells what follows from it, soon. Asked by whoever started
    /// the reading.
    fn read(hub: &Hub, user: &UserId) {
        let (hub, user) = (hub.clone(), user.clone());
        tokio::spawn(async move { hub.presence_tracker().read_until_settled(&hub, &user).await });
    }

    async fn read_until_settled(&self, hub: &Hub, user: &UserId) {
        let mut retry = Retry::new();
        while self.state().circles.contains_key(user) {
            let Some(read) = self.ask(user).await else {
                retry.wait().await;
                continue;
            };
            if self.settle(hub, user, read) {
                return;
            }
            retry.succeeded();
        }
    }

    /// Asks the store; `None` when it fails.
    async fn ask(&self, user: &UserId) -> Option<Option<ParticipantWithPartners>> {
        // The gate is never closed; if it were, reading without it is still right.
        let _permit = self.gate.acquire().await.ok();
        let partners_max = self.settings.partners_per_person_max;
        self.store
            .acquaintances(user, partners_max)
            .await
            .inspect_err(|error| tracing::warn!(%error, user.id = %user, "a circle has to wait"))
            .ok()
    }

    /// Whether that is all; else it has to be read again.
    fn settle(&self, hub: &Hub, user: &UserId, read: Option<ParticipantWithPartners>) -> bool {
        let mut state = self.state();
        let Some(partner_set) = state.circles.get_mut(user) else { return true };
        if !partner_set.take(read) {
            return false;
        }
        if let Some(newcomers) = partner_set.reveal() {
            state.tell_online(hub, user);
            for session in newcomers {
                state.tell_snapshot(hub, user, session);
            }
        }
        true
    }
}

// What is said of presence, and to whom.

impl State {
    /// Tells the partners of `user`, who is online now.
    fn tell_online(&self, hub: &Hub, user: &UserId) {
        let Some(partner_set) = self.circles.get(user) else { return };
        let (user_id, user_name) = (user.as_str(), &**partner_set.name());
        let Some(told) = (UserOnline { user_id, user_name }).told() else { return };
        for partner in
            partner_set.partners().iter().filter(|partner| self.register.is_online(partner))
        {
            hub.tell_user_volatile(partner, &told);
        }
    }

    /// Tells one person that `user` is online, if that is so.
    fn tell_online_to(&self, hub: &Hub, listener: &UserId, user: &UserId) {
        let Some(partner_set) = self.circles.get(user).filter(|partner_set| partner_set.is_known())
        else {
            return;
        };
        let (user_id, user_name) = (user.as_str(), &**partner_set.name());
        if let Some(told) = (UserOnline { user_id, user_name }).told() {
            hub.tell_user_volatile(listener, &told);
        }
    }

    /// Forgets `user`, who is offline now, and tells their partners.
    fn tell_offline(&mut self, hub: &Hub, user: &UserId) {
        let Some(partner_set) = self.circles.remove(user) else { return };
        let Some(told) = (UserOffline { user_id: user.as_str() }).told() else { return };
        for partner in
            partner_set.partners().iter().filter(|partner| self.register.is_online(partner))
        {
            hub.tell_user_volatile(partner, &told);
        }
    }

    /// Tells a session of `user` which of their partners are online.
    fn tell_snapshot(&self, hub: &Hub, user: &UserId, session: SessionKey) {
        let Some(partner_set) = self.circles.get(user) else { return };
        let online =
            partner_set.partners().iter().filter(|partner| self.register.is_online(partner));
        let online = online.map(|partner| OnlinePerson { user_id: partner.as_str() }).collect();
        if let Some(told) = (PresenceSnapshot { online }).told() {
            hub.tell_session(session, &told);
        }
    }

    /// Makes `partner` one of those that `user` hears of, and tells whether they are online.
    fn partners_added(&mut self, hub: &Hub, user: &UserId, partner: &UserId, partners_max: usize) {
        let partner_set = self.circles.get_mut(user);
        if partner_set.is_some_and(|partner_set| partner_set.add(partner, partners_max)) {
            self.tell_online_to(hub, user, partner);
        }
    }
}
