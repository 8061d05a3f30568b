//! Presence is sent to partners only, and costs no query.

use std::time::Duration;

use domain::{
    participant::store::ParticipantWithPartners,
    privacy::service::Privacy,
    testing::{MockLogStore, MockParticipantStore, MockReadingStore},
};

use super::*;
use crate::realtime::{presence, presence::keep};

impl Fixture {
    /// A new session whose presence counts.
    fn appear(&self, who: &str) -> (SessionKey, Received) {
        let (key, received) = self.enter(who);
        self.hub.presence().session_opened(&user(who), key);
        (key, received)
    }
}

/// Lets `millis` pass, and everything happen that is due by then.
async fn pass(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

async fn fixture() -> Fixture {
    let fixture = Fixture::new().await;
    keep(fixture.hub.presence());
    fixture
}

#[tokio::test(start_paused = true)]
async fn partners_hear_of_the_first_session_and_strangers_of_none() {
    let fixture = fixture().await;
    let (_, mut salon) = fixture.appear("s");
    let (_, mut stranger) = fixture.appear("x");
    pass(1).await;
    assert_eq!(salon.named("presence-snapshot").await["online"], serde_json::json!([]));
    fixture.appear("c");
    pass(1).await;
    let news = salon.named("user-online").await;
    assert_eq!(
        (news["userId"].as_str(), news["userName"].as_str()),
        (Some("c"), Some("Camille Roux c"))
    );
    let (_, mut second) = fixture.appear("c");
    pass(1).await;
    assert_eq!(salon.names_so_far(), [""; 0]);
    let snapshot = second.named("presence-snapshot").await;
    assert_eq!(snapshot["online"], serde_json::json!([{ "userId": "s" }]));
    assert_eq!(stranger.names_so_far(), ["presence-snapshot"]);
}

#[tokio::test(start_paused = true)]
async fn partners_hear_of_the_last_session_s_end_when_the_grace_is_over() {
    let fixture = fixture().await;
    let (_, mut salon) = fixture.appear("s");
    let ((first, _one), (second, _two)) = (fixture.appear("c"), fixture.appear("c"));
    pass(1).await;
    salon.named("user-online").await;
    fixture.hub.exit(first);
    pass(60_000).await;
    fixture.hub.exit(second);
    pass(4_999).await;
    assert_eq!(salon.names_so_far(), [""; 0]);
    pass(2).await;
    assert_eq!(salon.named("user-offline").await["userId"], "c");
}

#[tokio::test(start_paused = true)]
async fn a_page_that_loads_again_is_not_spoken_of() {
    let fixture = fixture().await;
    let (_, mut salon) = fixture.appear("s");
    let (page, _gone) = fixture.appear("c");
    pass(1).await;
    salon.named("user-online").await;
    fixture.hub.exit(page);
    pass(3_000).await;
    let (_, mut again) = fixture.appear("c");
    pass(60_000).await;
    assert_eq!(salon.names_so_far(), [""; 0]);
    assert_eq!(again.names_so_far(), ["presence-snapshot"]);
}

#[tokio::test(start_paused = true)]
async fn those_who_open_a_conversation_hear_of_each_other_at_once() {
    let fixture = fixture().await;
    let person = client("d");
    let said = Caller { profile: person.profile.clone(), ..caller(&person) };
    fixture.directory.sync_profile(&said).await.expect("noted");
    let ((_, mut salon), (_, mut other)) = (fixture.appear("s"), fixture.appear("d"));
    pass(1).await;
    assert_eq!(other.names_so_far(), ["presence-snapshot"]);
    let new = NewConversation {
        client: user("d"),
        appointment: None,
        subject: None,
        first_message: None,
    };
    fixture.messaging.open_conversation(&caller(&super::salon("s")), new).await.expect("opened");
    assert_eq!(other.named("user-online").await["userId"], "s");
    assert_eq!(salon.named("user-online").await["userId"], "d");
}

#[tokio::test(start_paused = true)]
async fn those_whose_last_conversation_is_deleted_hear_of_each_other_no_more() {
    let fixture = fixture().await;
    let ((_, mut salon), (client, _)) = (fixture.appear("s"), fixture.appear("c"));
    pass(1).await;
    salon.named("user-online").await;
    let by = user("s");
    fixture.messaging.delete_conversation(&fixture.conversation, &by).await.expect("the salon may");
    pass(1).await;
    fixture.hub.exit(client);
    pass(10_000).await;
    assert!(!salon.names_so_far().contains(&"user-offline".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_circle_that_cannot_be_read_now_is_read_later() {
    let fixture = fixture().await;
    fixture.store.set_unavailable(true);
    let ((_, mut salon), _client) = (fixture.appear("s"), fixture.appear("c"));
    pass(1_000).await;
    assert_eq!(salon.names_so_far(), [""; 0]);
    fixture.store.set_unavailable(false);
    pass(10_000).await;
    assert_eq!(salon.named("presence-snapshot").await["online"][0]["userId"], "c");
}

/// A hub over a store that knows `s` and `c`, whose circle may be read `reads` times and of which
/// nothing else may be asked.
fn over_a_store_that_is_asked(reads: usize) -> Hub {
    let mut store = MockParticipantStore::new();
    store.expect_participant_with_partners().times(reads).returning(|who, _| {
        let (person, partner) =
            if who.as_str() == "s" { (salon("s"), "c") } else { (client("c"), "s") };
        Ok(Some(ParticipantWithPartners { person, partners: vec![user(partner)] }))
    });
    let (log, reading) = (Arc::new(MockLogStore::new()), Arc::new(MockReadingStore::new()));
    let links = crate::testing::links();
    let hub = Hub::over(log, reading, Arc::new(store), &Settings::default(), links);
    keep(hub.presence());
    hub
}

fn appear(hub: &Hub, who: &str) -> (SessionKey, Received) {
    let (sender, events) = unbounded_channel();
    let key = hub
        .enter(&user(who), Arc::new(RecordingSink::new(sender)), None, 8)
        .expect("a free session");
    hub.presence().session_opened(&user(who), key);
    (key, Received(events))
}

#[tokio::test(start_paused = true)]
async fn presence_reads_two_circles_and_then_asks_the_store_nothing() {
    let hub = over_a_store_that_is_asked(2);
    let (_, mut salon) = appear(&hub, "s");
    let mut tabs = vec![];
    for _ in 0..5 {
        tabs.push(appear(&hub, "c"));
        pass(1_000).await;
        hub.exit(tabs[0].0);
    }
    pass(120_000).await;
    for (key, _) in &tabs {
        hub.exit(*key);
    }
    pass(10_000).await;
    let received = salon.names_so_far();
    assert_eq!(received, ["presence-snapshot", "user-online", "user-offline"]);
}

#[tokio::test(start_paused = true)]
async fn a_person_has_no_more_partners_than_the_bound_says() {
    let store = Arc::new(MemoryStore::new());
    let presence = presence::Settings { partners_per_person_max: 1, ..Default::default() };
    let settings = Settings { presence, ..Settings::default() };
    let hub = Hub::with_settings(store, &settings, crate::testing::links());
    keep(hub.presence());
    let (_, mut salon) = appear(&hub, "s");
    let _clients = (appear(&hub, "c"), appear(&hub, "d"));
    pass(1).await;
    for client in ["c", "d"] {
        let parties = domain::conversation::Parties { salon: user("s"), client: user(client) };
        hub.presence().partners_added(&parties);
    }
    let received = salon.names_so_far();
    assert_eq!(received.iter().filter(|name| *name == "user-online").count(), 1, "{received:?}");
}

/// What `c` is called in the next event about them.
async fn name_sent(fixture: &Fixture, salon: &mut Received, session: SessionKey) -> String {
    let hub = &fixture.hub;
    hub.typing().start(&user("c"), &fixture.conversation, session);
    hub.typing().stop(&user("c"), &fixture.conversation, session);
    pass(2_000).await;
    let event = salon.named("user-typing").await;
    event["userName"].as_str().expect("a name").to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_changed_profile_is_read_again_and_told_from_then_on() {
    let fixture = fixture().await;
    let (_, mut salon) = fixture.join("s", true).await;
    let (session, _client) = fixture.join("c", true).await;
    fixture.hub.presence().session_opened(&user("c"), session);
    pass(1).await;
    assert_eq!(name_sent(&fixture, &mut salon, session).await, "Camille Roux c");
    let mut renamed = client("c");
    renamed.profile.first_name = Some("Nora".to_owned());
    fixture.directory.put_participants(&[renamed.clone()]).await.expect("entered");
    pass(1).await;
    assert_eq!(name_sent(&fixture, &mut salon, session).await, "Nora Roux c");
    renamed.profile.first_name = Some("Lina".to_owned());
    let said = Caller { profile: renamed.profile.clone(), ..caller(&renamed) };
    fixture.directory.sync_profile(&said).await.expect("noted");
    pass(1).await;
    assert_eq!(name_sent(&fixture, &mut salon, session).await, "Lina Roux c");
}

#[tokio::test(start_paused = true)]
async fn whoever_is_forgotten_is_disconnected_and_their_name_is_never_told_again() {
    let fixture = fixture().await;
    let (_, mut salon) = fixture.join("s", true).await;
    let (session, _client) = fixture.join("c", true).await;
    fixture.hub.presence().session_opened(&user("c"), session);
    pass(1).await;
    // The directory cannot be read meanwhile: the name goes all the same.
    let (hub, clock) = (Arc::new(fixture.hub.clone()), Arc::new(FixedClock::ticking()));
    let ids = Arc::new(CountingIds::new());
    let [erasures, commits, exports, ends] = [0; 4].map(|_| fixture.store.clone());
    let privacy = Privacy::new(erasures, commits, exports, ends, hub, clock, ids);
    privacy.request_erasure(&user("c")).await.expect("noted");
    fixture.store.set_unavailable(true);
    assert_eq!(name_sent(&fixture, &mut salon, session).await, "Compte supprimé");
    fixture.store.set_unavailable(false);
    pass(20_000).await;
    assert_eq!(name_sent(&fixture, &mut salon, session).await, "Compte supprimé");
    assert_eq!(fixture.disconnected.lock().expect("sound").as_slice(), ["c"]);
}
