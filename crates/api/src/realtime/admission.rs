//! Who may open a socket at all, before anybody says who they are.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use actix_web::{HttpRequest, http::StatusCode};
use domain::{ids::UserId, ports::Clock, time::Timestamp};
use socketio::{EventRoom, Intake, Rejection};

use super::{
    hub::Hub,
    registry::{self, DisconnectCause},
    retry::caught,
};
use crate::{limits::Limits, origins::Origins};

/// Lets a request through, or says why not. The socket it opens counts until it is gone.
///
/// # Errors
/// 400 for a page of a foreign origin, as front ends know it: browsers do not ask before they open
/// a WebSocket, so it has to be turned away here. 429 for an address that opens too many, or has too
/// many that do not say whose they are. 503 when there is no room for anybody.
pub(super) fn admit(
    request: &HttpRequest,
    origins: &Origins,
    limits: &Limits,
    connection_limiter: &ConnectionLimiter,
) -> Result<ConnectionPermit, Rejection> {
    if !origins.admit(request.head()) {
        return Err(Rejection::new(StatusCode::BAD_REQUEST, "Bad request"));
    }
    let address = limits.address_of(request.head());
    if limits.allow_connect(address).is_err() {
        return Err(too_many());
    }
    connection_limiter.open(address).map_err(|full| match full {
        LimitReached::Here => too_many(),
        LimitReached::Everywhere => {
            tracing::warn!(by_client = true, "there is no room for another socket");
            Rejection::new(StatusCode::SERVICE_UNAVAILABLE, "Service unavailable")
        }
    })
}

fn too_many() -> Rejection {
    Rejection::new(StatusCode::TOO_MANY_REQUESTS, "Too many connections")
}

// How many sockets there are, and from where: over both front doors together.

/// How many there may be on this node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Sockets.
    pub(super) sockets: usize,
    /// Sockets from one address that have not said whose they are.
    pub(super) unauthenticated_per_address: usize,
    /// Sockets from one address that have.
    pub(super) sessions_per_address: usize,
}

/// Why there can be no further socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LimitReached {
    /// There are as many as there may be.
    Everywhere,
    /// Too many of this address do not say whose they are.
    Here,
}

/// The sockets of each address. Cheap to clone; clones count together.
#[derive(Clone)]
pub(super) struct ConnectionLimiter {
    bounds: Bounds,
    counts: Arc<Mutex<Counts>>,
}

#[derive(Default)]
struct Counts {
    sockets: usize,
    addresses: HashMap<IpAddr, Address>,
}

#[derive(Default)]
struct Address {
    sockets: usize,
    /// How many of them said whose they are.
    sessions: usize,
}

/// An open socket. Dropping it makes room for another.
pub(super) struct ConnectionPermit {
    connection_limiter: ConnectionLimiter,
    address: IpAddr,
}

/// A socket that said whose it is. Dropping it takes that back.
pub(super) struct SessionPermit {
    connection_limiter: ConnectionLimiter,
    address: IpAddr,
}

impl ConnectionPermit {
    /// The address that the socket counts for.
    pub(super) fn address(&self) -> IpAddr {
        self.address
    }
}

impl ConnectionLimiter {
    /// Without any socket.
    pub(super) fn new(bounds: Bounds) -> Self {
        Self { bounds, counts: Arc::default() }
    }

    /// Counts a socket from `address` that is not authenticated yet.
    ///
    /// # Errors
    /// [`LimitReached`].
    pub(super) fn open(&self, address: IpAddr) -> Result<ConnectionPermit, LimitReached> {
        let mut counts = self.counts();
        if counts.sockets >= self.bounds.sockets {
            return Err(LimitReached::Everywhere);
        }
        let here = counts.addresses.get(&address);
        let unauthenticated = here.map_or(0, |here| here.sockets.saturating_sub(here.sessions));
        if unauthenticated >= self.bounds.unauthenticated_per_address {
            return Err(LimitReached::Here);
        }
        counts.sockets += 1;
        counts.addresses.entry(address).or_default().sockets += 1;
        Ok(ConnectionPermit { connection_limiter: self.clone(), address })
    }

    /// A place for a socket from `address` that said whose it is; `None` when there is none.
    pub(super) fn take_place(&self, address: IpAddr) -> Option<SessionPermit> {
        let mut counts = self.counts();
        let taken = counts.addresses.get(&address).map_or(0, |here| here.sessions);
        if taken >= self.bounds.sessions_per_address {
            return None;
        }
        counts.addresses.entry(address).or_default().sessions += 1;
        Some(SessionPermit { connection_limiter: self.clone(), address })
    }

    /// No code that holds this lock can panic halfway through a change.
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn change(&mut self, address: IpAddr, change: impl FnOnce(&mut Address)) {
        if let Some(here) = self.addresses.get_mut(&address) {
            change(here);
            if here.sockets == 0 && here.sessions == 0 {
                self.addresses.remove(&address);
            }
        }
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let mut counts = self.connection_limiter.counts();
        counts.sockets -= 1;
        counts.change(self.address, |here| here.sockets -= 1);
    }
}

impl Drop for SessionPermit {
    fn drop(&mut self) {
        self.connection_limiter.counts().change(self.address, |here| here.sessions -= 1);
    }
}

// How much of what clients sent waits or is worked on: over both front doors together.

/// The most bytes of events under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct EventBounds {
    /// Of one session.
    pub(super) per_session_bytes: usize,
    /// Of all sessions of one person.
    pub(super) per_person_bytes: usize,
    /// Of everybody.
    pub(super) bytes: usize,
}

/// The events under way on this node. Cheap to clone; clones count together.
#[derive(Clone)]
pub(super) struct EventBudget {
    bounds: EventBounds,
    used: Arc<Mutex<UsedBytes>>,
}

#[derive(Default)]
struct UsedBytes {
    bytes: usize,
    people: HashMap<UserId, usize>,
}

/// The events under way of one session.
pub(super) struct SessionIntake {
    budget: EventBudget,
    user: UserId,
    /// Changed while the budget is locked.
    used: Arc<AtomicUsize>,
}

/// Room for one event. Dropping it gives the room back.
struct Room {
    budget: EventBudget,
    user: UserId,
    session: Arc<AtomicUsize>,
    bytes: usize,
}

impl EventBudget {
    /// Without any event.
    pub(super) fn new(bounds: EventBounds) -> Self {
        Self { bounds, used: Arc::default() }
    }

    /// The share of a session of `user`.
    pub(super) fn session(&self, user: &UserId) -> SessionIntake {
        SessionIntake { budget: self.clone(), user: user.clone(), used: Arc::default() }
    }

    /// No code that holds this lock can panic halfway through a change.
    fn used(&self) -> MutexGuard<'_, UsedBytes> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Intake for SessionIntake {
    fn make_room(&self, bytes: usize) -> Option<EventRoom> {
        let Self { budget, user, used: session } = self;
        let mut counts = budget.used();
        let fits = |taken: usize, bound| taken.checked_add(bytes).filter(|taken| *taken <= bound);
        let in_all = fits(counts.bytes, budget.bounds.bytes)?;
        let of_person = counts.people.get(user).copied().unwrap_or_default();
        let of_person = fits(of_person, budget.bounds.per_person_bytes)?;
        let of_session = fits(session.load(Relaxed), budget.bounds.per_session_bytes)?;
        counts.bytes = in_all;
        counts.people.insert(user.clone(), of_person);
        session.store(of_session, Relaxed);
        let (budget, user, session) = (budget.clone(), user.clone(), Arc::clone(session));
        Some(Box::new(Room { budget, user, session, bytes }))
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let mut used = self.budget.used();
        used.bytes -= self.bytes;
        self.session.fetch_sub(self.bytes, Relaxed);
        if let Some(of_person) = used.people.get_mut(&self.user) {
            *of_person -= self.bytes;
            if *of_person == 0 {
                used.people.remove(&self.user);
            }
        }
    }
}

// A session ends when its token does, and is warned before.

/// How often the sessions are looked through, in milliseconds: the longest a session outlives its
/// token.
const LOOK_EVERY_MS: u64 = 1_000;

/// Warns sessions whose tokens end within `notice_ms`, and disconnects those whose tokens have
/// ended, for as long as the runtime lives.
pub(super) fn watch(hub: &Hub, clock: Arc<dyn Clock>, notice_ms: u64) {
    let hub = hub.clone();
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(Duration::from_millis(LOOK_EVERY_MS));
        loop {
            ticks.tick().await;
            let _logged =
                caught("looking for tokens that end", || look(&hub, clock.now(), notice_ms));
        }
    });
}

fn look(hub: &Hub, now: Timestamp, notice_ms: u64) {
    hub.warn_of_expiry(now, notice_ms);
    for sink in hub.expired(now) {
        // A disconnect, so that the client does not reconnect with the same token.
        registry::disconnect(&*sink, DisconnectCause::TokenExpired);
    }
}

#[cfg(test)]
mod connection_limiter_tests {
    use std::net::Ipv4Addr;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const THERE: IpAddr = IpAddr::V4(Ipv4Addr::BROADCAST);

    fn connection_limiter(
        sockets: usize,
        unauthenticated: usize,
        sessions: usize,
    ) -> ConnectionLimiter {
        ConnectionLimiter::new(Bounds {
            sockets,
            unauthenticated_per_address: unauthenticated,
            sessions_per_address: sessions,
        })
    }

    #[test]
    fn an_address_has_so_many_places_and_gets_them_back() {
        let connection_limiter = connection_limiter(9, 9, 1);
        let place = connection_limiter.take_place(HERE).expect("the first");
        assert!(connection_limiter.take_place(HERE).is_none());
        assert!(connection_limiter.take_place(THERE).is_some());
        drop(place);
        assert!(connection_limiter.take_place(HERE).is_some());
        assert!(connection_limiter.counts().addresses.is_empty());
    }

    #[test]
    fn sockets_that_do_not_say_whose_they_are_are_few() {
        let connection_limiter = connection_limiter(9, 1, 9);
        let first = connection_limiter.open(HERE).expect("the first");
        assert_eq!(connection_limiter.open(HERE).err(), Some(LimitReached::Here));
        assert!(connection_limiter.open(THERE).is_ok());
        let place = connection_limiter.take_place(HERE);
        let second = connection_limiter.open(HERE).expect("the first is known now");
        drop(place);
        drop(second);
        assert_eq!(
            connection_limiter.open(HERE).err(),
            Some(LimitReached::Here),
            "the first is unknown again"
        );
        drop(first);
        let counts = connection_limiter.counts();
        assert_eq!((counts.sockets, counts.addresses.len()), (0, 0));
    }

    #[test]
    fn all_addresses_together_are_bounded() {
        let connection_limiter = connection_limiter(1, 9, 9);
        let first = connection_limiter.open(HERE);
        assert_eq!(connection_limiter.open(THERE).err(), Some(LimitReached::Everywhere));
        drop(first);
        assert!(connection_limiter.open(THERE).is_ok());
    }
}

#[cfg(test)]
mod event_budget_tests {
    use domain::testing::fixture::user;

    use super::*;

    const BOUNDS: EventBounds = EventBounds { per_session_bytes: 4, per_person_bytes: 6, bytes: 9 };

    #[test]
    fn a_session_a_person_and_everybody_have_so_much_room_and_get_it_back() {
        let budget = EventBudget::new(BOUNDS);
        let (first, second) = (budget.session(&user("a")), budget.session(&user("a")));
        let other = budget.session(&user("b"));
        let room = first.make_room(3).expect("room");
        assert!(first.make_room(2).is_none(), "the session has one byte left");
        let rooms = [second.make_room(3).expect("room"), other.make_room(3).expect("room")];
        assert!(first.make_room(1).is_none(), "the person has none left");
        assert!(other.make_room(1).is_none(), "nobody has");
        drop(room);
        assert!(other.make_room(1).is_some() && first.make_room(usize::MAX).is_none());
        drop(rooms);
        let used = budget.used();
        assert_eq!((used.bytes, used.people.len()), (0, 0));
    }
}

#[cfg(test)]
mod expiry_tests {
    use domain::{
        ports::Clock as _,
        testing::{
            MemoryStore,
            fixture::{FixedClock, user},
        },
    };
    use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

    use super::*;
    use crate::realtime::{
        events::OutgoingEvent,
        hub::SessionKey,
        registry::{EventSink, SessionClosed},
        subscriptions::Subscriptions,
    };

    const NOTICE_MS: u64 = 60_000;
    const DISMISSED: &str = "dismissed";

    /// Writes down what a session hears, and its end.
    struct Witness(UnboundedSender<&'static str>);

    impl Witness {
        fn note(&self, what: &'static str) {
            self.0.send(what).expect("the test listens");
        }
    }

    impl EventSink for Witness {
        fn send(&self, event: &OutgoingEvent, _: &Subscriptions) -> Result<(), SessionClosed> {
            self.note(event.name());
            Ok(())
        }

        fn answer(
            &self,
            event: &OutgoingEvent,
            subscriptions: &Subscriptions,
        ) -> Result<(), SessionClosed> {
            self.send(event, subscriptions)
        }

        fn send_volatile(&self, event: &OutgoingEvent) {
            self.note(event.name());
        }

        fn silent_for(&self) -> Duration {
            Duration::ZERO
        }

        fn disconnect(&self, _: DisconnectCause) {
            self.note(DISMISSED);
        }
    }

    /// A watched hub, with a session whose token ends in a hundred seconds.
    struct Fixture {
        hub: Hub,
        clock: Arc<FixedClock>,
        key: SessionKey,
        received: UnboundedReceiver<&'static str>,
    }

    impl Fixture {
        fn new() -> Self {
            let (hub, clock) = (Hub::new(Arc::new(MemoryStore::new())), FixedClock::still());
            let (clock, (witness, received)) = (Arc::new(clock), unbounded_channel());
            let ends = Some(after(&clock, 100_000));
            let key =
                hub.enter(&user("c"), Arc::new(Witness(witness)), ends, 8).expect("a free session");
            watch(&hub, clock.clone(), NOTICE_MS);
            Self { hub, clock, key, received }
        }

        /// Lets time pass, second by second, and returns what was received meanwhile.
        async fn pass(&mut self, seconds: i64) -> Vec<&'static str> {
            for _ in 0..seconds {
                self.clock.advance_millis(1_000);
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            std::iter::from_fn(|| self.received.try_recv().ok()).collect()
        }
    }

    fn after(clock: &FixedClock, millis: i64) -> Timestamp {
        Timestamp::from_millis(clock.now().as_millis() + millis).expect("in range")
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_is_warned_once_and_dismissed_when_its_token_ends() {
        let mut fixture = Fixture::new();
        assert_eq!(fixture.pass(38).await, [""; 0]);
        assert_eq!(fixture.pass(3).await, ["auth-expiring"]);
        assert_eq!(fixture.pass(57).await, [""; 0]);
        assert_eq!(fixture.pass(3).await.first(), Some(&DISMISSED));
    }

    #[tokio::test(start_paused = true)]
    async fn another_token_keeps_the_session_until_that_one_ends() {
        let mut fixture = Fixture::new();
        assert_eq!(fixture.pass(50).await, ["auth-expiring"]);
        fixture.hub.renew(fixture.key, Some(after(&fixture.clock, 100_000)));
        assert_eq!(fixture.pass(90).await, ["auth-expiring"]);
        assert_eq!(fixture.pass(11).await.first(), Some(&DISMISSED));
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_that_has_gone_is_neither_warned_nor_dismissed() {
        let mut fixture = Fixture::new();
        fixture.hub.exit(fixture.key);
        assert_eq!(fixture.pass(110).await, [""; 0]);
    }
}
