//! Commits whose answer is lost: events are published once, in order, and nobody is told a lie.

use std::sync::Arc;

use domain::{
    conversation::{
        Parties, Status,
        event::EventKind,
        ledger::{Command, Open, ReadTarget},
        store::ConversationStore as _,
    },
    ids::ConversationId,
    ports::StoreError,
    testing::fixture::{RecordingFanout, keyed, text},
};
use storage_pg::{PgStore, Settings};
use tokio::task::JoinHandle;

use crate::{
    lanes::{Done, commit, commit_in, committed, done, post},
    proxy::{Cut, Proxy},
    support::Scratch,
    talk::{ANSWERS, TestConversation, fresh_id},
    waiting::until,
};

/// A store with one lane behind a proxy, and a conversation.
struct Fixture {
    scratch: Scratch,
    conversation: TestConversation,
    proxy: Proxy,
    store: PgStore,
    recorder: Arc<RecordingFanout>,
}

impl Fixture {
    async fn new() -> Self {
        Self::with(|_| ()).await
    }

    async fn with(adjust: impl FnOnce(&mut Settings)) -> Self {
        let scratch = Scratch::new().await;
        let conversation = TestConversation::open(&scratch).await;
        let proxy = Proxy::to(&scratch).await;
        let store = scratch.another(|settings| {
            settings.url = proxy.url().into();
            settings.lanes = 1;
            adjust(settings);
        });
        Self { scratch, conversation, proxy, store, recorder: Arc::new(RecordingFanout::new()) }
    }

    fn run(&self, command: Command) -> JoinHandle<Done> {
        commit(&self.store, &self.recorder, &self.conversation, command)
    }

    /// A post of the client.
    fn send(&self, words: &str) -> JoinHandle<Done> {
        self.run(post(&self.conversation.client, text(words)))
    }

    async fn until_published(&self) {
        until(async || {
            // The proxy has its turn.
            tokio::task::yield_now().await;
            !self.recorder.published().is_empty()
        })
        .await;
    }

    /// The positions that were published.
    fn seqs(&self) -> Vec<i64> {
        self.recorder.published().iter().map(|event| event.seq.get()).collect()
    }
}

fn assert_unavailable(done: &Done) {
    assert!(matches!(done, Err(StoreError::Unavailable(_))), "{done:?}");
}

#[tokio::test]
async fn a_batch_whose_answer_is_lost_is_published_once_and_its_senders_hear_the_outcome() {
    let fixture = Fixture::new().await;
    fixture.proxy.cut(Cut::Answer);
    let mut queued: Vec<_> = ["a", "b", "c", "d", "e"].map(|words| fixture.send(words)).into();
    let (reader, target) = (fixture.conversation.salon.clone(), ReadTarget::Everything);
    queued.push(fixture.run(Command::MarkRead { reader, target }));
    let mut positions = vec![];
    for queued in queued {
        let events = committed(done(queued).await).changes.events;
        positions.extend(events.iter().map(|event| event.seq.get()));
    }
    assert!(fixture.proxy.has_cut());
    assert_eq!(positions, [2, 3, 4, 5, 6, 7]);
    assert_eq!(fixture.seqs(), positions);
    committed(done(fixture.send("f")).await);
    assert_eq!(fixture.seqs(), [2, 3, 4, 5, 6, 7, 8]);
}

#[tokio::test]
async fn what_was_committed_before_the_server_went_away_is_published_when_it_is_back() {
    let fixture = Fixture::new().await;
    fixture.proxy.cut_and_leave(Cut::Answer);
    assert_unavailable(&done(fixture.send("a")).await);
    assert!(done(fixture.send("a")).await.is_err(), "nobody can say what came before it");
    assert_eq!(fixture.recorder.published(), []);
    fixture.proxy.restore();
    // Without any command.
    fixture.until_published().await;
    assert_eq!(fixture.seqs(), [2]);
    committed(done(fixture.send("a")).await);
    assert_eq!(fixture.seqs(), [2, 3]);
}

/// Who takes part is remembered by the store, and asked for with every command.
#[tokio::test]
async fn who_took_part_is_not_remembered_after_a_deletion_that_was_settled_later() {
    let fixture = Fixture::new().await;
    let TestConversation { id, salon, .. } = &fixture.conversation;
    assert!(fixture.store.parties(id, salon).await.expect(ANSWERS).is_some());
    fixture.proxy.cut_and_leave(Cut::Answer);
    let by = salon.clone();
    assert_unavailable(&done(fixture.run(Command::DeleteConversation { by })).await);
    fixture.proxy.restore();
    fixture.until_published().await;
    assert_eq!(fixture.store.parties(id, salon).await.expect(ANSWERS), None);
}

#[tokio::test]
async fn what_was_committed_before_the_server_went_away_is_published_before_what_follows() {
    let fixture = Fixture::new().await;
    fixture.proxy.cut_and_leave(Cut::Answer);
    assert_unavailable(&done(fixture.send("a")).await);
    fixture.proxy.restore();
    committed(done(fixture.send("a")).await);
    assert_eq!(fixture.seqs(), [2, 3]);
}

#[tokio::test]
async fn a_commit_that_was_not_received_is_unavailable_and_never_published() {
    let fixture = Fixture::new().await;
    fixture.proxy.cut(Cut::Request);
    assert_unavailable(&done(fixture.send("a")).await);
    let delete = Command::DeleteConversation { by: fixture.conversation.client.clone() };
    fixture.proxy.cut(Cut::Request);
    assert_unavailable(&done(fixture.run(delete)).await);
    fixture.proxy.cut_and_leave(Cut::Request);
    assert_unavailable(&done(fixture.send("b")).await);
    fixture.proxy.restore();
    committed(done(fixture.send("c")).await);
    let events = fixture.recorder.published();
    let [event] = &events[..] else { panic!("only the last was committed: {events:?}") };
    let EventKind::MessagePosted(message) = &event.kind else { panic!("{event:?}") };
    assert_eq!((event.seq.get(), message.content.as_str()), (2, "c"));
}

#[tokio::test]
async fn what_became_of_a_commit_is_found_out_whatever_the_server_said_as_it_ended_the_session() {
    let fixture = Fixture::new().await;
    fixture.proxy.cut(Cut::DiskFull);
    let sent = post(&fixture.conversation.client, keyed("Bonjour", "k1"));
    committed(done(fixture.run(sent)).await);
    assert!(fixture.proxy.has_cut());
    assert_eq!(fixture.scratch.number("SELECT count(*) FROM messaging.message").await, 1);

    // The same for what runs alone.
    fixture.proxy.cut(Cut::DiskFull);
    let delete = Command::DeleteConversation { by: fixture.conversation.salon.clone() };
    committed(done(fixture.run(delete)).await);
    assert!(fixture.proxy.has_cut());
    let kinds: Vec<_> = fixture.recorder.published().into_iter().map(|event| event.kind).collect();
    assert!(
        matches!(kinds[..], [EventKind::MessagePosted(_), EventKind::ConversationDeleted]),
        "{kinds:?}"
    );
}

fn new_conversation(conversation: &TestConversation) -> (ConversationId, Command) {
    let open = Command::Open(Open {
        parties: Parties { salon: conversation.salon.clone(), client: conversation.client.clone() },
        appointment: None,
        subject: None,
        status: Status::Active,
        message: None,
        handles: None,
    });
    (ConversationId::parse(&fresh_id()).expect("a good id"), open)
}

#[tokio::test]
async fn an_opening_and_a_deletion_whose_answer_is_lost_are_published_once() {
    let fixture = Fixture::new().await;
    let Fixture { scratch, proxy, store, recorder, .. } = &fixture;
    for leaves in [false, true] {
        let conversation = TestConversation::open(scratch).await;
        let delete = Command::DeleteConversation { by: conversation.client.clone() };
        for (id, command) in [new_conversation(&conversation), (conversation.id.clone(), delete)] {
            if leaves {
                proxy.cut_and_leave(Cut::Answer);
            } else {
                proxy.cut(Cut::Answer);
            }
            let outcome = done(commit_in(store, recorder, &id, command)).await;
            if leaves {
                assert_unavailable(&outcome);
                assert_eq!(recorder.published(), []);
                proxy.restore();
                fixture.until_published().await;
            } else {
                assert_eq!(committed(outcome).changes.events, recorder.published());
            }
            let events = recorder.take();
            let [event] = &events[..] else { panic!("it happened once: {events:?}") };
            assert_eq!(event.conversation, id);
            let is_expected = match event.kind {
                EventKind::ConversationOpened { .. } => id != conversation.id,
                EventKind::ConversationDeleted => id == conversation.id,
                _ => false,
            };
            assert!(is_expected, "{event:?}");
        }
    }
}

/// Makes commits in `conversation` wait for an advisory lock.
async fn make_commits_wait(scratch: &Scratch, conversation: &TestConversation) {
    let trigger = format!(
        "CREATE FUNCTION messaging.wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            PERFORM pg_advisory_xact_lock(1);
            RETURN NULL;
        END $$;
        CREATE CONSTRAINT TRIGGER waits AFTER INSERT ON messaging.event
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
            WHEN (NEW.conversation_id = '{}') EXECUTE FUNCTION messaging.wait()",
        conversation.id,
    );
    scratch.sql(&trigger).await;
}

#[tokio::test]
async fn while_a_commit_goes_on_unheard_its_conversation_waits_and_no_other() {
    let fixture = Fixture::with(|settings| {
        settings.statement_timeout_ms = 60_000;
        settings.lock_wait_ms_max = 60_000;
    })
    .await;
    let Fixture { scratch, conversation, proxy, store, recorder } = &fixture;
    let other = TestConversation::open(scratch).await;
    make_commits_wait(scratch, conversation).await;
    let session = scratch.session().await;
    session.batch_execute("SELECT pg_advisory_lock(1)").await.expect("it is free");
    proxy.cut(Cut::Between);
    assert_unavailable(&done(fixture.send("a")).await);
    committed(done(commit(store, recorder, &other, post(&other.client, text("a")))).await);
    let outcome = done(fixture.send("a")).await;
    assert!(matches!(outcome, Err(StoreError::Busy(_))), "{outcome:?}");
    assert_eq!(recorder.take().len(), 1, "of the other one");
    session.batch_execute("SELECT pg_advisory_unlock(1)").await.expect(ANSWERS);
    fixture.until_published().await;
    committed(done(fixture.send("a")).await);
    assert_eq!(fixture.seqs(), [2, 3]);
}
