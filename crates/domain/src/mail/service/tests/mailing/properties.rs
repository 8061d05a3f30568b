//! Whatever is said and read, however mail servers and nodes fail: the promises hold (G8).

use std::collections::{BTreeMap, BTreeSet};

use futures_util::FutureExt;
use proptest::prelude::*;

use super::*;
use crate::page::Window;

#[derive(Clone, Debug)]
enum Step {
    Say(usize),
    Read(usize),
    Choose(Frequency),
    Wait { minutes: i64 },
    DecideAndSend { server_fails: bool, node_dies: bool },
}

const LAST: Step = Step::DecideAndSend { server_fails: false, node_dies: false };

fn steps() -> impl Strategy<Value = Vec<Step>> {
    use Frequency::{Daily, Hourly, Immediate};
    let frequency = prop_oneof![Just(Immediate), Just(Hourly), Just(Daily)];
    let failures = (prop::bool::weighted(0.3), prop::bool::weighted(0.2));
    let step = prop_oneof![
        4 => (0_usize..3).prop_map(Step::Say),
        1 => (0_usize..3).prop_map(Step::Read),
        1 => frequency.prop_map(Step::Choose),
        4 => (1_i64..90).prop_map(|minutes| Step::Wait { minutes }),
        4 => failures.prop_map(|(server_fails, node_dies)| {
            Step::DecideAndSend { server_fails, node_dies }
        }),
    ];
    prop::collection::vec(step, 1..60)
}

/// A fixture, and which mails told of which message.
struct World {
    fixture: Fixture,
    talks: Vec<ConversationId>,
    said: usize,
    told: BTreeMap<String, BTreeSet<MailId>>,
}

impl World {
    async fn new() -> Self {
        let fixture = Fixture::new().await;
        let talks = vec![fixture.talk().await, fixture.talk().await, fixture.talk().await];
        Self { fixture, talks, said: 0, told: BTreeMap::new() }
    }

    async fn take(&mut self, step: &Step) {
        match step {
            Step::Say(talk) => {
                self.said += 1;
                self.fixture.say(&self.talks[*talk], &self.said.to_string()).await;
            }
            Step::Read(talk) => self.fixture.read(&self.talks[*talk]).await,
            Step::Choose(frequency) => self.fixture.choose(*frequency).await,
            Step::Wait { minutes } => {
                self.fixture.service.clock.advance_millis(minutes * MINUTE_MS);
            }
            Step::DecideAndSend { server_fails, node_dies } => {
                self.work(*server_fails, *node_dies).await;
            }
        }
    }

    async fn work(&mut self, server_fails: bool, node_dies: bool) {
        self.fixture.decide().await;
        for mail in self.fixture.on_their_way().await {
            if server_fails {
                self.fixture.post_office.refuse_next(DeliveryError::Later("a test".into()));
                let _refused = self.fixture.mailing.send(&mail).await;
                self.fixture.post_office.forgive();
            } else if node_dies {
                self.fixture.send_and_die(&mail).await;
            } else {
                self.fixture.mailing.send(&mail).await.expect("the mail server works");
            }
        }
        for letter in self.fixture.post_office.take() {
            for quote in letter.chapters.iter().flat_map(|chapter| &chapter.quotes) {
                let told = self.told.entry(quote.words.as_str().to_owned()).or_default();
                told.insert(letter.id.clone());
            }
        }
    }

    /// The newest message of each conversation that is still unread.
    async fn unread(&self) -> Vec<String> {
        let mut unread = vec![];
        for talk in &self.talks {
            let (store, newest) = (&self.fixture.service.store, Window::first(1));
            let history = store.history(talk, &user("c1"), &newest).await;
            let history = history.expect("the store works").expect("it is theirs");
            let newest = history.page.items.into_iter().filter(|message| !message.is_read);
            unread.extend(newest.map(|message| message.content.as_str().to_owned()));
        }
        unread
    }
}

async fn play(steps: &[Step]) -> World {
    let mut world = World::new().await;
    for step in steps {
        world.take(step).await;
    }
    for _ in 0..3 {
        world.take(&Step::Wait { minutes: 24 * 60 }).await;
        world.take(&LAST).await;
    }
    world
}

proptest! {
    #[test]
    fn each_message_is_in_one_mail_and_none_that_stays_unread_is_lost(steps in steps()) {
        let world = play(&steps).now_or_never().expect("nothing here waits");
        for (message, mails) in &world.told {
            prop_assert_eq!(mails.len(), 1, "message {} is in several mails", message);
        }
        for message in world.unread().now_or_never().expect("nothing here waits") {
            prop_assert!(world.told.contains_key(&message), "message {message} was never told");
        }
    }
}
