//! The hub between the real services and sinks that record what they are sent.

mod durable;
pub(super) mod faults;
mod joining;
mod presence;
mod reading;
mod typing;
use std::sync::Mutex;

use domain::{
    Messaging,
    conversation::{commands::NewConversation, ledger::ReadTarget},
    ids::MessageId,
    participant::Caller,
    participant::directory::Directory,
    ports::Fanout,
    testing::{
        MemoryStore,
        fixture::{
            CountingIds, FixedClock, RecordingFanout, caller, client, keyed, salon, text, user,
        },
    },
};
use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::*;
use crate::realtime::registry::{DisconnectCause, SessionClosed};

impl Hub {
    /// With the default settings.
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self::with_settings(store, &Settings::default(), crate::testing::links())
    }
}

impl PendingJoin {
    /// [`PendingJoin::complete`], of which the room is sent nothing.
    fn complete_unannounced(self, user: &UserId, opening: &Opening<'_>) -> bool {
        self.admit(user, opening, None, JoinNotice::Always)
    }
}

/// A session that records what it is sent.
struct RecordingSink {
    received: UnboundedSender<OutgoingEvent>,
    /// How long its client has been silent.
    silence: Arc<Mutex<Duration>>,
    /// Whose it is, and where it is noted when the server ends it.
    owner: String,
    disconnected: Arc<Mutex<Vec<String>>>,
}

impl RecordingSink {
    fn new(received: UnboundedSender<OutgoingEvent>) -> Self {
        Self {
            received,
            silence: Arc::default(),
            owner: String::new(),
            disconnected: Arc::default(),
        }
    }
}

impl EventSink for RecordingSink {
    fn send(&self, event: &OutgoingEvent, _: &Subscriptions) -> Result<(), SessionClosed> {
        self.received.send(event.clone()).map_err(|_| SessionClosed)
    }

    fn answer(
        &self,
        event: &OutgoingEvent,
        subscriptions: &Subscriptions,
    ) -> Result<(), SessionClosed> {
        self.send(event, subscriptions)
    }

    fn send_volatile(&self, event: &OutgoingEvent) {
        self.received.send(event.clone()).expect("the test listens");
    }

    fn silent_for(&self) -> Duration {
        *self.silence.lock().expect("sound")
    }

    fn disconnect(&self, _: DisconnectCause) {
        self.disconnected.lock().expect("sound").push(self.owner.clone());
    }
}

/// What one session was sent, in order.
struct Received(UnboundedReceiver<OutgoingEvent>);

impl Received {
    /// The next event: its name and its payload. Waits for it.
    async fn next(&mut self) -> (String, Value) {
        let event = self.0.recv().await.expect("the hub lives");
        let payload = serde_json::from_str(event.data().get()).expect("JSON");
        (event.name().to_owned(), payload)
    }

    /// The words of the next `count` messages; other events are passed over.
    async fn words(&mut self, count: usize) -> Vec<String> {
        let mut words = Vec::new();
        while words.len() < count {
            let (name, payload) = self.next().await;
            if name == "new-message" {
                words.push(payload["content"].as_str().expect("words").to_owned());
            }
        }
        words
    }

    /// The next event called `wanted`; others are passed over.
    async fn named(&mut self, wanted: &str) -> Value {
        loop {
            let (name, payload) = self.next().await;
            if name == wanted {
                return payload;
            }
        }
    }

    /// The names of everything that was sent so far.
    fn names_so_far(&mut self) -> Vec<String> {
        let mut names = Vec::new();
        while let Ok(event) = self.0.try_recv() {
            names.push(event.name().to_owned());
        }
        names
    }
}

/// A salon `s`, a client `c` and their conversation.
struct Fixture {
    store: Arc<MemoryStore>,
    hub: Hub,
    directory: Directory,
    /// Tells the hub what it changes.
    messaging: Messaging,
    /// Commits and dies before it tells anyone.
    mute: Messaging,
    /// What `mute` has committed.
    unpublished: Arc<RecordingFanout>,
    conversation: ConversationId,
    /// Whose sessions the server ended.
    disconnected: Arc<Mutex<Vec<String>>>,
}

impl Fixture {
    async fn new() -> Self {
        let store = Arc::new(MemoryStore::new());
        let hub = Hub::new(store.clone());
        Self::over(store, hub).await
    }

    async fn over(store: Arc<MemoryStore>, hub: Hub) -> Self {
        let (clock, ids) = (Arc::new(FixedClock::ticking()), Arc::new(CountingIds::new()));
        let over = |fanout: Arc<dyn Fanout>| {
            Messaging::new(store.clone(), fanout, clock.clone(), ids.clone())
        };
        let directory = Directory::new(store.clone(), Arc::new(hub.clone()), clock.clone());
        let messaging = over(Arc::new(hub.clone()));
        let unpublished = Arc::new(RecordingFanout::new());
        let mute = over(unpublished.clone());
        for person in [salon("s"), client("c")] {
            let said = Caller { profile: person.profile.clone(), ..caller(&person) };
            directory.sync_profile(&said).await.expect("noted");
        }
        let new = NewConversation {
            client: user("c"),
            appointment: None,
            subject: None,
            first_message: None,
        };
        let opened = messaging.open_conversation(&caller(&salon("s")), new).await.expect("opened");
        let conversation = opened.conversation.id;
        let disconnected = Arc::default();
        Self { store, hub, directory, messaging, mute, unpublished, conversation, disconnected }
    }

    fn enter(&self, who: &str) -> (SessionKey, Received) {
        let (sender, events) = unbounded_channel();
        let (owner, disconnected) = (who.to_owned(), self.disconnected.clone());
        let sink = RecordingSink { owner, disconnected, ..RecordingSink::new(sender) };
        let key = self.hub.enter(&user(who), Arc::new(sink), None, 8).expect("a free session");
        (key, Received(events))
    }

    /// A session that joined, as of now.
    async fn join(&self, who: &str, visible: bool) -> (SessionKey, Received) {
        let (key, received) = self.enter(who);
        let pending = self.hub.begin_join(key, &self.conversation, visible);
        let since = self.last_seq(who).await;
        assert!(pending.complete_unannounced(&user(who), &history_to(since)));
        (key, received)
    }

    /// What a session of `who` that joins reads.
    async fn last_seq(&self, who: &str) -> Seq {
        let window = domain::page::Window::first(1);
        let history = self.messaging.history(&self.conversation, &user(who), &window).await;
        history.expect("a participant").last_seq
    }

    /// A session that joined in sight and whose client is then silent for as long as is set.
    fn join_and_fall_silent(&self, who: &str) -> (Arc<Mutex<Duration>>, Received) {
        let (sender, events) = unbounded_channel();
        let sink = RecordingSink::new(sender);
        let silence = sink.silence.clone();
        let key = self.hub.enter(&user(who), Arc::new(sink), None, 8).expect("a free session");
        let pending = self.hub.begin_join(key, &self.conversation, true);
        assert!(pending.complete_unannounced(&user(who), &history_to(Seq::ZERO.next())));
        (silence, Received(events))
    }

    async fn say(&self, messaging: &Messaging, who: &str, words: &str) -> MessageId {
        let sent = messaging.send_message(&self.conversation, &user(who), text(words)).await;
        sent.expect("sent").message.id.clone()
    }
}

/// A history up to `since`, of which nothing is sent.
fn history_to(since: Seq) -> Opening<'static> {
    Opening { events: &[], since, is_log: false }
}

#[tokio::test]
async fn a_room_hears_every_message_once_in_order_its_author_too() {
    let fixture = Fixture::new().await;
    let (_, mut salon) = fixture.join("s", true).await;
    let (_, mut client) = fixture.join("c", true).await;
    for words in ["1", "2", "3"] {
        fixture.say(&fixture.messaging, "c", words).await;
    }
    assert_eq!(salon.words(3).await, ["1", "2", "3"]);
    assert_eq!(client.words(3).await, ["1", "2", "3"]);
}

#[tokio::test]
async fn what_was_committed_and_never_told_is_told_before_what_follows() {
    let fixture = Fixture::new().await;
    let (_, mut salon) = fixture.join("s", true).await;
    fixture.say(&fixture.mute, "c", "unpublished 1").await;
    fixture.say(&fixture.mute, "c", "unpublished 2").await;
    fixture.say(&fixture.messaging, "c", "published").await;
    assert_eq!(salon.words(3).await, ["unpublished 1", "unpublished 2", "published"]);
    fixture.say(&fixture.messaging, "c", "after").await;
    assert_eq!(salon.words(1).await, ["after"]);
}

#[tokio::test]
async fn what_a_thread_publishes_whose_runtime_ends_is_repaired_and_counted_all_the_same() {
    let fixture = Fixture::new().await;
    let (key, mut salon) = fixture.join("s", true).await;
    fixture.say(&fixture.mute, "c", "lost").await;
    fixture.unpublished.take();
    fixture.say(&fixture.mute, "c", "behind a gap").await;
    let by = user("s");
    fixture.mute.delete_conversation(&fixture.conversation, &by).await.expect("the salon may");
    let [message, deletion] = fixture.unpublished.take().try_into().expect("two events");
    let hub = fixture.hub.clone();
    let publisher = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        runtime.block_on(async {
            hub.presence().session_opened(&user("s"), key);
            hub.publish(&[message]);
            hub.publish(&[deletion]);
        });
        runtime.metrics().num_alive_tasks()
    });
    assert_eq!(publisher.join().expect("it published"), 0, "tasks that end with the thread");
    salon.named("conversation-deleted").await;
    assert_eq!(salon.named("unread-count-updated").await["totalUnread"], 0);
}

#[tokio::test(start_paused = true)]
async fn a_room_that_cannot_read_its_log_now_reads_it_later() {
    let fixture = Fixture::new().await;
    let (_, mut salon) = fixture.join("s", true).await;
    fixture.say(&fixture.mute, "c", "unpublished").await;
    fixture.say(&fixture.messaging, "c", "published").await;
    fixture.store.set_unavailable(true);
    tokio::task::yield_now().await;
    fixture.store.set_unavailable(false);
    assert_eq!(salon.words(2).await, ["unpublished", "published"]);
}

#[tokio::test]
async fn a_room_whose_log_is_forgotten_is_told_to_load_anew_and_goes_on() {
    let fixture = Fixture::new().await;
    let (_, mut salon) = fixture.join("s", true).await;
    fixture.say(&fixture.mute, "c", "forgotten").await;
    fixture.store.trim_log(&fixture.conversation, Seq::new(2).expect("not negative"));
    fixture.say(&fixture.messaging, "c", "a gap").await;
    let event = salon.named("resync").await;
    assert_eq!(event["conversationId"], fixture.conversation.as_str());
    tokio::task::yield_now().await;
    fixture.say(&fixture.messaging, "c", "after").await;
    assert_eq!(salon.words(1).await, ["after"]);
}

#[tokio::test]
async fn a_retry_is_told_if_its_first_attempt_was_not_and_only_then() {
    let fixture = Fixture::new().await;
    let (_, mut salon) = fixture.join("s", true).await;
    let send = async |messaging: &Messaging| {
        let author = user("c");
        let sent = messaging.send_message(&fixture.conversation, &author, keyed("once", "k1"));
        assert_eq!(sent.await.expect("sent").message.content.as_str(), "once");
    };
    send(&fixture.mute).await;
    send(&fixture.messaging).await;
    send(&fixture.messaging).await;
    fixture.say(&fixture.messaging, "c", "next").await;
    assert_eq!(salon.words(2).await, ["once", "next"]);
}

#[tokio::test]
async fn those_who_missed_something_hear_it_when_somebody_else_joins() {
    let fixture = Fixture::new().await;
    let (_, mut salon) = fixture.join("s", true).await;
    fixture.say(&fixture.mute, "c", "unpublished").await;
    let (_, mut late) = fixture.join("s", true).await;
    assert_eq!(salon.words(1).await, ["unpublished"]);
    fixture.say(&fixture.messaging, "c", "next").await;
    // The one who came late had "unpublished" in its history.
    assert_eq!(late.words(1).await, ["next"]);
}

#[tokio::test]
async fn a_message_under_its_reader_s_eyes_is_read_as_it_arrives() {
    let fixture = Fixture::new().await;
    let (_, mut salon) = fixture.join("s", true).await;
    let (_, mut client) = fixture.join("c", true).await;
    fixture.say(&fixture.messaging, "c", "hello").await;

    let (first, unread) = salon.next().await;
    assert_eq!(
        (first.as_str(), &unread["unreadCount"]),
        ("conversation-unread-updated", &0.into())
    );
    let (second, message) = salon.next().await;
    assert_eq!((second.as_str(), &message["isRead"]), ("new-message", &true.into()));
    assert_eq!(salon.named("unread-count-updated").await["totalUnread"], 0);
    assert_eq!(client.named("new-message").await["isRead"], true);
    assert_eq!(client.names_so_far(), ["conversation-read"]);
}

#[tokio::test]
async fn a_total_that_stays_is_told_again_without_counting() {
    let fixture = Fixture::new().await;
    let (_, mut salon) = fixture.join("s", true).await;
    fixture.say(&fixture.messaging, "c", "counted").await;
    assert_eq!(salon.named("unread-count-updated").await["totalUnread"], 0);
    tokio::task::yield_now().await;
    let known = fixture.hub.sessions().unread_total(&user("s"));
    assert_eq!(known, Some(0));
    fixture.say(&fixture.messaging, "c", "not counted").await;
    fixture.store.set_unavailable(true);
    assert_eq!(salon.named("unread-count-updated").await["totalUnread"], 0);
}

#[tokio::test]
async fn out_of_sight_is_unread() {
    let fixture = Fixture::new().await;
    let (_, mut salon) = fixture.join("s", false).await;
    fixture.say(&fixture.messaging, "c", "hello").await;
    assert_eq!(salon.named("new-message").await["isRead"], false);
    assert_eq!(salon.named("unread-count-updated").await["totalUnread"], 1);
}

#[tokio::test]
async fn who_was_silent_for_a_ping_interval_and_five_seconds_looks_at_nothing() {
    let fixture = Fixture::new().await;
    let (silence, mut salon) = fixture.join_and_fall_silent("s");
    for (silent_ms, is_read) in [(29_999, true), (30_000, false), (0, true)] {
        *silence.lock().expect("sound") = Duration::from_millis(silent_ms);
        fixture.say(&fixture.messaging, "c", "hello").await;
        assert_eq!(salon.named("new-message").await["isRead"], is_read, "after {silent_ms} ms");
    }
    // Another device of theirs that is awake looks for itself.
    *silence.lock().expect("sound") = Duration::from_secs(40);
    let (_, mut awake) = fixture.join("s", true).await;
    fixture.say(&fixture.messaging, "c", "hello").await;
    assert_eq!(awake.named("new-message").await["isRead"], true);
}

#[tokio::test]
async fn silence_is_measured_against_the_ping_interval_that_is_set() {
    let store = Arc::new(MemoryStore::new());
    let mut settings = Settings::default();
    settings.socket.ping_interval_ms = 1_000;
    let hub = Hub::with_settings(store, &settings, crate::testing::links());
    assert_eq!(hub.inner.silence_max, Duration::from_secs(6));
}

#[tokio::test(start_paused = true)]
async fn a_total_that_cannot_be_counted_now_is_counted_later() {
    let fixture = Fixture::new().await;
    fixture.say(&fixture.messaging, "c", "hello").await;
    let (_, mut salon) = fixture.enter("s");
    fixture.store.set_unavailable(true);
    fixture.hub.schedule_unread_update(&user("s"));
    tokio::task::yield_now().await;
    fixture.store.set_unavailable(false);
    assert_eq!(salon.named("unread-count-updated").await["totalUnread"], 1);
}

#[tokio::test]
async fn people_elsewhere_hear_a_number_and_not_the_message() {
    let fixture = Fixture::new().await;
    let (_, mut elsewhere) = fixture.enter("s");
    let (_, mut stranger) = fixture.enter("x");
    fixture.say(&fixture.messaging, "c", "hello").await;
    let (name, total) = elsewhere.next().await;
    assert_eq!((name.as_str(), &total["totalUnread"]), ("unread-count-updated", &1.into()));
    assert_eq!(elsewhere.names_so_far(), [""; 0]);
    assert_eq!(stranger.names_so_far(), [""; 0]);
}

#[tokio::test]
async fn leaving_ends_the_hearing_and_says_what_was_seen() {
    let fixture = Fixture::new().await;
    let (key, mut salon) = fixture.join("s", true).await;
    fixture.say(&fixture.messaging, "c", "hello").await;
    let left = fixture.hub.leave(key, &fixture.conversation).expect("it had joined");
    assert!(left.visible);
    assert_eq!(fixture.hub.leave(key, &fixture.conversation), None);
    fixture.say(&fixture.messaging, "c", "unheard").await;
    assert_eq!(salon.words(1).await, ["hello"]);
    assert!(!salon.names_so_far().contains(&"new-message".to_owned()));
}

#[tokio::test]
async fn a_deleted_conversation_has_no_room() {
    let fixture = Fixture::new().await;
    let (key, _heard) = fixture.join("c", true).await;
    let by = user("s");
    let deleted = fixture.messaging.delete_conversation(&fixture.conversation, &by);
    deleted.await.expect("the salon may");
    assert_eq!(fixture.hub.membership(key, &fixture.conversation), None);
    assert!(!fixture.hub.is_watching(&fixture.conversation, &user("c")));
}

#[tokio::test]
async fn sessions_and_rooms_are_bounded_for_each_person() {
    let fixture = Fixture::new().await;
    let (key, _heard) = fixture.join("c", true).await;
    let (sender, _ear) = unbounded_channel();
    assert!(fixture.hub.enter(&user("c"), Arc::new(RecordingSink::new(sender)), None, 1).is_none());
    let other = ConversationId::parse("other").expect("a good id");
    assert!(fixture.hub.may_join(key, &fixture.conversation, 1));
    assert!(!fixture.hub.may_join(key, &other, 1));
    fixture.hub.exit(key);
    let (sender, _ear) = unbounded_channel();
    assert!(fixture.hub.enter(&user("c"), Arc::new(RecordingSink::new(sender)), None, 1).is_some());
}

#[tokio::test]
async fn a_session_is_found_when_its_token_ends() {
    let fixture = Fixture::new().await;
    let at = |millis| Timestamp::from_millis(millis).expect("in range");
    let (sender, _ear) = unbounded_channel();
    let sink = Arc::new(RecordingSink::new(sender));
    fixture.hub.enter(&user("c"), sink, Some(at(1_000)), 8).expect("a free session");
    assert!(fixture.hub.expired(at(999)).is_empty());
    assert_eq!(fixture.hub.expired(at(1_000)).len(), 1);
}

#[tokio::test]
async fn only_sessions_whose_tokens_were_revoked_are_ended() {
    let fixture = Fixture::new().await;
    let at = |millis| Timestamp::from_millis(millis).expect("in range");
    let mut keys = vec![];
    for (who, issued) in [("c", None), ("c", Some(999)), ("c", Some(1_000)), ("s", None)] {
        let owner = issued.map_or_else(|| who.to_owned(), |issued| format!("{who} {issued}"));
        let disconnected = fixture.disconnected.clone();
        let sink =
            RecordingSink { owner, disconnected, ..RecordingSink::new(unbounded_channel().0) };
        let token = TokenTimes { issued_at: issued.map(at), expires_at: None };
        keys.push(fixture.hub.enter(&user(who), Arc::new(sink), token, 8).expect("a free session"));
    }
    let disconnected = || std::mem::take(&mut *fixture.disconnected.lock().expect("sound"));
    fixture.hub.person_changed(&user("c"), PersonChange::Revoked(at(1_000)));
    let mut ended = disconnected();
    ended.sort();
    assert_eq!(ended, ["c", "c 999"]);
    for key in [keys[0], keys[1]] {
        fixture.hub.exit(key);
    }
    fixture.hub.person_changed(&user("c"), PersonChange::Forgotten);
    assert_eq!(disconnected(), ["c 1000"]);
}

#[tokio::test]
async fn a_session_hears_once_that_its_token_ends_and_again_of_the_next_token() {
    let fixture = Fixture::new().await;
    let at = |millis| Timestamp::from_millis(millis).expect("in range");
    let (sender, events) = unbounded_channel();
    let mut received = Received(events);
    let sink = Arc::new(RecordingSink::new(sender));
    let key = fixture.hub.enter(&user("c"), sink, Some(at(100_000)), 8).expect("a free session");
    fixture.hub.warn_of_expiry(at(39_999), 60_000);
    assert_eq!(received.names_so_far(), [""; 0]);
    for _ in 0..2 {
        fixture.hub.warn_of_expiry(at(40_000), 60_000);
    }
    assert_eq!(received.next().await.1["expiresAt"], "1970-01-01T00:01:40.000Z");
    assert_eq!(received.names_so_far(), [""; 0]);

    fixture.hub.renew(key, Some(at(200_000)));
    assert!(fixture.hub.expired(at(100_000)).is_empty());
    fixture.hub.warn_of_expiry(at(100_000), 60_000);
    assert_eq!(received.names_so_far(), [""; 0]);
    fixture.hub.warn_of_expiry(at(140_000), 60_000);
    assert_eq!(received.names_so_far(), ["auth-expiring"]);
}
