//! Properties of mailing under failing mail servers and nodes (G8).

use std::collections::{BTreeMap, BTreeSet};

use futures_util::FutureExt;
use proptest::prelude::*;

use super::*;
use crate::page::Window;

#[derive(Clone, Debug)]
enum Step {
    Send(usize),
    Read(usize),
    Choose(Frequency),
    Wait { minutes: i64 },
    DecideAndSend { server_fails: bool, node_crashes: bool },
}

const LAST: Step = Step::DecideAndSend { server_fails: false, node_crashes: false };

fn steps() -> impl Strategy<Value = Vec<Step>> {
    use Frequency::{Daily, Hourly, Immediate};
    let frequency = prop_oneof![Just(Immediate), Just(Hourly), Just(Daily)];
    let failures = (prop::bool::weighted(0.3), prop::bool::weighted(0.2));
    let step = prop_oneof![
        4 => (0_usize..3).prop_map(Step::Send),
        1 => (0_usize..3).prop_map(Step::Read),
        1 => frequency.prop_map(Step::Choose),
        4 => (1_i64..90).prop_map(|minutes| Step::Wait { minutes }),
        4 => failures.prop_map(|(server_fails, node_crashes)| {
            Step::DecideAndSend { server_fails, node_crashes }
        }),
    ];
    prop::collection::vec(step, 1..60)
}

/// A fixture, and the mails that contained each message.
struct Model {
    fixture: Fixture,
    conversations: Vec<ConversationId>,
    last_number: usize,
    mails_by_text: BTreeMap<String, BTreeSet<MailId>>,
}

impl Model {
    async fn new() -> Self {
        let fixture = Fixture::new().await;
        let conversations = vec![
            fixture.conversation().await,
            fixture.conversation().await,
            fixture.conversation().await,
        ];
        Self { fixture, conversations, last_number: 0, mails_by_text: BTreeMap::new() }
    }

    async fn apply(&mut self, step: &Step) {
        match step {
            Step::Send(conversation) => {
                self.last_number += 1;
                self.fixture
                    .send(&self.conversations[*conversation], &self.last_number.to_string())
                    .await;
            }
            Step::Read(conversation) => self.fixture.read(&self.conversations[*conversation]).await,
            Step::Choose(frequency) => self.fixture.choose_frequency(*frequency).await,
            Step::Wait { minutes } => {
                self.fixture.service.clock.advance_millis(minutes * MINUTE_MS);
            }
            Step::DecideAndSend { server_fails, node_crashes } => {
                self.work(*server_fails, *node_crashes).await;
            }
        }
    }

    async fn work(&mut self, server_fails: bool, node_crashes: bool) {
        self.fixture.decide().await;
        for mail in self.fixture.queued_mails().await {
            if server_fails {
                self.fixture.mail_sender.refuse_next(DeliveryError::Later("a test".into()));
                let _refused = self.fixture.mailing.send(&mail).await;
                self.fixture.mail_sender.accept_all();
            } else if node_crashes {
                self.fixture.send_and_crash(&mail).await;
            } else {
                self.fixture.mailing.send(&mail).await.expect("the mail server works");
            }
        }
        for email in self.fixture.mail_sender.take() {
            for quote in email.chapters.iter().flat_map(|digest| &digest.quotes) {
                let mails_by_text =
                    self.mails_by_text.entry(quote.words.as_str().to_owned()).or_default();
                mails_by_text.insert(email.id.clone());
            }
        }
    }

    /// The newest message of each conversation that is still unread.
    async fn unread(&self) -> Vec<String> {
        let mut unread = vec![];
        for conversation in &self.conversations {
            let (store, newest) = (&self.fixture.service.store, Window::first(1));
            let history = store.history(conversation, &user("c1"), &newest).await;
            let history = history.expect("the store works").expect("it is theirs");
            let newest = history.page.items.into_iter().filter(|message| !message.is_read);
            unread.extend(newest.map(|message| message.content.as_str().to_owned()));
        }
        unread
    }
}

async fn run(steps: &[Step]) -> Model {
    let mut model = Model::new().await;
    for step in steps {
        model.apply(step).await;
    }
    for _ in 0..3 {
        model.apply(&Step::Wait { minutes: 24 * 60 }).await;
        model.apply(&LAST).await;
    }
    model
}

proptest! {
    #[test]
    fn each_message_is_in_one_mail_and_none_that_stays_unread_is_lost(steps in steps()) {
        let model = run(&steps).now_or_never().expect("nothing here waits");
        for (message, mails) in &model.mails_by_text {
            prop_assert_eq!(mails.len(), 1, "message {} is in several mails", message);
        }
        for message in model.unread().now_or_never().expect("nothing here waits") {
            prop_assert!(model.mails_by_text.contains_key(&message), "message {message} was never mailed");
        }
    }
}
