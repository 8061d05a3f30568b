//! Lanes: queues of commands, each with a connection and a task of its own.
//!
//! A conversation belongs to one lane, so its commands are decided, and its events published, one after
//! another. Posts and read marks are decided in batches. Every other command, and whatever finds its
//! conversation locked by somebody else, runs alone on one of a few further connections, where it may
//! wait; the later commands of that conversation stay behind it, and nobody else's.
//!
//! When a connection is lost before a commit was answered, the server is asked on another one whether the
//! transaction was committed. Until that is known, its conversations take no other command.

use std::{
    cell::RefCell,
    collections::{HashMap, VecDeque},
    hash::{BuildHasher, RandomState},
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use domain::{
    conversation::{event::Event, ledger::Command},
    ids::ConversationId,
    ports::{Fanout, StoreError},
    time::Timestamp,
};
use futures_util::FutureExt as _;
use tokio::{
    runtime::Builder,
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot},
    task::{LocalSet, spawn_local},
};

use super::{
    item::{Item, Outcome, Sent, Verdict},
    session::{Fate, Session},
    transaction::{run_alone, run_batch},
};
use crate::{
    connect::{Connector, InvalidSettings, Settings},
    error::{Class, Failure},
    query::Statements,
};

/// The lanes of a process. Their thread ends when this is dropped and everything queued is done.
pub(crate) struct Lanes {
    queues: Vec<mpsc::UnboundedSender<Queued>>,
    /// One permit per queued command.
    permits: Arc<Semaphore>,
    hasher: RandomState,
}

/// A command in a queue.
struct Queued {
    conversation: ConversationId,
    command: Command,
    at: Timestamp,
    fanout: Arc<dyn Fanout>,
    answer: oneshot::Sender<Result<Outcome, StoreError>>,
    since: Instant,
    #[expect(dead_code, reason = "held until the command is answered")]
    permit: OwnedSemaphorePermit,
}

impl Lanes {
    /// Starts the thread of the lanes. They connect on first use.
    ///
    /// # Errors
    /// [`InvalidSettings`] if they could never connect, or there is no thread.
    pub(crate) fn start(
        settings: &Settings,
        round_trips: &Statements,
    ) -> Result<Self, InvalidSettings> {
        let connector = Connector::for_lanes(settings)?;
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|_| InvalidSettings::NoThread)?;
        let (queues, received): (Vec<_>, Vec<_>) =
            (0..settings.lanes).map(|_| mpsc::unbounded_channel()).unzip();
        let bounds = Bounds {
            commands: settings.lane_batch_commands_max,
            bytes: settings.lane_batch_bytes_max,
            wait: Duration::from_millis(settings.pool_wait_ms_max),
            open: Duration::from_millis(settings.connect_timeout_ms),
            transaction: settings.transaction_time_max(),
        };
        let alone_max = settings.lane_lock_waits_max.min(Semaphore::MAX_PERMITS);
        let round_trips = round_trips.clone();
        let work = move || {
            let connections = Rc::new(Connections {
                connector,
                round_trips,
                lock_waits: Semaphore::new(alone_max),
                others: Semaphore::new(alone_max),
                idle: RefCell::default(),
                bounds,
            });
            let lanes = LocalSet::new();
            for queue in received {
                lanes.spawn_local(Lane::new(queue, Rc::clone(&connections), bounds).run());
            }
            runtime.block_on(lanes);
        };
        let thread = std::thread::Builder::new().name("lanes".to_owned()).spawn(work);
        thread.map_err(|_| InvalidSettings::NoThread)?;
        let permits = settings.lane_queue_commands_max.min(Semaphore::MAX_PERMITS);
        let permits = Arc::new(Semaphore::new(permits));
        Ok(Self { queues, permits, hasher: RandomState::new() })
    }

    /// Commits a command. It completes even when the caller is cancelled.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::Busy`] when too many commands wait.
    pub(crate) async fn commit(
        &self,
        conversation: ConversationId,
        command: Command,
        at: Timestamp,
        fanout: Arc<dyn Fanout>,
    ) -> Result<Outcome, StoreError> {
        let permit = Arc::clone(&self.permits).try_acquire_owned();
        let permit = permit.map_err(|_| Failure::new(Class::Busy, "too many commands wait"))?;
        let (answer, answered) = oneshot::channel();
        let since = Instant::now();
        let lanes = self.queues.len() as u64;
        let lane = usize::try_from(self.hasher.hash_one(&conversation) % lanes).unwrap_or_default();
        let queued = Queued { conversation, command, at, fanout, answer, since, permit };
        self.queues[lane].send(queued).map_err(|_| lost())?;
        answered.await.unwrap_or_else(|_| Err(lost().into()))
    }
}

/// A command was dropped: its batch panicked, or the lanes are gone.
fn lost() -> Failure {
    Failure::new(Class::Unavailable, "the commit was not completed")
}

/// How often it is asked at once, at most, whether a transaction was committed whose end was not
/// answered, while it has not ended.
const ASKED_AT_ONCE_MAX: u32 = 10;

/// How long is waited before it is asked again.
const ASK_AGAIN: Duration = Duration::from_millis(20);

/// How long a lane without commands waits before it asks again about what is not settled.
const SETTLE_AGAIN: Duration = Duration::from_secs(1);

/// The most transactions of a lane that are not settled. The events of further ones are not published;
/// sessions find the gap at the next event.
const UNSETTLED_TRANSACTIONS_MAX: usize = 64;

/// More messages than this that become read by one command are not written in a batch with others.
const READ_IN_BATCH_MAX: u64 = 500;

#[derive(Clone, Copy)]
struct Bounds {
    /// The most commands of a batch, and behind a conversation of which one command runs alone.
    commands: usize,
    /// The most bytes of a batch.
    bytes: usize,
    /// How long a command may wait in a queue.
    wait: Duration,
    /// How long opening a connection may take.
    open: Duration,
    /// How long a transaction may take.
    transaction: Duration,
}

/// A command that ran alone has ended.
struct Ended {
    conversation: ConversationId,
    /// Its transaction, when it is not known whether it was committed.
    unsettled: Option<Unsettled>,
}

/// A transaction whose end was not answered. If it was committed, its events are to be published.
struct Unsettled {
    transaction: String,
    publications: Vec<Publication>,
}

/// The events of a command, at least one.
struct Publication {
    events: Vec<Event>,
    fanout: Arc<dyn Fanout>,
}

/// A lane.
struct Lane {
    queue: mpsc::UnboundedReceiver<Queued>,
    /// Taken from the queue and not begun, in order.
    waiting: VecDeque<Queued>,
    /// The conversations of which one command runs alone, and the commands behind it.
    held: HashMap<ConversationId, VecDeque<Queued>>,
    /// The commands that ran alone and have ended.
    ended: mpsc::UnboundedReceiver<Ended>,
    ends: mpsc::UnboundedSender<Ended>,
    /// No other command of their conversations is begun.
    unsettled: VecDeque<Unsettled>,
    session: Option<Session>,
    connections: Rc<Connections>,
    bounds: Bounds,
}

impl Lane {
    fn new(
        queue: mpsc::UnboundedReceiver<Queued>,
        connections: Rc<Connections>,
        bounds: Bounds,
    ) -> Self {
        let (ends, ended) = mpsc::unbounded_channel();
        let (waiting, held, unsettled) = (VecDeque::new(), HashMap::new(), VecDeque::new());
        Self { queue, waiting, held, ended, ends, unsettled, session: None, connections, bounds }
    }

    /// Works until the queue is closed and empty.
    async fn run(mut self) {
        let mut is_open = true;
        // Closed, what runs alone still has commands behind it.
        while is_open || !self.held.is_empty() || !self.waiting.is_empty() {
            if self.waiting.is_empty() {
                tokio::select! {
                    Some(ended) = self.ended.recv() => self.release(ended),
                    queued = self.queue.recv(), if is_open => match queued {
                        Some(queued) => self.waiting.push_back(queued),
                        None => is_open = false,
                    },
                    () = tokio::time::sleep(SETTLE_AGAIN), if !self.unsettled.is_empty() => {}
                }
            }
            while let Ok(ended) = self.ended.try_recv() {
                self.release(ended);
            }
            while let Ok(queued) = self.queue.try_recv() {
                self.waiting.push_back(queued);
            }
            let settled = AssertUnwindSafe(self.settle()).catch_unwind().await;
            let settled = settled.unwrap_or_else(|_| {
                tracing::error!("settling a transaction panicked; its connection is closed");
                self.session = None;
                Ok(())
            });
            let batch = self.next_batch();
            if batch.is_empty() {
                continue;
            }
            if let Err(failure) = settled {
                answer_all(batch, &failure);
                continue;
            }
            if AssertUnwindSafe(self.run_batch(batch)).catch_unwind().await.is_err() {
                tracing::error!("a batch of commands panicked; its connection is closed");
                self.session = None;
            }
        }
    }

    /// Asks once more about the transactions that are not settled, and publishes what was committed.
    ///
    /// # Errors
    /// [`Failure`] when the server cannot be asked.
    async fn settle(&mut self) -> Result<(), Failure> {
        for _ in 0..self.unsettled.len() {
            let session = self.open_session().await?;
            let Some(unsettled) = self.unsettled.pop_front() else { break };
            match self.connections.fate_of(&session, &unsettled).await {
                Ok(Fate::Committed) => unsettled.publish(),
                Ok(Fate::Aborted | Fate::Unknown) => {}
                Ok(Fate::InProgress) => self.unsettled.push_back(unsettled),
                Err(failure) => {
                    self.unsettled.push_front(unsettled);
                    return Err(failure);
                }
            }
            self.session = Some(session);
        }
        Ok(())
    }

    /// Keeps a transaction until it is settled.
    fn keep(&mut self, unsettled: Unsettled) {
        if self.unsettled.len() < UNSETTLED_TRANSACTIONS_MAX {
            self.unsettled.push_back(unsettled);
        } else {
            tracing::warn!(
                "too many transactions are not settled; the events of one may not be published"
            );
        }
    }

    fn is_unsettled(&self, conversation: &ConversationId) -> bool {
        let mut events = self.unsettled.iter().flat_map(Unsettled::first_events);
        events.any(|event| event.conversation == *conversation)
    }

    /// The connection of the lane, which is taken away, or a new one.
    async fn open_session(&mut self) -> Result<Session, Failure> {
        match self.session.take().filter(|session| !session.is_closed()) {
            Some(session) => Ok(session),
            None => self.connections.open().await,
        }
    }

    /// Takes what waits, up to the bounds. What cannot be part of a batch begins to run alone.
    fn next_batch(&mut self) -> Vec<Queued> {
        let (mut batch, mut bytes) = (vec![], 0);
        while let Some(queued) = self.waiting.pop_front() {
            let Some(queued) = self.may_begin(queued) else { continue };
            if is_batched(&queued.command) {
                bytes += size_bytes(&queued.command);
                let is_full = bytes > self.bounds.bytes || batch.len() >= self.bounds.commands;
                if is_full && !batch.is_empty() {
                    self.waiting.push_front(queued);
                    break;
                }
                batch.push(queued);
            } else {
                // The batch may hold earlier commands of this conversation.
                if batch.iter().any(|other: &Queued| other.conversation == queued.conversation) {
                    self.waiting.push_front(queued);
                    break;
                }
                self.run_alone(queued, Alone::Other);
            }
        }
        batch
    }

    /// Returns a command that may begin now. Others wait behind the one of their conversation that runs
    /// alone, or are answered.
    fn may_begin(&mut self, queued: Queued) -> Option<Queued> {
        let queued = self.behind_others(queued)?;
        let refused = if queued.is_late(self.bounds.wait) {
            late()
        } else if self.is_unsettled(&queued.conversation) {
            unsettled()
        } else {
            return Some(queued);
        };
        queued.answer(Err(refused.into()));
        None
    }

    /// Puts a command behind the one of its conversation that runs alone, if there is one; else returns
    /// it.
    fn behind_others(&mut self, queued: Queued) -> Option<Queued> {
        let Some(behind) = self.held.get_mut(&queued.conversation) else { return Some(queued) };
        if behind.len() < self.bounds.commands {
            behind.push_back(queued);
        } else {
            let full = Failure::new(Class::Busy, "too many commands wait for a conversation");
            queued.answer(Err(full.into()));
        }
        None
    }

    async fn run_batch(&mut self, batch: Vec<Queued>) {
        match self.attempt(&batch).await {
            Ok(verdicts) => self.conclude(batch, verdicts),
            // Retries of each would make it worse.
            Err(failure) if matches!(failure.class(), Class::Unavailable | Class::Busy) => {
                answer_all(batch, &failure);
            }
            Err(failure) => {
                // One of them harms the others: each is tried alone.
                if batch.len() > 1 {
                    tracing::warn!(%failure, commands = batch.len(), "a batch failed; its commands are run one by one");
                }
                for queued in batch {
                    self.run_single(queued).await;
                }
            }
        }
    }

    /// Runs a batch on the connection of the lane.
    async fn attempt(&mut self, batch: &[Queued]) -> Result<Vec<Verdict>, Failure> {
        let session = self.open_session().await?;
        let items: Vec<_> = batch.iter().map(Queued::item).collect();
        let mut sent = None;
        let work = Box::pin(run_batch(&session, &items, READ_IN_BATCH_MAX, &mut sent));
        let done = in_time(self.bounds.transaction, work).await;
        let settled = self.connections.conclude(session, batch, done, sent).await;
        self.session = settled.session;
        if let Some(unsettled) = settled.unsettled {
            self.keep(unsettled);
        }
        settled.verdicts
    }

    /// Runs a command of a batch that failed, without waiting for a lock.
    async fn run_single(&mut self, queued: Queued) {
        // A command of its conversation may run alone since.
        let Some(queued) = self.may_begin(queued) else { return };
        let batch = vec![queued];
        let done = match self.attempt(&batch).await {
            Err(failure) if failure.is_worth_another_try() => self.attempt(&batch).await,
            done => done,
        };
        match done {
            Ok(verdicts) => self.conclude(batch, verdicts),
            Err(failure) => answer_all(batch, &failure),
        }
    }

    /// Publishes the events, then answers. What was locked begins to run alone.
    fn conclude(&mut self, batch: Vec<Queued>, verdicts: Vec<Verdict>) {
        let mut answers = Vec::with_capacity(batch.len());
        for (queued, verdict) in batch.into_iter().zip(verdicts) {
            match verdict {
                Verdict::Decided(outcome) => {
                    queued.publish(&outcome);
                    answers.push((queued, *outcome));
                }
                Verdict::Locked => {
                    if let Some(queued) = self.behind_others(queued) {
                        self.run_alone(queued, Alone::LockWait);
                    }
                }
            }
        }
        for (queued, outcome) in answers {
            queued.answer(Ok(outcome));
        }
    }

    /// Begins to run a command alone. Until it ends, the later ones of its conversation wait.
    fn run_alone(&mut self, queued: Queued, why: Alone) {
        let conversation = queued.conversation.clone();
        self.held.insert(conversation.clone(), VecDeque::new());
        let (connections, ends) = (Rc::clone(&self.connections), self.ends.clone());
        spawn_local(async move {
            let done = AssertUnwindSafe(connections.run_alone(queued, why)).catch_unwind().await;
            let unsettled = done.unwrap_or_else(|_| {
                tracing::error!("a command panicked; its connection is closed");
                None
            });
            // The lane waits for it as long as the conversation is held.
            let _ = ends.send(Ended { conversation, unsettled });
        });
    }

    /// Goes on with the commands of a conversation of which none runs alone any more.
    fn release(&mut self, ended: Ended) {
        if let Some(unsettled) = ended.unsettled {
            self.keep(unsettled);
        }
        let behind = self.held.remove(&ended.conversation).unwrap_or_default();
        for queued in behind.into_iter().rev() {
            self.waiting.push_front(queued);
        }
    }
}

/// Whether a command is decided in batches: those that are sent all day and need few facts.
fn is_batched(command: &Command) -> bool {
    match command {
        Command::Post(post) => post.draft.uploads().next().is_none(),
        Command::MarkRead { .. } => true,
        _ => false,
    }
}

/// About how large a command is, in bytes.
fn size_bytes(command: &Command) -> usize {
    let content = match command {
        Command::Post(post) => post.draft.content().as_str().len(),
        _ => 0,
    };
    content + size_of::<Command>()
}

fn answer_all(batch: Vec<Queued>, failure: &Failure) {
    for queued in batch {
        queued.answer(Err(failure.clone().into()));
    }
}

fn late() -> Failure {
    Failure::new(Class::Busy, "a command waited too long to be committed")
}

fn unsettled() -> Failure {
    Failure::new(Class::Busy, "it is not known yet whether an earlier change was committed")
}

/// The outcome of `work`, which is given up after `deadline`.
async fn in_time<T>(
    deadline: Duration,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let done = tokio::time::timeout(deadline, work).await;
    done.unwrap_or_else(|_| Err(Failure::new(Class::Unavailable, "the server does not answer")))
}

/// Whether a connection is as good as new after this failure. It is not when the server may be one that
/// cannot serve us, or has a statement prepared that a migration has made useless.
fn keeps_connection(failure: &Failure) -> bool {
    !matches!(failure.class(), Class::Unavailable | Class::Again)
}

/// Why a command runs alone. Both have connections set aside, so that neither keeps the other waiting.
#[derive(Clone, Copy)]
enum Alone {
    /// Its conversation was locked by somebody else.
    LockWait,
    /// It is not decided in batches.
    Other,
}

impl Queued {
    fn is_late(&self, wait: Duration) -> bool {
        self.since.elapsed() > wait
    }

    fn item(&self) -> Item<'_> {
        Item {
            conversation: &self.conversation,
            command: &self.command,
            at: self.at,
            fanout: &*self.fanout,
        }
    }

    fn publish(&self, outcome: &Outcome) {
        if let Ok(committed) = outcome {
            publish(&*self.fanout, &committed.changes.events);
        }
    }

    fn answer(self, answer: Result<Outcome, StoreError>) {
        // A caller that was cancelled does not wait for it.
        let _ = self.answer.send(answer);
    }
}

fn publish(fanout: &dyn Fanout, events: &[Event]) {
    let Some(first) = events.first() else { return };
    // It is committed: whatever goes wrong here, the sender is answered so. Sessions that missed it
    // find the gap.
    if catch_unwind(AssertUnwindSafe(|| fanout.publish(events))).is_err() {
        tracing::error!(conversation.id = %first.conversation, "events could not be published");
    }
}

impl Unsettled {
    /// `None` when nothing was locked in the transaction.
    fn new(batch: &[Queued], sent: &Sent) -> Option<Self> {
        let publication = |(queued, verdict): (&Queued, &Verdict)| match verdict {
            Verdict::Decided(outcome) => {
                let events = outcome.as_ref().as_ref().ok()?.changes.events.clone();
                let fanout = queued.fanout.clone();
                (!events.is_empty()).then_some(Publication { events, fanout })
            }
            Verdict::Locked => None,
        };
        let transaction = sent.transaction.clone()?;
        let publications = batch.iter().zip(&sent.verdicts).filter_map(publication).collect();
        Some(Self { transaction, publications })
    }

    /// The first event of each command.
    fn first_events(&self) -> impl Iterator<Item = &Event> {
        self.publications.iter().filter_map(|publication| publication.events.first())
    }

    fn publish(&self) {
        for Publication { events, fanout } in &self.publications {
            publish(&**fanout, events);
        }
    }
}

/// How a transaction ended, as far as that is known.
struct Settled {
    /// What was decided, if it was committed.
    verdicts: Result<Vec<Verdict>, Failure>,
    /// The transaction, if it has to be asked about later.
    unsettled: Option<Unsettled>,
    /// A connection that can be used on.
    session: Option<Session>,
}

/// Connections for commands that run alone.
struct Connections {
    connector: Connector,
    round_trips: Statements,
    /// One per command that waits for a lock.
    lock_waits: Semaphore,
    /// One per other command.
    others: Semaphore,
    idle: RefCell<Vec<Session>>,
    bounds: Bounds,
}

impl Connections {
    async fn open(&self) -> Result<Session, Failure> {
        let opened = Box::pin(Session::open(&self.connector, &self.round_trips));
        in_time(self.bounds.open, opened).await
    }

    async fn idle_or_new(&self) -> Result<Session, Failure> {
        while let Some(session) = { self.idle.borrow_mut().pop() } {
            if !session.is_closed() {
                return Ok(session);
            }
        }
        self.open().await
    }

    /// What became of a transaction.
    async fn fate_of(&self, session: &Session, unsettled: &Unsettled) -> Result<Fate, Failure> {
        let asked =
            Box::pin(session.fate_of(&unsettled.transaction, unsettled.first_events().next()));
        let fate = in_time(self.bounds.open, asked).await?;
        if fate == Fate::Unknown {
            tracing::warn!(
                "it is not known whether a transaction was committed; its events are not published"
            );
        }
        Ok(fate)
    }

    /// Ends an attempt on `session` to run `batch`. `sent` is set if its commit was sent and not answered.
    /// After a failure the connection is only kept if it is certain that another one would not do better.
    async fn conclude(
        &self,
        session: Session,
        batch: &[Queued],
        done: Result<Vec<Verdict>, Failure>,
        sent: Option<Sent>,
    ) -> Settled {
        match (done, sent) {
            (Err(failure), Some(sent)) => {
                drop(session);
                self.settle(batch, sent, &failure).await
            }
            (verdicts, _) => {
                let is_kept = verdicts.as_ref().err().is_none_or(keeps_connection);
                let session = Some(session).filter(|_| is_kept);
                Settled { verdicts, unsettled: None, session }
            }
        }
    }

    /// Finds out what became of a transaction whose end was not answered. If the server cannot be asked
    /// in time, or the transaction does not end, that is left for later.
    async fn settle(&self, batch: &[Queued], sent: Sent, failure: &Failure) -> Settled {
        // Of any other class, the commands would be run again.
        let failure = Failure::new(Class::Unavailable, failure.to_string());
        let Some(transaction) = Unsettled::new(batch, &sent) else {
            return Settled { verdicts: Err(failure), unsettled: None, session: None };
        };
        let (mut fate, mut session) = (Fate::InProgress, None);
        if let Ok(opened) = self.open().await {
            for _ in 0..ASKED_AT_ONCE_MAX {
                match self.fate_of(&opened, &transaction).await {
                    Ok(Fate::InProgress) => tokio::time::sleep(ASK_AGAIN).await,
                    Ok(ended) => {
                        fate = ended;
                        break;
                    }
                    Err(_) => break,
                }
            }
            session = Some(opened).filter(|session| !session.is_closed());
        }
        let is_open = fate == Fate::InProgress && !transaction.publications.is_empty();
        let verdicts = if fate == Fate::Committed { Ok(sent.verdicts) } else { Err(failure) };
        Settled { verdicts, unsettled: is_open.then_some(transaction), session }
    }

    /// Returns its transaction if it is not known whether it was committed.
    async fn run_alone(&self, queued: Queued, why: Alone) -> Option<Unsettled> {
        let mut unsettled = None;
        match self.try_alone(&queued, why, &mut unsettled).await {
            Ok(outcome) => {
                queued.publish(&outcome);
                queued.answer(Ok(outcome));
            }
            Err(failure) => queued.answer(Err(failure.into())),
        }
        unsettled
    }

    async fn try_alone(
        &self,
        queued: &Queued,
        why: Alone,
        unsettled: &mut Option<Unsettled>,
    ) -> Result<Outcome, Failure> {
        let permits = match why {
            Alone::LockWait => &self.lock_waits,
            Alone::Other => &self.others,
        };
        let left = self.bounds.wait.saturating_sub(queued.since.elapsed());
        let permit = tokio::time::timeout(left, permits.acquire()).await;
        let _permit = permit.map_err(|_| late())?.map_err(|_| lost())?;
        let verdicts = match self.attempt(queued, unsettled).await {
            Err(failure) if failure.is_worth_another_try() => self.attempt(queued, unsettled).await,
            done => done,
        };
        match verdicts?.pop() {
            Some(Verdict::Decided(outcome)) => Ok(*outcome),
            Some(Verdict::Locked) | None => Err(lost()),
        }
    }

    async fn attempt(
        &self,
        queued: &Queued,
        unsettled: &mut Option<Unsettled>,
    ) -> Result<Vec<Verdict>, Failure> {
        let session = self.idle_or_new().await?;
        let item = queued.item();
        let mut sent = None;
        let work = Box::pin(run_alone(&session, &item, &mut sent));
        let done = in_time(self.bounds.transaction, work).await;
        let batch = std::slice::from_ref(queued);
        let settled = self.conclude(session, batch, done, sent).await;
        self.idle.borrow_mut().extend(settled.session);
        *unsettled = settled.unsettled;
        settled.verdicts
    }
}
