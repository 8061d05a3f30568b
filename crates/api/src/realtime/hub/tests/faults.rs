//! Panics on the way to sessions: whoever missed something is sent it all the same, and nothing that is
//! done once at a time stops for ever.

use std::{
    cell::Cell,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
};

use async_trait::async_trait;
use domain::{
    participant::{
        Participant,
        store::{ParticipantStore, ParticipantWithPartners},
    },
    ports::StoreError,
};

use super::*;

thread_local! {
    /// How many deliveries succeed before one panics; `None` when none does.
    static UNTIL_PANIC: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Called before each delivery.
pub(in crate::realtime::hub) fn before_delivery() {
    match UNTIL_PANIC.get() {
        Some(0) => {
            UNTIL_PANIC.set(None);
            panic!("a test asked for it");
        }
        until => UNTIL_PANIC.set(until.map(|until| until - 1)),
    }
}

/// Longer than anything here takes. The clock of these tests goes on when nothing else does.
const TIME_LIMIT: Duration = Duration::from_hours(1);

impl Received {
    /// The names of what is sent until the hub has nothing more to do.
    async fn names_when_settled(&mut self) -> Vec<String> {
        tokio::time::sleep(Duration::from_mins(1)).await;
        self.names_so_far()
    }

    /// [`Received::words`], and not for ever.
    async fn words_in_time(&mut self, count: usize) -> Vec<String> {
        tokio::time::timeout(TIME_LIMIT, self.words(count)).await.expect("words in time")
    }

    async fn named_in_time(&mut self, wanted: &str) -> Value {
        tokio::time::timeout(TIME_LIMIT, self.named(wanted)).await.expect(wanted)
    }
}

/// A store whose next reads panic.
struct PanickingStore {
    store: Arc<MemoryStore>,
    panics_left: AtomicUsize,
}

impl PanickingStore {
    fn over(store: &Arc<MemoryStore>) -> Arc<Self> {
        Arc::new(Self { store: store.clone(), panics_left: AtomicUsize::new(0) })
    }

    fn panic_times(&self, times: usize) {
        self.panics_left.store(times, SeqCst);
    }

    fn asked(&self) {
        let left = self.panics_left.load(SeqCst);
        self.panics_left.store(left.saturating_sub(1), SeqCst);
        assert!(left == 0, "a test asked for it");
    }
}

#[async_trait]
impl LogStore for PanickingStore {
    async fn events_after(
        &self,
        conversation: &ConversationId,
        viewer: &UserId,
        after: Seq,
        limit: u32,
    ) -> Result<Option<LogPiece>, StoreError> {
        self.asked();
        self.store.events_after(conversation, viewer, after, limit).await
    }

    async fn changes_since(
        &self,
        viewer: &UserId,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError> {
        self.store.changes_since(viewer, since, limit).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

#[async_trait]
impl ReadingStore for PanickingStore {
    async fn unread_total(&self, reader: &UserId) -> Result<u64, StoreError> {
        self.asked();
        self.store.unread_total(reader).await
    }
}

#[async_trait]
impl ParticipantStore for PanickingStore {
    async fn participant(&self, id: &UserId) -> Result<Option<Participant>, StoreError> {
        self.store.participant(id).await
    }

    async fn upsert_participant(
        &self,
        person: &Participant,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.store.upsert_participant(person, at).await
    }

    async fn put_participants(
        &self,
        people: &[Participant],
        at: Timestamp,
    ) -> Result<Vec<UserId>, StoreError> {
        self.store.put_participants(people, at).await
    }

    async fn participant_with_partners(
        &self,
        id: &UserId,
        partners_max: u32,
    ) -> Result<Option<ParticipantWithPartners>, StoreError> {
        self.asked();
        self.store.participant_with_partners(id, partners_max).await
    }
}

impl Fixture {
    /// The hub reads from a store whose reads may panic.
    async fn over_panicking() -> (Self, Arc<PanickingStore>) {
        let store = Arc::new(MemoryStore::new());
        let reads = PanickingStore::over(&store);
        let (settings, links) = (Settings::default(), crate::testing::links());
        let hub = Hub::over(reads.clone(), reads.clone(), reads.clone(), &settings, links);
        (Self::over(store, hub).await, reads)
    }

    /// The message is committed, and publishing it panics behind `deliveries` deliveries.
    async fn say_and_panic(&self, words: &str, deliveries: usize) {
        self.unpublished.take();
        self.say(&self.mute, "c", words).await;
        UNTIL_PANIC.set(Some(deliveries));
        self.hub.publish(&self.unpublished.take());
        assert_eq!(UNTIL_PANIC.take(), None, "it panicked");
    }
}

#[tokio::test(start_paused = true)]
async fn a_room_whose_repair_panics_is_repaired_all_the_same() {
    let (fixture, reads) = Fixture::over_panicking().await;
    let (_, mut salon) = fixture.join("s", true).await;
    fixture.say(&fixture.mute, "c", "unpublished").await;
    reads.panic_times(2);
    fixture.say(&fixture.messaging, "c", "published").await;
    assert_eq!(salon.words_in_time(2).await, ["unpublished", "published"]);
    fixture.say(&fixture.mute, "c", "unpublished again").await;
    fixture.say(&fixture.messaging, "c", "after").await;
    assert_eq!(salon.words_in_time(2).await, ["unpublished again", "after"]);
}

#[tokio::test(start_paused = true)]
async fn a_total_whose_count_panics_is_counted_all_the_same() {
    let (fixture, reads) = Fixture::over_panicking().await;
    let (_, mut salon) = fixture.enter("s");
    reads.panic_times(1);
    fixture.say(&fixture.messaging, "c", "hello").await;
    assert_eq!(salon.named_in_time("unread-count-updated").await["totalUnread"], 1);
    fixture.say(&fixture.messaging, "c", "hello").await;
    assert_eq!(salon.named_in_time("unread-count-updated").await["totalUnread"], 2);
}

#[tokio::test(start_paused = true)]
async fn partners_whose_read_panics_are_read_all_the_same() {
    let (fixture, reads) = Fixture::over_panicking().await;
    let (key, mut salon) = fixture.enter("s");
    reads.panic_times(1);
    fixture.hub.presence().session_opened(&user("s"), key);
    assert_eq!(salon.named_in_time("presence-snapshot").await["online"], serde_json::json!([]));
}

#[test]
fn what_is_cancelled_does_not_count_as_under_way() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build();
    let fixture = runtime().expect("a runtime").block_on(Fixture::new());
    let (conversation, person) = (&fixture.conversation, user("s"));
    let ending = runtime().expect("a runtime");
    let hub = ending.block_on(async { Hub::new(fixture.store.clone()) });
    let (sender, _received) = unbounded_channel();
    let sink = Arc::new(RecordingSink::new(sender));
    let key = hub.enter(&person, sink, None, 8).expect("a free session");
    let pending = hub.begin_join(key, conversation, true);
    assert!(pending.complete_unannounced(&person, &history_to(Seq::ZERO.next())));
    // Begun, and never run.
    hub.presence().session_opened(&person, key);
    hub.schedule_unread_update(&person);
    hub.inner.unread.repeat_later(&person);
    let third = Seq::new(3).expect("a position");
    assert_eq!(hub.sessions().batch_order(conversation, third, third).0, BatchOrder::Gap);
    hub.repair(conversation, &person);
    assert!(hub.sessions().start_repair(conversation).is_none(), "it is under way");
    drop(ending);
    assert!(hub.sessions().start_repair(conversation).is_some());
    assert!(!hub.inner.unread.is_counting(&person) && hub.inner.unread.nobody_waits());
    assert!(!hub.presence().is_reading(&person));
}

/// Panics when it is sent a message.
struct PanickingSink {
    inner: RecordingSink,
    ended: Arc<Mutex<Vec<DisconnectCause>>>,
}

impl EventSink for PanickingSink {
    fn send(&self, event: &OutgoingEvent, joined: &Subscriptions) -> Result<(), SessionClosed> {
        assert!(event.name() != "new-message", "a test asked for it");
        self.inner.send(event, joined)
    }

    fn answer(&self, event: &OutgoingEvent, joined: &Subscriptions) -> Result<(), SessionClosed> {
        self.send(event, joined)
    }

    fn send_volatile(&self, _: &OutgoingEvent) {
        panic!("a test asked for it");
    }

    fn silent_for(&self) -> Duration {
        Duration::ZERO
    }

    fn disconnect(&self, cause: DisconnectCause) {
        self.ended.lock().expect("sound").push(cause);
    }
}

impl Fixture {
    /// A session in the room that panics when it is sent a message, and what it was ended for.
    async fn join_panicking(&self, who: &str) -> (SessionKey, Arc<Mutex<Vec<DisconnectCause>>>) {
        let ended = Arc::default();
        let inner = RecordingSink::new(unbounded_channel().0);
        let sink = PanickingSink { inner, ended: Arc::clone(&ended) };
        let key = self.hub.enter(&user(who), Arc::new(sink), None, 8).expect("a free session");
        let pending = self.hub.begin_join(key, &self.conversation, false);
        let since = self.last_seq(who).await;
        assert!(pending.complete_unannounced(&user(who), &history_to(since)));
        (key, ended)
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_that_cannot_be_sent_to_is_ended_and_nobody_else_misses_anything() {
    let fixture = Fixture::new().await;
    let (_, ended) = fixture.join_panicking("s").await;
    let (_, mut salon) = fixture.join("s", false).await;
    let (key, _client) = fixture.join("c", false).await;
    fixture.say(&fixture.messaging, "c", "1").await;
    assert_eq!(salon.words_in_time(1).await, ["1"]);
    assert_eq!(*ended.lock().expect("sound"), [DisconnectCause::Failed]);
    fixture.hub.typing().start(&user("c"), &fixture.conversation, key);
    salon.named_in_time("user-typing").await;
    assert_eq!(ended.lock().expect("sound").len(), 2, "it is ended again: it still counts as here");
}

#[tokio::test(start_paused = true)]
async fn what_a_panic_kept_from_a_room_is_sent_from_the_log_once() {
    for deliveries in 0..2 {
        let fixture = Fixture::new().await;
        fixture.unpublished.set_watching(&fixture.conversation, &user("s"), true);
        let (_, mut salon) = fixture.join("s", true).await;
        let (_, mut elsewhere) = fixture.enter("s");
        let (key, mut joining) = fixture.enter("c");
        let pending = fixture.hub.begin_join(key, &fixture.conversation, false);
        let since = fixture.last_seq("c").await;
        fixture.say_and_panic("kept back", deliveries).await;
        assert!(pending.complete_unannounced(&user("c"), &history_to(since)));
        fixture.say(&fixture.messaging, "c", "next").await;
        let mut words = salon.words_in_time(2).await;
        words.extend(joining.words_in_time(2).await);
        assert_eq!(words, ["kept back", "next", "kept back", "next"], "{deliveries}");
        for received in [&mut salon, &mut joining] {
            let names = received.names_when_settled().await;
            assert!(!names.contains(&"new-message".to_owned()), "each once: {names:?}");
        }
        elsewhere.named_in_time("conversation-read").await;
        assert_eq!(elsewhere.named_in_time("unread-count-updated").await["totalUnread"], 0);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_panic_kept_from_people_elsewhere_has_them_load_anew() {
    let fixture = Fixture::new().await;
    let (_, mut salon) = fixture.enter("s");
    fixture.say_and_panic("kept back", 0).await;
    let event = salon.named_in_time("resync").await;
    assert_eq!(event["conversationId"], fixture.conversation.as_str());
    assert_eq!(salon.named_in_time("unread-count-updated").await["totalUnread"], 1);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_panics_from_the_log_too_has_the_room_load_anew_and_go_on() {
    let fixture = Fixture::new().await;
    let (_, mut salon) = fixture.join("s", false).await;
    fixture.say(&fixture.mute, "c", "unpublished").await;
    UNTIL_PANIC.set(Some(0));
    fixture.say(&fixture.messaging, "c", "published").await;
    let event = salon.named_in_time("resync").await;
    assert_eq!(event["conversationId"], fixture.conversation.as_str());
    assert_eq!(salon.words_in_time(1).await, ["published"]);
}

#[test]
fn no_total_is_sent_behind_a_newer_one() {
    /// Notes whether a total was sent behind a newer one, and how many were sent.
    #[derive(Default)]
    struct Newest {
        total: AtomicUsize,
        is_stale: AtomicBool,
        sent: AtomicUsize,
    }

    impl EventSink for Newest {
        fn send(&self, event: &OutgoingEvent, _: &Subscriptions) -> Result<(), SessionClosed> {
            let payload: Value = serde_json::from_str(event.data().get()).expect("JSON");
            let total = payload["totalUnread"].as_u64().expect("a number");
            let total = usize::try_from(total).expect("small");
            if self.total.swap(total, SeqCst) > total {
                self.is_stale.store(true, SeqCst);
            }
            self.sent.fetch_add(1, SeqCst);
            Ok(())
        }

        fn answer(
            &self,
            event: &OutgoingEvent,
            joined: &Subscriptions,
        ) -> Result<(), SessionClosed> {
            self.send(event, joined)
        }

        fn send_volatile(&self, _: &OutgoingEvent) {}

        fn silent_for(&self) -> Duration {
            Duration::ZERO
        }

        fn disconnect(&self, _: DisconnectCause) {}
    }

    /// A store that counts for ever.
    struct Never;

    #[async_trait]
    impl ReadingStore for Never {
        async fn unread_total(&self, _: &UserId) -> Result<u64, StoreError> {
            std::future::pending().await
        }
    }

    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let sessions = Arc::new(SessionRegistry::default());
    let counter =
        Arc::new(UnreadCounter::new(sessions.clone(), Arc::new(Never), runtime.handle().clone()));
    let sink = Arc::new(Newest::default());
    sessions
        .lock()
        .enter(&user("s"), sink.clone(), TokenTimes::default(), 1)
        .expect("a free session");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(SeqCst) {
                counter.repeat(&user("s"));
            }
        });
        for total in 1..=2_000 {
            // As a count does it.
            sessions.lock().set_unread_total(&user("s"), None);
            crate::realtime::unread::send(&mut sessions.lock(), &user("s"), total);
            let sent = sink.sent.load(SeqCst);
            // The other thread repeats it at least once, and is about to again.
            while sink.sent.load(SeqCst) == sent {
                sessions.lock().set_unread_total(&user("s"), Some(total));
                std::thread::yield_now();
            }
        }
        done.store(true, SeqCst);
    });
    assert!(!sink.is_stale.load(SeqCst));
}
