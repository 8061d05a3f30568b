//! A session ends when its token does, and is told so before.

use std::{sync::Arc, time::Duration};

use domain::ports::Clock;

use super::hub::Hub;

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
            let now = clock.now();
            hub.warn_of_expiry(now, notice_ms);
            for outlet in hub.expired(now) {
                // Told as a disconnect, so that the client does not come back with the same token.
                outlet.disconnect();
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use domain::{
        ports::Clock as _,
        testing::{
            MemoryStore,
            fixture::{FixedClock, user},
        },
        time::Timestamp,
    };
    use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

    use super::{
        super::{
            hub::SessionKey,
            outlet::{EventSink, SessionClosed},
            subscriptions::Subscriptions,
            told::OutgoingEvent,
        },
        *,
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
        fn send(&self, told: &OutgoingEvent, _: &Subscriptions) -> Result<(), SessionClosed> {
            self.note(told.name());
            Ok(())
        }

        fn answer(
            &self,
            told: &OutgoingEvent,
            subscriptions: &Subscriptions,
        ) -> Result<(), SessionClosed> {
            self.send(told, subscriptions)
        }

        fn send_volatile(&self, told: &OutgoingEvent) {
            self.note(told.name());
        }

        fn silent_for(&self) -> Duration {
            Duration::ZERO
        }

        fn disconnect(&self) {
            self.note(DISMISSED);
        }
    }

    /// A watched hub, with a session whose token ends in a hundred seconds.
    struct Scene {
        hub: Hub,
        clock: Arc<FixedClock>,
        key: SessionKey,
        heard: UnboundedReceiver<&'static str>,
    }

    impl Scene {
        fn new() -> Self {
            let (hub, clock) = (Hub::new(Arc::new(MemoryStore::new())), FixedClock::still());
            let (clock, (witness, heard)) = (Arc::new(clock), unbounded_channel());
            let ends = Some(after(&clock, 100_000));
            let key = hub.enter(&user("c"), Arc::new(Witness(witness)), ends, 8).expect("a seat");
            watch(&hub, clock.clone(), NOTICE_MS);
            Self { hub, clock, key, heard }
        }

        /// Lets time pass, second by second, and returns what was heard meanwhile.
        async fn pass(&mut self, seconds: i64) -> Vec<&'static str> {
            for _ in 0..seconds {
                self.clock.advance_millis(1_000);
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            std::iter::from_fn(|| self.heard.try_recv().ok()).collect()
        }
    }

    fn after(clock: &FixedClock, millis: i64) -> Timestamp {
        Timestamp::from_millis(clock.now().as_millis() + millis).expect("in range")
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_is_warned_once_and_dismissed_when_its_token_ends() {
        let mut scene = Scene::new();
        assert_eq!(scene.pass(38).await, [""; 0]);
        assert_eq!(scene.pass(3).await, ["auth-expiring"]);
        assert_eq!(scene.pass(57).await, [""; 0]);
        assert_eq!(scene.pass(3).await.first(), Some(&DISMISSED));
    }

    #[tokio::test(start_paused = true)]
    async fn another_token_keeps_the_session_until_that_one_ends() {
        let mut scene = Scene::new();
        assert_eq!(scene.pass(50).await, ["auth-expiring"]);
        scene.hub.renew(scene.key, Some(after(&scene.clock, 100_000)));
        assert_eq!(scene.pass(90).await, ["auth-expiring"]);
        assert_eq!(scene.pass(11).await.first(), Some(&DISMISSED));
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_that_has_gone_is_neither_warned_nor_dismissed() {
        let mut scene = Scene::new();
        scene.hub.exit(scene.key);
        assert_eq!(scene.pass(110).await, [""; 0]);
    }
}
