//! The others in the room hear who writes, and no longer than it is so.

use std::time::Duration;

use super::*;
use crate::realtime::typing;

impl Fixture {
    fn start(&self, who: &str, session: SessionKey) {
        let hub = &self.hub;
        hub.typing().start(&user(who), &self.conversation, session);
    }
}

async fn pass(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

async fn fixture() -> Fixture {
    let fixture = Fixture::new().await;
    typing::watch(fixture.hub.typing());
    fixture
}

#[tokio::test(start_paused = true)]
async fn everyone_in_the_room_but_the_writing_session_hears_it() {
    let fixture = fixture().await;
    let (_, mut salon) = fixture.join("s", true).await;
    let (writing, mut own) = fixture.join("c", true).await;
    let (_, mut other_tab) = fixture.join("c", true).await;
    let (_, mut elsewhere) = fixture.enter("s");
    fixture.start("c", writing);
    let (name, said) = salon.next().await;
    assert_eq!(name, "user-typing");
    assert_eq!(said["conversationId"], fixture.conversation.as_str());
    assert_eq!(
        (said["userId"].as_str(), said["userName"].as_str()),
        (Some("c"), Some("Utilisateur"))
    );
    assert_eq!(other_tab.names_so_far(), ["user-typing"]);
    assert_eq!((own.names_so_far(), elsewhere.names_so_far()), (vec![], vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_gone_does_not_begin_to_type() {
    let fixture = fixture().await;
    let (_, mut salon) = fixture.join("s", true).await;
    let (writing, _own) = fixture.join("c", true).await;
    fixture.hub.exit(writing);
    fixture.start("c", writing);
    assert_eq!(salon.names_so_far(), ["user-left"]);
}

#[tokio::test(start_paused = true)]
async fn the_writer_is_called_what_the_directory_calls_them() {
    let fixture = fixture().await;
    let (_, mut salon) = fixture.join("s", true).await;
    let (writing, _own) = fixture.join("c", true).await;
    fixture.hub.presence().session_opened(&user("c"), writing);
    pass(1).await;
    fixture.start("c", writing);
    assert_eq!(salon.named("user-typing").await["userName"], "Camille Roux c");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_says_it_once_writes_for_a_minute() {
    let fixture = fixture().await;
    let (_, mut salon) = fixture.join("s", true).await;
    let (writing, _own) = fixture.join("c", true).await;
    fixture.start("c", writing);
    pass(59_999).await;
    assert_eq!(salon.names_so_far(), ["user-typing"]);
    pass(2).await;
    assert_eq!(salon.named("user-stopped-typing").await["userId"], "c");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_repeats_it_writes_for_six_seconds_after_its_last_word() {
    let fixture = fixture().await;
    let (_, mut salon) = fixture.join("s", true).await;
    let (writing, _own) = fixture.join("c", true).await;
    for _ in 0..2 {
        fixture.start("c", writing);
        pass(3_000).await;
    }
    pass(2_999).await;
    assert_eq!(salon.names_so_far(), ["user-typing"; 2]);
    pass(2).await;
    assert_eq!(salon.named("user-stopped-typing").await["userId"], "c");
}

#[tokio::test(start_paused = true)]
async fn however_often_a_client_says_it_the_room_hears_it_every_two_seconds() {
    let fixture = fixture().await;
    let (_, mut salon) = fixture.join("s", true).await;
    let (writing, _own) = fixture.join("c", true).await;
    for _ in 0..100 {
        fixture.start("c", writing);
        pass(100).await;
    }
    assert_eq!(salon.names_so_far().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn sending_leaving_and_disconnecting_end_it_at_once() {
    let fixture = fixture().await;
    let (_, mut salon) = fixture.join("s", true).await;
    let (writing, _own) = fixture.join("c", true).await;
    let received = |salon: &mut Received| {
        let mut names = salon.names_so_far();
        names.retain(|name| name.contains("typing"));
        names
    };
    let both = ["user-typing", "user-stopped-typing"];

    fixture.start("c", writing);
    fixture.say(&fixture.messaging, "c", "sent").await;
    assert_eq!(received(&mut salon), both);
    pass(2_000).await;

    fixture.start("c", writing);
    fixture.hub.leave(writing, &fixture.conversation);
    assert_eq!(received(&mut salon), both);
    pass(2_000).await;

    let (writing, _own) = fixture.join("c", true).await;
    fixture.start("c", writing);
    fixture.hub.exit(writing);
    assert_eq!(received(&mut salon), both);
    pass(10_000).await;
    assert_eq!(received(&mut salon), [""; 0]);
}
