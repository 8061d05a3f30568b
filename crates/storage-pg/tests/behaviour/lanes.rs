//! Group commit: what a lane promises.

use std::{collections::HashSet, sync::Arc};

use domain::{
    conversation::{
        event::{Event, EventKind},
        ledger::{Command, Post, ReadTarget, Refusal},
        message::Draft,
        store::{Committed, ConversationLog, ConversationStore, LogStore},
    },
    ids::{ConversationId, MessageId, Seq, UserId},
    ports::StoreError,
    testing::fixture::{RecordingFanout, keyed, text},
};
use storage_pg::PgStore;
use tokio::task::JoinHandle;
use tokio_postgres::Client;

use crate::{
    support::Scratch,
    talk::{ANSWERS, TestConversation, fresh_id, now},
    waiting::{hold, until, until_waiting},
};

pub(crate) type Done = Result<Result<Committed, Refusal>, StoreError>;

/// A store with one lane, whose next batch waits until it is released, so that commands gather.
struct Stalled {
    store: PgStore,
    recorder: Arc<RecordingFanout>,
    session: Client,
    first: JoinHandle<Done>,
}

pub(crate) fn post(author: &UserId, draft: Draft) -> Command {
    Command::Post(Post {
        id: MessageId::parse(&fresh_id()).expect("a good id"),
        author: author.clone(),
        draft,
        attachments: vec![],
    })
}

impl Stalled {
    /// Stalls a lane in the middle of a commit: `conversation` has a pending mail, whose row is locked.
    async fn new(scratch: &Scratch, conversation: &TestConversation) -> Self {
        let store = scratch.another(|settings| settings.lanes = 1);
        conversation.send_text(&conversation.client, "Bonjour").await;
        let session = scratch.session().await;
        let lock = "BEGIN; SELECT FROM messaging.pending_mail FOR UPDATE";
        session.batch_execute(lock).await.expect("nobody is in the way");
        let recorder = Arc::new(RecordingFanout::new());
        let first = commit(&store, &recorder, conversation, post(&conversation.client, text("0")));
        until_waiting(scratch, 1).await;
        Self { store, recorder, session, first }
    }

    /// Queues a command behind the stalled batch.
    fn queue(&self, conversation: &TestConversation, command: Command) -> JoinHandle<Done> {
        commit(&self.store, &self.recorder, conversation, command)
    }

    /// Queues posts, one after another.
    async fn queue_posts(
        &self,
        conversation: &TestConversation,
        drafts: impl IntoIterator<Item = Draft>,
    ) -> Vec<JoinHandle<Done>> {
        let mut queued = vec![];
        for draft in drafts {
            queued.push(self.queue(conversation, post(&conversation.client, draft)));
            // The queue is entered when the task first runs.
            tokio::task::yield_now().await;
        }
        queued
    }

    async fn release(&self) {
        self.session.batch_execute("COMMIT").await.expect("it can");
    }
}

/// Queues a command.
pub(crate) fn commit(
    store: &PgStore,
    recorder: &Arc<RecordingFanout>,
    conversation: &TestConversation,
    command: Command,
) -> JoinHandle<Done> {
    commit_in(store, recorder, &conversation.id, command)
}

/// Queues a command in a conversation that may not be open.
pub(crate) fn commit_in(
    store: &PgStore,
    recorder: &Arc<RecordingFanout>,
    conversation: &ConversationId,
    command: Command,
) -> JoinHandle<Done> {
    let (store, fanout, id) = (store.clone(), recorder.clone(), conversation.clone());
    tokio::spawn(async move { store.commit(&id, command, now(), fanout).await })
}

pub(crate) async fn done(queued: JoinHandle<Done>) -> Done {
    queued.await.expect("no panic")
}

pub(crate) fn committed(done: Done) -> Committed {
    done.expect(ANSWERS).expect("it is allowed")
}

fn texts(numbers: std::ops::Range<u32>) -> impl Iterator<Item = Draft> {
    numbers.map(|number| text(&number.to_string()))
}

#[tokio::test]
async fn what_gathers_during_a_commit_is_committed_together_and_published_in_order() {
    let scratch = Scratch::new().await;
    let conversation = TestConversation::open(&scratch).await;
    let stalled = Stalled::new(&scratch, &conversation).await;
    let mut queued = stalled.queue_posts(&conversation, texts(1..17)).await;
    let everything =
        Command::MarkRead { reader: conversation.salon.clone(), target: ReadTarget::Everything };
    queued.push(stalled.queue(&conversation, everything));
    stalled.release().await;
    committed(done(stalled.first).await);
    for queued in queued {
        committed(done(queued).await);
    }
    let events = stalled.recorder.published();
    let seqs: Vec<_> = events.iter().map(|event| event.seq.get()).collect();
    assert_eq!(seqs, (3..=20).collect::<Vec<_>>(), "in order and without a gap");
    assert!(matches!(&events[17].kind, EventKind::MessagesRead(receipt) if receipt.several));
    let commits = "SELECT count(DISTINCT xmin::text) FROM messaging.event WHERE seq > 3";
    assert_eq!(scratch.number(commits).await, 1, "in one transaction");
    let log = scratch
        .events_after(&conversation.id, &conversation.client, Seq::new(2).expect("a seq"), 100)
        .await
        .expect(ANSWERS)
        .expect("they take part");
    let log = log.events().expect("nothing is trimmed");
    assert_eq!(log.len(), events.len());
}

/// How many messages the salon has not read.
const UNREAD: &str = "SELECT sum(unread_by_salon) FROM messaging.conversation";

#[tokio::test]
async fn a_reader_who_left_while_a_message_was_queued_has_not_read_it() {
    let scratch = Scratch::new().await;
    let conversation = TestConversation::open(&scratch).await;
    let stalled = Stalled::new(&scratch, &conversation).await;
    let watch = |is_watching| {
        stalled.recorder.set_watching(&conversation.id, &conversation.salon, is_watching);
    };
    watch(true);
    let queued = stalled.queue_posts(&conversation, texts(1..2)).await;
    watch(false);
    stalled.release().await;
    committed(done(stalled.first).await);
    for queued in queued {
        let changes = committed(done(queued).await).changes;
        assert_eq!((changes.events.len(), changes.mail_to), (1, Some(conversation.salon.clone())));
    }
    assert_eq!(scratch.number(UNREAD).await, 3);
}

#[tokio::test]
async fn who_is_watching_is_asked_when_the_conversation_is_locked_and_not_before() {
    let scratch = Scratch::new().await;
    let conversation = TestConversation::open(&scratch).await;
    let store = scratch.another(|_| ());
    let recorder = Arc::new(RecordingFanout::new());
    let watch = |is_watching| {
        recorder.set_watching(&conversation.id, &conversation.salon, is_watching);
    };
    for (watched_before, watched_then) in [(true, false), (false, true)] {
        watch(watched_before);
        let lock = hold(&scratch, &conversation).await;
        let command = post(&conversation.client, text("Bonjour"));
        let waiting = commit(&store, &recorder, &conversation, command);
        until_waiting(&scratch, 1).await;
        watch(watched_then);
        drop(lock);
        let message = committed(done(waiting).await).changes.message.expect("it was posted");
        assert_eq!(message.message.is_read, watched_then);
    }
    assert_eq!(scratch.number(UNREAD).await, 0);
}

#[tokio::test]
async fn a_command_that_the_database_refuses_harms_itself_alone() {
    let scratch = Scratch::new().await;
    let conversation = TestConversation::open(&scratch).await;
    let poison = "ALTER TABLE messaging.message ADD CONSTRAINT poison CHECK (content <> 'poison')";
    scratch.sql(poison).await;
    let stalled = Stalled::new(&scratch, &conversation).await;
    let drafts = texts(1..9).chain([text("poison")]).chain(texts(9..16));
    let queued = stalled.queue_posts(&conversation, drafts).await;
    stalled.release().await;
    committed(done(stalled.first).await);
    for (number, queued) in queued.into_iter().enumerate() {
        match done(queued).await {
            Err(StoreError::Internal(error)) => {
                assert_eq!(number, 8, "{error}");
                assert!(error.to_string().contains("poison"), "{error}");
            }
            done => drop(committed(done)),
        }
    }
    let seqs: Vec<_> = stalled.recorder.published().iter().map(|event| event.seq.get()).collect();
    assert_eq!(seqs, (3..=18).collect::<Vec<_>>(), "no position is lost");
}

#[tokio::test]
async fn a_key_twice_in_a_batch_posts_once() {
    let scratch = Scratch::new().await;
    let conversation = TestConversation::open(&scratch).await;
    let stalled = Stalled::new(&scratch, &conversation).await;
    let drafts = [keyed("Bonjour", "k"), keyed("Bonjour", "k"), keyed("Bonsoir", "k")];
    let mut queued = stalled.queue_posts(&conversation, drafts).await.into_iter();
    stalled.release().await;
    let first = committed(done(queued.next().expect("three")).await);
    let id = first.changes.message.expect("it was posted").message.id.clone();
    for queued in queued {
        assert_eq!(done(queued).await.expect(ANSWERS), Err(Refusal::KeyKnown(id.clone())));
    }
    assert_eq!(stalled.recorder.published().len(), 2);
}

#[tokio::test]
async fn of_a_locked_conversation_one_command_waits_and_the_others_of_it_behind_in_order() {
    let scratch = Scratch::new().await;
    let locked = TestConversation::open(&scratch).await;
    let free = TestConversation::open(&scratch).await;
    let store = scratch.another(|settings| settings.lanes = 1);
    let recorder = Arc::new(RecordingFanout::new());
    let lock = hold(&scratch, &locked).await;
    let mut waiting = vec![];
    for number in 0..5 {
        let command = post(&locked.client, text(&number.to_string()));
        waiting.push(commit(&store, &recorder, &locked, command));
        tokio::task::yield_now().await;
    }
    until_waiting(&scratch, 1).await;
    for number in 0..20 {
        let command = post(&free.client, text(&number.to_string()));
        committed(done(commit(&store, &recorder, &free, command)).await);
    }
    let of_locked = |event: &Event| event.conversation == locked.id;
    assert!(!recorder.published().iter().any(of_locked));
    drop(lock);
    for waiting in waiting {
        committed(done(waiting).await);
    }
    let events = recorder.published();
    let contents = events.iter().filter(|event| of_locked(event)).map(|event| match &event.kind {
        EventKind::MessagePosted(message) => message.content.as_str().to_owned(),
        other => panic!("{other:?}"),
    });
    assert_eq!(contents.collect::<Vec<_>>(), ["0", "1", "2", "3", "4"]);
}

#[tokio::test]
async fn a_lock_that_stays_ends_the_wait_and_disturbs_nobody() {
    let scratch = Scratch::new().await;
    let conversation = TestConversation::open(&scratch).await;
    let hasty = scratch.another(|settings| settings.statement_timeout_ms = 100);
    let recorder = Arc::new(RecordingFanout::new());
    let lock = hold(&scratch, &conversation).await;
    let send = || commit(&hasty, &recorder, &conversation, post(&conversation.client, text("a")));
    for waiting in [send(), send()] {
        let outcome = done(waiting).await;
        assert!(matches!(outcome, Err(StoreError::Busy(_))), "{outcome:?}");
    }
    hasty.parties(&conversation.id, &conversation.client).await.expect(ANSWERS);
    drop(lock);
    assert_eq!(recorder.published(), []);
    committed(done(send()).await);
}

#[tokio::test]
async fn the_wait_for_a_lock_ends_before_the_statement_would() {
    let scratch = Scratch::new().await;
    let conversation = TestConversation::open(&scratch).await;
    let hasty = scratch.another(|settings| {
        settings.statement_timeout_ms = 600_000;
        settings.lock_wait_ms_max = 100;
    });
    let recorder = Arc::new(RecordingFanout::new());
    let lock = hold(&scratch, &conversation).await;
    let waiting = commit(&hasty, &recorder, &conversation, post(&conversation.client, text("a")));
    let outcome = done(waiting).await;
    assert!(matches!(outcome, Err(StoreError::Busy(_))), "{outcome:?}");
    drop(lock);
    assert_eq!(recorder.published(), []);
}

fn busy(done: Done) -> String {
    match done {
        Err(StoreError::Busy(source)) => source.to_string(),
        other => panic!("should be busy: {other:?}"),
    }
}

#[tokio::test]
async fn a_full_queue_is_refused_at_once() {
    let scratch = Scratch::new().await;
    let conversation = TestConversation::open(&scratch).await;
    let small = scratch.another(|settings| settings.lane_queue_commands_max = 2);
    let recorder = Arc::new(RecordingFanout::new());
    let lock = hold(&scratch, &conversation).await;
    let send = || commit(&small, &recorder, &conversation, post(&conversation.client, text("a")));
    let first = send();
    until_waiting(&scratch, 1).await;
    let second = send();
    tokio::task::yield_now().await;
    assert_eq!(busy(done(send()).await), "too many commands wait");
    drop(lock);
    committed(done(first).await);
    committed(done(second).await);
    committed(done(send()).await);
}

#[tokio::test]
async fn a_command_that_waited_too_long_is_refused_and_not_committed_late() {
    const WAIT_MS: u64 = 50;
    let scratch = Scratch::new().await;
    let conversation = TestConversation::open(&scratch).await;
    let hasty = scratch.another(|settings| settings.pool_wait_ms_max = WAIT_MS);
    let recorder = Arc::new(RecordingFanout::new());
    let send = || commit(&hasty, &recorder, &conversation, post(&conversation.client, text("a")));
    let lock = hold(&scratch, &conversation).await;
    let waiting = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    // On a machine that stalls, one may be too late before it is taken from the queue.
    let first = loop {
        let first = send();
        until(async || first.is_finished() || scratch.number(waiting).await == 1).await;
        if !first.is_finished() {
            break first;
        }
        assert_eq!(busy(done(first).await), "a command waited too long to be committed");
    };
    let queued = std::time::Instant::now();
    let second = send();
    tokio::task::yield_now().await;
    until(async || queued.elapsed().as_millis() > u128::from(WAIT_MS)).await;
    drop(lock);
    committed(done(first).await);
    assert_eq!(busy(done(second).await), "a command waited too long to be committed");
    assert_eq!(recorder.published().len(), 1);
}

#[tokio::test]
async fn behind_a_locked_conversation_is_room_for_so_many_and_the_next_is_refused() {
    let scratch = Scratch::new().await;
    let conversation = TestConversation::open(&scratch).await;
    let other = TestConversation::open(&scratch).await;
    let small = scratch.another(|settings| settings.lane_batch_commands_max = 2);
    let recorder = Arc::new(RecordingFanout::new());
    let lock = hold(&scratch, &conversation).await;
    let send = |to: &TestConversation| commit(&small, &recorder, to, post(&to.client, text("a")));
    let waits = send(&conversation);
    until_waiting(&scratch, 1).await;
    let behind = [send(&conversation), send(&conversation)];
    tokio::task::yield_now().await;
    let outcome = done(send(&conversation)).await;
    let Err(StoreError::Busy(source)) = outcome else { panic!("should be busy: {outcome:?}") };
    assert_eq!(source.to_string(), "too many commands wait for a conversation");
    committed(done(send(&other)).await);
    drop(lock);
    committed(done(waits).await);
    for behind in behind {
        committed(done(behind).await);
    }
}

#[tokio::test]
async fn a_mark_of_many_messages_reads_them_all_and_keeps_its_place() {
    let scratch = Scratch::new().await;
    let conversation = TestConversation::open(&scratch).await;
    let stalled = Stalled::new(&scratch, &conversation).await;
    // As if very many were unread, so that the mark is left to run alone.
    let queued = stalled.queue_posts(&conversation, texts(1..4)).await;
    let everything =
        Command::MarkRead { reader: conversation.salon.clone(), target: ReadTarget::Everything };
    let mark = stalled.queue(&conversation, everything);
    tokio::task::yield_now().await;
    let last = stalled.queue_posts(&conversation, texts(4..5)).await;
    stalled.release().await;
    for queued in queued.into_iter().chain([stalled.first, mark]).chain(last) {
        committed(done(queued).await);
    }
    let many = "UPDATE messaging.conversation SET unread_by_salon = 501";
    scratch.sql(many).await;
    let marks = [ReadTarget::Everything, ReadTarget::Everything].map(|target| {
        let reader = conversation.salon.clone();
        commit(
            &stalled.store,
            &stalled.recorder,
            &conversation,
            Command::MarkRead { reader, target },
        )
    });
    let after = commit(
        &stalled.store,
        &stalled.recorder,
        &conversation,
        post(&conversation.client, text("after")),
    );
    for queued in marks.into_iter().chain([after]) {
        committed(done(queued).await);
    }
    let seqs: Vec<_> = stalled.recorder.published().iter().map(|event| event.seq.get()).collect();
    assert!(seqs.is_sorted(), "{seqs:?}");
    let unread = "SELECT unread_by_salon FROM messaging.conversation";
    assert_eq!(scratch.number(unread).await, 1, "what was posted last");
}

#[tokio::test]
async fn a_lost_connection_tells_no_lie_and_is_replaced() {
    let scratch = Scratch::new().await;
    let conversation = TestConversation::open(&scratch).await;
    let stalled = Stalled::new(&scratch, &conversation).await;
    let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'messaging'
            AND wait_event_type = 'Lock'";
    scratch.sql(kill).await;
    let outcome = done(stalled.first).await;
    assert!(matches!(outcome, Err(StoreError::Unavailable(_))), "{outcome:?}");
    stalled.session.batch_execute("COMMIT").await.expect("it can");
    let again = post(&conversation.client, text("again"));
    let again =
        committed(done(commit(&stalled.store, &stalled.recorder, &conversation, again)).await);
    assert_eq!(again.changes.events[0].seq.get(), 3, "the first was rolled back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_stores_with_two_lanes_keep_one_order() {
    let scratch = Scratch::new().await;
    let mut conversations = vec![];
    for _ in 0..4 {
        conversations.push(TestConversation::open(&scratch).await);
    }
    let stores = [scratch.another(|_| ()), scratch.another(|_| ())];
    let recorders = [Arc::new(RecordingFanout::new()), Arc::new(RecordingFanout::new())];
    let mut sent = vec![];
    for number in 0..400 {
        let conversation = &conversations[number % 4];
        let author = if number % 3 == 0 { &conversation.salon } else { &conversation.client };
        let command = post(author, keyed("Bonjour", &format!("k{}", number / 8)));
        sent.push(commit(&stores[number % 2], &recorders[number % 2], conversation, command));
    }
    for sent in sent {
        match done(sent).await.expect(ANSWERS) {
            Ok(_) | Err(Refusal::KeyKnown(_)) => {}
            other => panic!("{other:?}"),
        }
    }
    let mut published = 0;
    for conversation in &conversations {
        let positions = scratch
            .sql(&format!(
                "SELECT count(*), min(seq), max(seq), (SELECT last_seq FROM messaging.conversation
                    WHERE id = '{0}')
                FROM messaging.event WHERE conversation_id = '{0}'",
                conversation.id,
            ))
            .await;
        let [count, first, last, head] = &positions[0][..] else { panic!("four") };
        assert_eq!((first.as_str(), count, last), ("1", last, head), "gapless");
        published += count.parse::<usize>().expect("a number") - 1;
        for recorder in &recorders {
            let events = recorder.published();
            let of_it = events.iter().filter(|event| event.conversation == conversation.id);
            let seqs: Vec<_> = of_it.map(|event| event.seq).collect();
            assert!(seqs.is_sorted(), "{seqs:?}");
        }
    }
    let seen: HashSet<_> = recorders
        .iter()
        .flat_map(|recorder| recorder.published())
        .map(|event| (event.conversation, event.seq))
        .collect();
    assert_eq!(seen.len(), published, "each event was published once");
    until(async || scratch.ping().await.is_ok()).await;
}
