//! Who is online: sent to their conversation partners only.
//!
//! A person's partners are read once, when they come online, however many sessions they open; from
//! then on the events of conversations keep the set up to date. A change of presence queries nothing.

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
        NAMELESS, Participant, Profile, Role,
        store::{ParticipantStore, ParticipantWithPartners},
    },
};
use tokio::{
    runtime::Handle,
    sync::{Notify, Semaphore},
    time::{Instant, sleep_until},
};

use super::{
    events::{OnlinePerson, PresenceSnapshot, ServerEvent as _, UserOffline, UserOnline},
    registry::SessionRegistry,
    retry::{Retry, caught, caught_async, until_done},
    room::SessionKey,
};

/// How many partner sets are read at the same time.
const READS_AT_ONCE_MAX: usize = 4;

/// The bounds of presence.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How long presence lasts without a sign of life.
    pub terms: PresencePolicy,
    /// The most partners of one person, 1 to 10,000: the ones they talked with last.
    pub partners_per_person_max: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { terms: PresencePolicy::default(), partners_per_person_max: 2_000 }
    }
}

/// Who is online on this node.
pub(super) struct PresenceTracker {
    settings: Settings,
    sessions: Arc<SessionRegistry>,
    store: Arc<dyn ParticipantStore>,
    /// Where partners are read: whoever publishes a change may have a runtime that ends with it.
    runtime: Handle,
    state: Mutex<State>,
    /// Times are counted from here.
    started: Instant,
    /// Notified when a person may go offline earlier than the sweep had planned.
    changed: Notify,
    /// Bounds the reads under way.
    reads: Semaphore,
}

/// Changed and sent under one lock, so that everyone is sent changes in the order in which they
/// happened. The registry is locked inside of this lock; it knows nothing of it.
struct State {
    register: Presence<SessionKey>,
    /// The owner of each session of this node.
    owners: HashMap<SessionKey, UserId>,
    /// The partners of everyone who is online.
    partner_sets: HashMap<UserId, PartnerSet>,
}

impl PresenceTracker {
    /// Without anybody online.
    pub(super) fn new(
        settings: Settings,
        sessions: Arc<SessionRegistry>,
        store: Arc<dyn ParticipantStore>,
        runtime: Handle,
    ) -> Self {
        let state = State {
            register: Presence::new(settings.terms),
            owners: HashMap::new(),
            partner_sets: HashMap::new(),
        };
        Self {
            settings,
            sessions,
            store,
            runtime,
            state: Mutex::new(state),
            started: Instant::now(),
            changed: Notify::new(),
            reads: Semaphore::new(READS_AT_ONCE_MAX),
        }
    }

    /// No code that holds this lock can panic halfway through a change, so a poisoned one is sound.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// A session was opened: it is sent who is online, and for a first session the person's partners
    /// are sent `user-online`.
    pub(super) fn session_opened(self: &Arc<Self>, user: &UserId, session: SessionKey) {
        let mut state = self.state();
        state.owners.insert(session, user.clone());
        state.register.renew(user, session, self.now());
        let partner_set = state.partner_sets.entry(user.clone()).or_default();
        let (is_known, is_new) = (partner_set.is_known, partner_set.start_reading_first());
        if is_known {
            state.send_snapshot(&self.sessions, user, session);
        } else {
            partner_set.newcomers.push(session);
        }
        drop(state);
        self.changed.notify_one();
        if is_new {
            self.read(user);
        }
    }

    /// A session was closed. Its person's partners are sent `user-offline` when it was the last, after the grace.
    pub(super) fn session_closed(&self, user: &UserId, session: SessionKey) {
        let mut state = self.state();
        state.owners.remove(&session);
        state.register.release(user, session, self.now());
        drop(state);
        self.changed.notify_one();
    }

    /// The display name of a person who is online.
    pub(super) fn name_of(&self, user: &UserId) -> Arc<str> {
        let state = self.state();
        let partner_set = state.partner_sets.get(user);
        partner_set.map_or_else(|| NAMELESS.into(), |partner_set| partner_set.name.clone())
    }

    /// Two people have a conversation from now on: each is sent the other's presence, at once if both are
    /// online.
    pub(super) fn partners_added(&self, parties: &Parties) {
        let partners_max = usize::try_from(self.settings.partners_per_person_max);
        let partners_max = partners_max.unwrap_or(usize::MAX);
        let Parties { salon, client } = parties;
        let mut state = self.state();
        state.add_partner(&self.sessions, salon, client, partners_max);
        state.add_partner(&self.sessions, client, salon, partners_max);
    }

    /// A conversation of two people was deleted. The store knows whether they have another.
    pub(super) fn partners_removed(self: &Arc<Self>, parties: &Parties) {
        for user in [&parties.salon, &parties.client] {
            self.read_again(user);
        }
    }

    /// The directory's entry of a person has changed: it is read again.
    pub(super) fn profile_changed(self: &Arc<Self>, user: &UserId) {
        self.read_again(user);
    }

    /// A person was forgotten: their name is not sent any more, whether the directory can be read now
    /// or not.
    pub(super) fn person_forgotten(self: &Arc<Self>, user: &UserId) {
        if let Some(partner_set) = self.state().partner_sets.get_mut(user) {
            let nobody = Participant::new(user.clone(), Role::Other, Profile::default());
            let forgotten = Participant { is_forgotten: true, ..nobody };
            partner_set.name = forgotten.display_name().into();
        }
        self.read_again(user);
    }

    fn read_again(self: &Arc<Self>, user: &UserId) {
        let mut state = self.state();
        let partner_set = state.partner_sets.get_mut(user);
        let is_ours = partner_set.is_some_and(PartnerSet::start_reading_again);
        drop(state);
        if is_ours {
            self.read(user);
        }
    }

    /// Whether the partners of `user` are being read.
    #[cfg(test)]
    pub(super) fn is_reading(&self, user: &UserId) -> bool {
        let state = self.state();
        state.partner_sets.get(user).is_some_and(|partner_set| partner_set.reading != Reading::No)
    }

    /// Removes those whose time is over, and tells their partners.
    fn sweep(&self) {
        let mut state = self.state();
        for user in state.register.sweep(self.now()) {
            state.send_offline(&self.sessions, &user);
        }
    }
}

// The task that renews the leases of this node's sessions, whose own heartbeats end those that are
// dead, and lets people go offline.

/// How often a lease is renewed within its time.
const RENEWALS_PER_LEASE: u32 = 3;
/// How many leases are renewed under one lock.
const RENEWALS_AT_ONCE_MAX: usize = 512;

/// Keeps `presence` up to date, for as long as the runtime lives.
pub(super) fn keep(presence: &Arc<PresenceTracker>) {
    let presence = presence.clone();
    tokio::spawn(async move {
        let pause = Duration::from_millis(presence.settings.terms.lease_ms) / RENEWALS_PER_LEASE;
        let mut next_renewal = Instant::now() + pause;
        let mut retry = Retry::new();
        loop {
            let due = presence.next_departure().map_or(next_renewal, |due| due.min(next_renewal));
            tokio::select! {
                () = sleep_until(due) => {}
                () = presence.changed.notified() => {}
            }
            let mut renewed = Some(());
            if next_renewal <= Instant::now() {
                renewed = caught_async("renewing leases", presence.renew()).await;
                next_renewal = Instant::now() + pause;
            }
            match renewed.and(caught("letting people go offline", || presence.sweep())) {
                Some(()) => retry.succeeded(),
                None => retry.wait().await,
            }
        }
    });
}

impl PresenceTracker {
    fn next_departure(&self) -> Option<Instant> {
        self.state().register.next_expiry().map(|after| self.started + after)
    }

    /// Renews the lease of every session of this node, without holding the lock for long.
    async fn renew(&self) {
        let sessions: Vec<SessionKey> = self.state().owners.keys().copied().collect();
        for some in sessions.chunks(RENEWALS_AT_ONCE_MAX) {
            self.state().renew(some, self.now());
            tokio::task::yield_now().await;
        }
    }
}

impl State {
    /// Renews the leases of those of `sessions` that are still open.
    fn renew(&mut self, sessions: &[SessionKey], now: Duration) {
        for session in sessions {
            if let Some(user) = self.owners.get(session) {
                self.register.renew(user, *session, now);
            }
        }
    }
}

// One person who is online: their display name, and their partners.

/// A person's partners.
struct PartnerSet {
    name: Arc<str>,
    partners: HashSet<UserId>,
    reading: Reading,
    /// Whether it has been read.
    is_known: bool,
    /// Sessions that wait for their snapshot of who is online.
    newcomers: Vec<SessionKey>,
}

/// Whether the set is being read, by a [`PartnersRead`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    No,
    Yes,
    /// It changed since the read began, which may have missed that: it has to be read again.
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
    /// Starts the first read; false when that is done or under way.
    fn start_reading_first(&mut self) -> bool {
        !self.is_known && self.start_reading(Reading::Yes)
    }

    /// Starts another read; false when one is under way, which is then repeated.
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

    /// Adds a partner, unless there are `partners_max` already. Returns whether they are new to a set
    /// that is known; an unknown one is read again, which finds them.
    fn add(&mut self, partner: &UserId, partners_max: usize) -> bool {
        if self.reading != Reading::No {
            self.reading = Reading::Stale;
        }
        self.is_known && self.partners.len() < partners_max && self.partners.insert(partner.clone())
    }

    /// Takes what was read; `None` for a person whom the directory does not know. Returns false when
    /// it has to be read again.
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

    /// Makes the set known. `None` when it was before; else the sessions that waited for it.
    fn set_known(&mut self) -> Option<Vec<SessionKey>> {
        let was_known = std::mem::replace(&mut self.is_known, true);
        (!was_known).then(|| std::mem::take(&mut self.newcomers))
    }
}

// Reading partners from the store.

impl PresenceTracker {
    /// Reads the partners of `user` and sends what follows from it, soon. Called by the one who started
    /// the read.
    fn read(self: &Arc<Self>, user: &UserId) {
        let read = PartnersRead { presence: self.clone(), user: user.clone(), settled: false };
        self.runtime.spawn(read.run());
    }

    /// Reads once. Returns whether that is all; `None` when the store fails.
    async fn read_once(&self, user: &UserId) -> Option<bool> {
        if !self.state().partner_sets.contains_key(user) {
            return Some(true);
        }
        let read = self.fetch(user).await?;
        Some(self.settle(user, read))
    }

    /// Asks the store; `None` when it fails.
    async fn fetch(&self, user: &UserId) -> Option<Option<ParticipantWithPartners>> {
        // The semaphore is never closed; if it were, reading without it is still right.
        let _permit = self.reads.acquire().await.ok();
        let partners_max = self.settings.partners_per_person_max;
        self.store
            .participant_with_partners(user, partners_max)
            .await
            .inspect_err(|error| tracing::warn!(%error, user.id = %user, "partners could not be read; retrying"))
            .ok()
    }

    /// Whether that is all; else it has to be read again.
    fn settle(&self, user: &UserId, read: Option<ParticipantWithPartners>) -> bool {
        let mut state = self.state();
        let Some(partner_set) = state.partner_sets.get_mut(user) else { return true };
        if !partner_set.take(read) {
            return false;
        }
        if let Some(newcomers) = partner_set.set_known() {
            state.send_online(&self.sessions, user);
            for session in newcomers {
                state.send_snapshot(&self.sessions, user, session);
            }
        }
        true
    }
}

/// A person's partners being read. Dropping it, also by a task that is cancelled, lets the next read begin.
struct PartnersRead {
    presence: Arc<PresenceTracker>,
    user: UserId,
    /// Whether they are read, or the person is offline.
    settled: bool,
}

impl PartnersRead {
    async fn run(mut self) {
        until_done("reading partners", || self.presence.read_once(&self.user)).await;
        self.settled = true;
    }
}

impl Drop for PartnersRead {
    fn drop(&mut self) {
        if !self.settled
            && let Some(partner_set) = self.presence.state().partner_sets.get_mut(&self.user)
        {
            partner_set.reading = Reading::No;
        }
    }
}

// The events of presence, and who is sent them.

impl State {
    fn online_partners<'a>(
        &'a self,
        partner_set: &'a PartnerSet,
    ) -> impl Iterator<Item = &'a UserId> {
        partner_set.partners.iter().filter(|partner| self.register.is_online(partner))
    }

    /// Tells the partners of `user` that they are online.
    fn send_online(&self, sessions: &SessionRegistry, user: &UserId) {
        let Some(partner_set) = self.partner_sets.get(user) else { return };
        let (user_id, user_name) = (user.as_str(), &*partner_set.name);
        let Some(event) = (UserOnline { user_id, user_name }).encode() else { return };
        for partner in self.online_partners(partner_set) {
            sessions.lock().send_to_user_volatile(partner, &event);
        }
    }

    /// Tells one person that `user` is online, if that is so.
    fn send_online_to(&self, sessions: &SessionRegistry, listener: &UserId, user: &UserId) {
        let partner_set = self.partner_sets.get(user);
        let Some(partner_set) = partner_set.filter(|partner_set| partner_set.is_known) else {
            return;
        };
        let (user_id, user_name) = (user.as_str(), &*partner_set.name);
        if let Some(event) = (UserOnline { user_id, user_name }).encode() {
            sessions.lock().send_to_user_volatile(listener, &event);
        }
    }

    /// Removes `user`, who is offline now, and tells their partners.
    fn send_offline(&mut self, sessions: &SessionRegistry, user: &UserId) {
        let Some(partner_set) = self.partner_sets.remove(user) else { return };
        let Some(event) = (UserOffline { user_id: user.as_str() }).encode() else { return };
        for partner in self.online_partners(&partner_set) {
            sessions.lock().send_to_user_volatile(partner, &event);
        }
    }

    /// Sends a session of `user` which of their partners are online.
    fn send_snapshot(&self, sessions: &SessionRegistry, user: &UserId, session: SessionKey) {
        let Some(partner_set) = self.partner_sets.get(user) else { return };
        let online = self.online_partners(partner_set);
        let online = online.map(|partner| OnlinePerson { user_id: partner.as_str() }).collect();
        if let Some(event) = (PresenceSnapshot { online }).encode() {
            sessions.lock().send(session, &event);
        }
    }

    /// Makes `partner` a partner of `user`, who is sent whether they are online.
    fn add_partner(
        &mut self,
        sessions: &SessionRegistry,
        user: &UserId,
        partner: &UserId,
        partners_max: usize,
    ) {
        let partner_set = self.partner_sets.get_mut(user);
        if partner_set.is_some_and(|partner_set| partner_set.add(partner, partners_max)) {
            self.send_online_to(sessions, user, partner);
        }
    }
}
