//! Commits whose answer is lost: events are published once, in order, and nobody is told a lie.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use domain::{
    conversation::{
        Parties, Status,
        event::EventKind,
        ledger::{Command, Open, ReadTarget},
    },
    ids::ConversationId,
    ports::StoreError,
    testing::fixture::{RecordingFanout, text},
};
use storage_pg::{PgStore, Settings};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_postgres::{Config, config::Host};

use crate::{
    lanes::{Done, commit, commit_in, committed, done, post},
    support::{Scratch, Server},
    talk::{ANSWERS, TestConversation, fresh_id},
    waiting::until,
};

/// Where a connection is cut.
#[derive(Clone, Copy)]
enum Cut {
    /// The server does not receive the next `COMMIT`.
    Request,
    /// The server has committed, and its answer is not received.
    Answer,
    /// The server has received the next `COMMIT` and may be busy with it.
    Between,
}

#[derive(Default)]
struct Plan {
    cut: Mutex<Option<Cut>>,
    /// Whether the server cannot be reached after the cut.
    leaves: AtomicBool,
    is_away: AtomicBool,
}

impl Plan {
    fn cut(&self) -> MutexGuard<'_, Option<Cut>> {
        self.cut.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A proxy between a store and the server, which cuts the connection of the next `COMMIT`.
struct Proxy {
    url: String,
    plan: Arc<Plan>,
    listener: JoinHandle<()>,
}

impl Proxy {
    async fn to(scratch: &Scratch) -> Self {
        let config: Config =
            Server::from_environment().url_of(scratch.name()).parse().expect("a good address");
        let host = match config.get_hosts() {
            [Host::Tcp(name)] => name.clone(),
            other => panic!("the server has to listen on TCP: {other:?}"),
        };
        let server = (host, config.get_ports().first().copied().unwrap_or(5432));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let password = config.get_password().map(String::from_utf8_lossy);
        let url = format!(
            "postgres://{}:{}@{address}/{}?sslmode=disable",
            config.get_user().unwrap_or("postgres"),
            password.as_deref().unwrap_or("none"),
            scratch.name(),
        );
        let plan = Arc::new(Plan::default());
        let listener = tokio::spawn(listen(listener, server, Arc::clone(&plan)));
        Self { url, plan, listener }
    }

    /// A store with one lane behind the proxy.
    fn store(&self, scratch: &Scratch, adjust: impl FnOnce(&mut Settings)) -> PgStore {
        scratch.another(|settings| {
            settings.url = self.url.clone().into();
            settings.lanes = 1;
            adjust(settings);
        })
    }

    /// Cuts the connection of the next `COMMIT`. New connections are possible.
    fn cut(&self, cut: Cut) {
        *self.plan.cut() = Some(cut);
    }

    /// The same, and no connection is possible until [`restore`](Self::restore).
    fn cut_and_leave(&self, cut: Cut) {
        self.plan.leaves.store(true, Ordering::SeqCst);
        self.cut(cut);
    }

    fn restore(&self) {
        self.plan.leaves.store(false, Ordering::SeqCst);
        self.plan.is_away.store(false, Ordering::SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

async fn listen(listener: TcpListener, server: (String, u16), plan: Arc<Plan>) {
    while let Ok((client, _)) = listener.accept().await {
        if !plan.is_away.load(Ordering::SeqCst) {
            let (server, plan) = (server.clone(), Arc::clone(&plan));
            tokio::spawn(async move {
                // Either side has hung up.
                forward(client, server, &plan).await.ok();
            });
        }
    }
}

async fn forward(mut client: TcpStream, server: (String, u16), plan: &Plan) -> std::io::Result<()> {
    let mut server = TcpStream::connect(server).await?;
    let (mut requests, mut answers) = (vec![0; 65_536], vec![0; 65_536]);
    let mut commit = Search::default();
    loop {
        tokio::select! {
            length = received(&mut client, &mut requests) => {
                let request = &requests[..length?];
                let cut = commit.finds(request).then(|| plan.cut().take()).flatten();
                if !matches!(cut, Some(Cut::Request)) {
                    server.write_all(request).await?;
                }
                let Some(cut) = cut else { continue };
                if matches!(cut, Cut::Answer) {
                    let mut answer = Search::default();
                    loop {
                        let length = received(&mut server, &mut answers).await?;
                        if answer.finds(&answers[..length]) {
                            break;
                        }
                    }
                }
                plan.is_away.store(plan.leaves.load(Ordering::SeqCst), Ordering::SeqCst);
                drop(client);
                // A server that finds its client gone before the commit rolls back.
                if matches!(cut, Cut::Between) {
                    loop {
                        received(&mut server, &mut answers).await?;
                    }
                }
                return Ok(());
            }
            length = received(&mut server, &mut answers) => {
                client.write_all(&answers[..length?]).await?;
            }
        }
    }
}

/// Receives some bytes.
async fn received(from: &mut (impl AsyncRead + Unpin), into: &mut [u8]) -> std::io::Result<usize> {
    match from.read(into).await? {
        0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
        length => Ok(length),
    }
}

/// Finds the request to commit, and the answer to it: both contain the word and a zero.
#[derive(Default)]
struct Search {
    /// The last bytes, which may be the beginning of it.
    tail: Vec<u8>,
}

impl Search {
    fn finds(&mut self, bytes: &[u8]) -> bool {
        const COMMIT: &[u8] = b"COMMIT\0";
        self.tail.extend_from_slice(bytes);
        let is_found = self.tail.windows(COMMIT.len()).any(|window| window == COMMIT);
        self.tail.drain(..self.tail.len().saturating_sub(COMMIT.len() - 1));
        is_found
    }
}

fn assert_unavailable(done: &Done) {
    assert!(matches!(done, Err(StoreError::Unavailable(_))), "{done:?}");
}

async fn until_published(recorder: &RecordingFanout) {
    until(async || {
        // The proxy has its turn.
        tokio::task::yield_now().await;
        !recorder.published().is_empty()
    })
    .await;
}

fn seqs(recorder: &RecordingFanout) -> Vec<i64> {
    recorder.published().iter().map(|event| event.seq.get()).collect()
}

#[tokio::test]
async fn a_batch_whose_answer_is_lost_is_published_once_and_its_senders_hear_the_outcome() {
    let scratch = Scratch::new().await;
    let conversation = TestConversation::open(&scratch).await;
    let proxy = Proxy::to(&scratch).await;
    let (store, recorder) = (proxy.store(&scratch, |_| ()), Arc::new(RecordingFanout::new()));
    let send =
        |words| commit(&store, &recorder, &conversation, post(&conversation.client, text(words)));
    proxy.cut(Cut::Answer);
    let mut queued: Vec<_> = ["a", "b", "c", "d", "e"].map(send).into();
    let (reader, target) = (conversation.salon.clone(), ReadTarget::Everything);
    queued.push(commit(&store, &recorder, &conversation, Command::MarkRead { reader, target }));
    let mut positions = vec![];
    for queued in queued {
        let events = committed(done(queued).await).changes.events;
        positions.extend(events.iter().map(|event| event.seq.get()));
    }
    assert!(proxy.plan.cut().is_none(), "the connection was cut");
    assert_eq!(positions, [2, 3, 4, 5, 6, 7]);
    assert_eq!(seqs(&recorder), positions);
    committed(done(send("f")).await);
    assert_eq!(seqs(&recorder), [2, 3, 4, 5, 6, 7, 8]);
}

#[tokio::test]
async fn what_was_committed_before_the_server_went_away_is_published_when_it_is_back() {
    let scratch = Scratch::new().await;
    let conversation = TestConversation::open(&scratch).await;
    let proxy = Proxy::to(&scratch).await;
    let (store, recorder) = (proxy.store(&scratch, |_| ()), Arc::new(RecordingFanout::new()));
    let send = || commit(&store, &recorder, &conversation, post(&conversation.client, text("a")));
    proxy.cut_and_leave(Cut::Answer);
    assert_unavailable(&done(send()).await);
    assert!(done(send()).await.is_err(), "nobody can say what came before it");
    assert_eq!(recorder.published(), []);
    proxy.restore();
    // Without any command.
    until_published(&recorder).await;
    assert_eq!(seqs(&recorder), [2]);
    committed(done(send()).await);
    assert_eq!(seqs(&recorder), [2, 3]);
}

#[tokio::test]
async fn what_was_committed_before_the_server_went_away_is_published_before_what_follows() {
    let scratch = Scratch::new().await;
    let conversation = TestConversation::open(&scratch).await;
    let proxy = Proxy::to(&scratch).await;
    let (store, recorder) = (proxy.store(&scratch, |_| ()), Arc::new(RecordingFanout::new()));
    let send = || commit(&store, &recorder, &conversation, post(&conversation.client, text("a")));
    proxy.cut_and_leave(Cut::Answer);
    assert_unavailable(&done(send()).await);
    proxy.restore();
    committed(done(send()).await);
    assert_eq!(seqs(&recorder), [2, 3]);
}

#[tokio::test]
async fn a_commit_that_was_not_received_is_unavailable_and_never_published() {
    let scratch = Scratch::new().await;
    let conversation = TestConversation::open(&scratch).await;
    let proxy = Proxy::to(&scratch).await;
    let (store, recorder) = (proxy.store(&scratch, |_| ()), Arc::new(RecordingFanout::new()));
    let send =
        |words| commit(&store, &recorder, &conversation, post(&conversation.client, text(words)));
    proxy.cut(Cut::Request);
    assert_unavailable(&done(send("a")).await);
    let delete = Command::DeleteConversation { by: conversation.client.clone() };
    proxy.cut(Cut::Request);
    assert_unavailable(&done(commit(&store, &recorder, &conversation, delete)).await);
    proxy.cut_and_leave(Cut::Request);
    assert_unavailable(&done(send("b")).await);
    proxy.restore();
    committed(done(send("c")).await);
    let events = recorder.published();
    let [event] = &events[..] else { panic!("only the last was committed: {events:?}") };
    let EventKind::MessagePosted(message) = &event.kind else { panic!("{event:?}") };
    assert_eq!((event.seq.get(), message.content.as_str()), (2, "c"));
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
    let scratch = Scratch::new().await;
    let proxy = Proxy::to(&scratch).await;
    let (store, recorder) = (proxy.store(&scratch, |_| ()), Arc::new(RecordingFanout::new()));
    for leaves in [false, true] {
        let conversation = TestConversation::open(&scratch).await;
        let delete = Command::DeleteConversation { by: conversation.client.clone() };
        for (id, command) in [new_conversation(&conversation), (conversation.id.clone(), delete)] {
            if leaves {
                proxy.cut_and_leave(Cut::Answer);
            } else {
                proxy.cut(Cut::Answer);
            }
            let outcome = done(commit_in(&store, &recorder, &id, command)).await;
            if leaves {
                assert_unavailable(&outcome);
                assert_eq!(recorder.published(), []);
                proxy.restore();
                until_published(&recorder).await;
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
    let scratch = Scratch::new().await;
    let conversation = TestConversation::open(&scratch).await;
    let other = TestConversation::open(&scratch).await;
    make_commits_wait(&scratch, &conversation).await;
    let proxy = Proxy::to(&scratch).await;
    let store = proxy.store(&scratch, |settings| settings.statement_timeout_ms = 60_000);
    let recorder = Arc::new(RecordingFanout::new());
    let send = |to: &TestConversation| commit(&store, &recorder, to, post(&to.client, text("a")));
    let session = scratch.session().await;
    session.batch_execute("SELECT pg_advisory_lock(1)").await.expect("it is free");
    proxy.cut(Cut::Between);
    assert_unavailable(&done(send(&conversation)).await);
    committed(done(send(&other)).await);
    let outcome = done(send(&conversation)).await;
    assert!(matches!(outcome, Err(StoreError::Busy(_))), "{outcome:?}");
    assert_eq!(recorder.take().len(), 1, "of the other one");
    session.batch_execute("SELECT pg_advisory_unlock(1)").await.expect(ANSWERS);
    until_published(&recorder).await;
    committed(done(send(&conversation)).await);
    assert_eq!(seqs(&recorder), [2, 3]);
}
