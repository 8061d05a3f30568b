//! Joining without a lock: whatever is committed and published while a session reads its history, it is
//! sent exactly what follows, each event once and in order.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use domain::{conversation::commands::ConversationChange, ports::StoreError, text::Subject};
use proptest::prelude::*;

use super::*;
use crate::realtime::subscriptions::Subscription;

/// One thing that happens. Batches and sessions are numbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// The next batch is committed.
    Commit,
    /// The next batch is published, unless it is the one that gets lost.
    Publish,
    Begin(usize),
    Read(usize),
    /// Completes the join, or gives it up.
    End(usize),
    /// Tasks of the hub go on.
    Run,
}

/// How a session joins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// It is sent a history.
    History,
    /// It is sent what the log says.
    Log,
    GivesUp,
    /// It has joined before, and does so again.
    JoinsAgain,
    /// It has joined before, and gives up joining again.
    JoinsAgainAndGivesUp,
}

impl Kind {
    const ALL: [Self; 5] =
        [Self::History, Self::Log, Self::GivesUp, Self::JoinsAgain, Self::JoinsAgainAndGivesUp];

    fn is_member_before(self) -> bool {
        matches!(self, Self::JoinsAgain | Self::JoinsAgainAndGivesUp)
    }

    fn gives_up(self) -> bool {
        matches!(self, Self::GivesUp | Self::JoinsAgainAndGivesUp)
    }
}

/// What happens besides the joins.
#[derive(Clone, Debug)]
struct Plan {
    /// The batches that are committed and published, by index.
    batches: usize,
    /// The batch that is never published: the process died after its commit.
    lost: Option<usize>,
    /// Whether the last batch deletes the conversation.
    deletes: bool,
    /// Whether somebody has joined from the beginning.
    has_member: bool,
    joins: Vec<Kind>,
}

/// The log of a conversation as far as it is committed. A read takes two steps: what it sees, and when
/// it is seen.
#[derive(Default)]
struct ModelLog(Mutex<Vec<Event>>);

#[async_trait]
impl LogStore for ModelLog {
    async fn events_after(
        &self,
        _: &ConversationId,
        _: &UserId,
        after: Seq,
        _: u32,
    ) -> Result<Option<LogPiece>, StoreError> {
        let events = self.0.lock().expect("sound").clone();
        tokio::task::yield_now().await;
        let events = events.into_iter().filter(|event| event.seq > after).collect();
        Ok(Some(LogPiece::Events(events)))
    }

    async fn changes_since(
        &self,
        _: &UserId,
        _: Timestamp,
        _: u32,
    ) -> Result<Vec<Event>, StoreError> {
        Ok(Vec::new())
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// An event that a session was sent.
#[derive(Clone, Debug)]
struct Sent {
    name: &'static str,
    seq: Option<i64>,
    /// How far the session counts as served then.
    delivered: Option<i64>,
}

/// Notes the durable events that a session is sent.
#[derive(Clone, Default)]
struct Witness(Arc<Mutex<Vec<Sent>>>);

impl Witness {
    fn sent(&self) -> Vec<Sent> {
        self.0.lock().expect("sound").clone()
    }
}

impl EventSink for Witness {
    fn send(
        &self,
        event: &OutgoingEvent,
        subscriptions: &Subscriptions,
    ) -> Result<(), SessionClosed> {
        let seq = event.position().map(|position| position.seq.get());
        if seq.is_some() || FOR_PEOPLE.contains(&event.name()) {
            let delivered = subscriptions.rooms().first().map(|room| room.delivered_seq.get());
            let sent = Sent { name: event.name(), seq, delivered };
            self.0.lock().expect("sound").push(sent);
        }
        Ok(())
    }

    fn answer(
        &self,
        event: &OutgoingEvent,
        subscriptions: &Subscriptions,
    ) -> Result<(), SessionClosed> {
        self.send(event, subscriptions)
    }

    fn send_volatile(&self, _: &OutgoingEvent) {}

    fn silent_for(&self) -> Duration {
        Duration::ZERO
    }

    fn disconnect(&self, _: DisconnectCause) {}
}

/// The entries of a log that go to all sessions of both people.
const FOR_PEOPLE: [&str; 3] = ["conversation-read", "conversation-updated", "conversation-deleted"];

/// The batches of a conversation that has been opened, at position 1: messages that are read as they
/// arrive, changes, and at the end its deletion.
struct Script {
    conversation: ConversationId,
    changes: Vec<Vec<Event>>,
    deletion: Vec<Event>,
}

impl Script {
    async fn new() -> Self {
        let fixture = Fixture::new().await;
        let Fixture { mute, unpublished, conversation, .. } = &fixture;
        unpublished.set_watching(conversation, &user("s"), true);
        let mut changes = Vec::new();
        for number in 0..4 {
            fixture.say(mute, "c", "read as it arrives").await;
            changes.push(unpublished.take());
            let subject = Some(Subject::edit(&number.to_string()).expect("it fits"));
            let change = ConversationChange { subject, status: None };
            mute.change_conversation(conversation, &user("s"), change)
                .await
                .expect("the salon may");
            changes.push(unpublished.take());
        }
        mute.delete_conversation(conversation, &user("s")).await.expect("the salon may");
        let deletion = unpublished.take();
        Self { conversation: conversation.clone(), changes, deletion }
    }

    /// What is committed in `plan`, each batch with positions that follow those before.
    fn batches(&self, plan: &Plan) -> Vec<Vec<Event>> {
        let mut batches = self.changes[..plan.batches].to_vec();
        if plan.deletes {
            let last = batches.pop().expect("a batch");
            let [mut deletion] = <[Event; 1]>::try_from(self.deletion.clone()).expect("one event");
            deletion.seq = last[0].seq;
            batches.push(vec![deletion]);
        }
        batches
    }
}

/// A session of the model.
struct ModelSession {
    key: SessionKey,
    witness: Witness,
    kind: Kind,
    pending: Option<PendingJoin>,
    read: Option<Seq>,
    /// What it had read when it became a member.
    since: Option<i64>,
    /// How much it had been sent before.
    sent_before: usize,
}

/// The hub and what surrounds it. Empty again after each run.
struct Model {
    hub: Hub,
    log: Arc<ModelLog>,
    script: Script,
}

impl Model {
    async fn new() -> Self {
        let (store, log) = (Arc::new(MemoryStore::new()), Arc::new(ModelLog::default()));
        let links = crate::testing::links();
        let hub = Hub::over(log.clone(), store.clone(), store, &Settings::default(), links);
        Self { hub, log, script: Script::new().await }
    }

    fn enter(&self, who: &str) -> (SessionKey, Witness) {
        let witness = Witness::default();
        let sink = Arc::new(witness.clone());
        (self.hub.enter(&user(who), sink, None, 8).expect("a free session"), witness)
    }

    async fn settle() {
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
    }

    /// Lets the steps happen in this order, and checks what everybody was sent.
    async fn run(&self, plan: &Plan, steps: &[Step]) {
        let Self { hub, log, script } = self;
        let (conversation, batches) = (&script.conversation, script.batches(plan));
        let (mut committed, mut published) = (0, 0);
        log.0.lock().expect("sound").clear();
        let publish = |index: usize| {
            if plan.lost != Some(index) {
                hub.publish(&batches[index]);
            }
        };

        let (elsewhere, elsewhere_witness) = self.enter("s");
        let member = plan.has_member.then(|| {
            let (key, witness) = self.enter("c");
            hub.begin_join(key, conversation, true)
                .complete_unannounced(&user("c"), &history_to(Seq::ZERO.next()));
            (key, witness)
        });
        let mut sessions = Vec::new();
        for kind in &plan.joins {
            let (key, witness) = self.enter("s");
            if kind.is_member_before() {
                let pending = hub.begin_join(key, conversation, true);
                assert!(pending.complete_unannounced(&user("s"), &history_to(Seq::ZERO.next())));
            }
            let (pending, read, since, sent_before) = (None, None, None, 0);
            let kind = *kind;
            sessions.push(ModelSession { key, witness, kind, pending, read, since, sent_before });
        }

        for step in steps {
            match *step {
                Step::Commit => {
                    log.0.lock().expect("sound").extend_from_slice(&batches[committed]);
                    committed += 1;
                }
                Step::Publish => {
                    publish(published);
                    published += 1;
                }
                Step::Begin(index) => {
                    let session = &mut sessions[index];
                    session.pending = Some(hub.begin_join(session.key, conversation, true));
                }
                Step::Read(index) => {
                    let last = log.0.lock().expect("sound").last().cloned();
                    let is_deleted = last
                        .as_ref()
                        .is_some_and(|last| last.kind == EventKind::ConversationDeleted);
                    sessions[index].read = match last {
                        None => Some(Seq::ZERO.next()),
                        Some(last) => Some(last.seq).filter(|_| !is_deleted),
                    };
                }
                Step::End(index) => {
                    let session = &mut sessions[index];
                    let pending = session.pending.take().expect("it has begun");
                    if let Some(since) = session.read.filter(|_| !session.kind.gives_up()) {
                        let is_log = session.kind == Kind::Log;
                        session.sent_before = session.witness.sent().len();
                        session.since = Some(since.get());
                        let opening = Opening { events: &[], since, is_log };
                        pending.complete_unannounced(&user("s"), &opening);
                    }
                }
                Step::Run => tokio::task::yield_now().await,
            }
        }
        Self::settle().await;
        // What follows brings to light what was lost.
        let is_deleted = plan.deletes && plan.lost != Some(plan.batches - 1);
        if !plan.deletes {
            let next = &script.changes[plan.batches];
            log.0.lock().expect("sound").extend_from_slice(next);
            hub.publish(next);
            Self::settle().await;
        }

        let mut last: i64 = log.0.lock().expect("sound").last().map_or(1, |event| event.seq.get());
        let check = Check { plan, batches: &batches, extra: &script.changes[plan.batches] };
        if plan.deletes && !is_deleted {
            // Nothing follows a deletion: what was not published stays unknown.
            last -= 1;
        }
        check.elsewhere(&elsewhere_witness.sent());
        if let Some((_, witness)) = &member {
            check.positions(&witness.sent(), 1, last);
        }
        for session in &sessions {
            check.session(session, last);
        }

        let keys = sessions.iter().map(|session| session.key);
        for key in keys.chain([elsewhere]).chain(member.map(|(key, _)| key)) {
            hub.exit(key);
        }
        assert!(hub.sessions().is_empty(), "no trace");
    }
}

/// What is expected of a run.
struct Check<'a> {
    plan: &'a Plan,
    batches: &'a [Vec<Event>],
    /// What followed when all was done.
    extra: &'a [Event],
}

impl Check<'_> {
    /// The positions after `since` are sent, each once and in order.
    fn positions(&self, sent: &[Sent], since: i64, last: i64) {
        let positions: Vec<_> = sent.iter().filter_map(|sent| sent.seq).collect();
        // A deletion that nobody has joined to miss something before.
        let is_lost_with_the_room = self.plan.deletes && self.plan.lost.is_some();
        let expected: Vec<_> = (since + 1..=last).collect();
        if positions != expected && is_lost_with_the_room {
            assert!(positions.is_sorted_by(|a, b| a < b), "{positions:?}");
            return;
        }
        assert_eq!(positions, expected, "after {since}: {sent:?}");
        for sent in sent.iter().filter(|sent| sent.seq.is_some()) {
            assert_eq!(sent.delivered, sent.seq, "a position to resume from: {sent:?}");
        }
    }

    fn session(&self, session: &ModelSession, last: i64) {
        let sent = session.witness.sent();
        let positions: Vec<_> = sent.iter().filter_map(|sent| sent.seq).collect();
        let distinct: HashSet<_> = positions.iter().collect();
        assert_eq!(distinct.len(), positions.len(), "each once: {sent:?}");
        match session.since {
            Some(since) => self.positions(&sent[session.sent_before..], since, last),
            // Held back for a join that was given up after a deletion: no member is left.
            None if session.kind.is_member_before() && self.plan.deletes => {
                let expected: Vec<_> = (2..=last).take(positions.len()).collect();
                assert!(positions == expected || self.plan.lost.is_some(), "{sent:?}");
            }
            None if session.kind.is_member_before() => self.positions(&sent, 1, last),
            None => assert_eq!(positions, [0; 0], "no member"),
        }
        self.people(&sent, session.since.filter(|_| session.kind == Kind::Log));
    }

    /// An event for people is sent once, with its position or without, unless it was lost, or its session
    /// had read it in the log up to `read`.
    fn people(&self, sent: &[Sent], read: Option<i64>) {
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for sent in sent.iter().filter(|sent| FOR_PEOPLE.contains(&sent.name)) {
            *counts.entry(sent.name).or_default() += 1;
        }
        let mut expected: HashMap<&str, (usize, usize)> = HashMap::new();
        let all = self.batches.iter().enumerate().map(|(index, batch)| (Some(index), &batch[..]));
        let extra = (!self.plan.deletes).then_some((None, self.extra));
        for (index, batch) in all.chain(extra) {
            for event in batch {
                let name = match event.kind {
                    EventKind::MessagesRead(_) => "conversation-read",
                    EventKind::ConversationUpdated { .. } => "conversation-updated",
                    EventKind::ConversationDeleted => "conversation-deleted",
                    _ => continue,
                };
                let (least, most) = expected.entry(name).or_default();
                *most += 1;
                let is_lost = index.is_some() && index == self.plan.lost;
                let was_read = read.is_some_and(|read| event.seq.get() <= read);
                *least += usize::from(!is_lost && !was_read);
            }
        }
        for (name, (least, most)) in expected {
            let count = counts.get(name).copied().unwrap_or_default();
            assert!((least..=most).contains(&count), "{name}: {count} times: {sent:?}");
        }
    }

    fn elsewhere(&self, sent: &[Sent]) {
        assert!(sent.iter().all(|sent| sent.seq.is_none()), "not joined: {sent:?}");
        self.people(sent, None);
    }
}

/// Every order of the steps of all `threads`; a batch is committed before it is published.
fn every_order(threads: &[Vec<Step>]) -> Vec<Vec<Step>> {
    fn go_on(
        threads: &[Vec<Step>],
        done: &mut Vec<usize>,
        so_far: &mut Vec<Step>,
        all: &mut Vec<Vec<Step>>,
    ) {
        if threads.iter().zip(&*done).all(|(thread, done)| thread.len() == *done) {
            all.push(so_far.clone());
        }
        for index in 0..threads.len() {
            let Some(step) = threads[index].get(done[index]) else { continue };
            if !may_follow(*step, so_far) {
                continue;
            }
            done[index] += 1;
            so_far.push(*step);
            go_on(threads, done, so_far, all);
            so_far.pop();
            done[index] -= 1;
        }
    }
    let mut all = Vec::new();
    go_on(threads, &mut vec![0; threads.len()], &mut Vec::new(), &mut all);
    all
}

fn may_follow(step: Step, so_far: &[Step]) -> bool {
    let count = |wanted: Step| so_far.iter().filter(|step| **step == wanted).count();
    step != Step::Publish || count(Step::Publish) < count(Step::Commit)
}

fn threads(plan: &Plan, runs: usize) -> Vec<Vec<Step>> {
    let writer = [vec![Step::Commit; plan.batches], vec![Step::Publish; plan.batches]];
    let joins = (0..plan.joins.len())
        .map(|index| vec![Step::Begin(index), Step::Read(index), Step::End(index)]);
    writer.into_iter().chain(joins).chain([vec![Step::Run; runs]]).collect()
}

#[tokio::test(start_paused = true)]
async fn in_every_order_of_two_batches_and_a_join_each_session_is_sent_what_follows_once() {
    let model = Model::new().await;
    for kind in Kind::ALL {
        for (deletes, has_member) in [(false, false), (false, true), (true, false), (true, true)] {
            for lost in [None, Some(0), Some(1)] {
                let plan = Plan { batches: 2, lost, deletes, has_member, joins: vec![kind] };
                // Who is alone has nothing repaired before it has joined.
                let runs = usize::from(has_member || kind.is_member_before());
                for steps in every_order(&threads(&plan, runs)) {
                    model.run(&plan, &steps).await;
                }
            }
        }
    }
}

fn plans() -> impl Strategy<Value = Plan> {
    let kinds = proptest::collection::vec(proptest::sample::select(&Kind::ALL[..]), 1..4);
    let lost = proptest::option::of(0_usize..6);
    (1_usize..6, lost, any::<bool>(), any::<bool>(), kinds).prop_map(
        |(batches, lost, deletes, has_member, joins)| Plan {
            batches,
            lost: lost.filter(|lost| *lost < batches),
            deletes,
            has_member,
            joins,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn in_any_order_of_batches_joins_and_repairs_each_session_is_sent_what_follows_once(
        plan in plans(),
        picks in proptest::collection::vec(any::<proptest::sample::Index>(), 40),
    ) {
        let threads = threads(&plan, 8);
        let (mut done, mut steps) = (vec![0; threads.len()], Vec::new());
        let mut picks = picks.iter().cycle();
        loop {
            let next = |index: usize| threads[index].get(done[index]).copied();
            let may_go_on = |index: &usize| next(*index).is_some_and(|step| may_follow(step, &steps));
            let open: Vec<_> = (0..threads.len()).filter(may_go_on).collect();
            let Some(pick) = picks.next().filter(|_| !open.is_empty()) else { break };
            let index = open[pick.index(open.len())];
            steps.push(threads[index][done[index]]);
            done[index] += 1;
        }
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().start_paused(true).build().expect("a runtime");
        runtime.block_on(async {
            Model::new().await.run(&plan, &steps).await;
        });
    }
}

// What else may happen to a session that is joining.

#[tokio::test]
async fn who_joins_as_the_conversation_is_deleted_is_sent_that_and_is_no_member() {
    let fixture = Fixture::new().await;
    let (key, mut received) = fixture.enter("c");
    let pending = fixture.hub.begin_join(key, &fixture.conversation, true);
    let since = fixture.last_seq("c").await;
    let by = user("s");
    let deleted = fixture.messaging.delete_conversation(&fixture.conversation, &by);
    deleted.await.expect("the salon may");
    assert_eq!(received.names_so_far(), [""; 0], "not before its opening");
    assert!(!pending.complete_unannounced(&user("c"), &history_to(since)));
    assert_eq!(received.named("conversation-deleted").await["seq"], 2);
    assert_eq!(fixture.hub.rooms_of(key), Some(Vec::new()));
    fixture.hub.exit(key);
    assert!(fixture.hub.sessions().is_empty());
}

#[tokio::test]
async fn who_gives_up_joining_a_deleted_conversation_hears_of_it_as_people_elsewhere_do() {
    let fixture = Fixture::new().await;
    let (key, mut received) = fixture.enter("c");
    let pending = fixture.hub.begin_join(key, &fixture.conversation, true);
    let by = user("s");
    let deleted = fixture.messaging.delete_conversation(&fixture.conversation, &by);
    deleted.await.expect("the salon may");
    drop(pending);
    assert_eq!(received.named("conversation-deleted").await.get("seq"), None);
}

#[tokio::test]
async fn who_is_joining_is_watching_when_they_have_joined() {
    let fixture = Fixture::new().await;
    let (key, _received) = fixture.enter("s");
    let is_watching = || fixture.hub.is_watching(&fixture.conversation, &user("s"));
    let pending = fixture.hub.begin_join(key, &fixture.conversation, true);
    assert!(!is_watching(), "it may give up, and would never see what it had read");
    let since = fixture.last_seq("s").await;
    assert!(pending.complete_unannounced(&user("s"), &history_to(since)));
    assert!(is_watching());
    assert!(!fixture.hub.is_watching(&fixture.conversation, &user("c")));
}

#[tokio::test]
async fn a_session_that_leaves_or_ends_while_it_is_joining_is_no_member() {
    let fixture = Fixture::new().await;
    let (key, mut received) = fixture.enter("s");
    let pending = fixture.hub.begin_join(key, &fixture.conversation, true);
    assert_eq!(fixture.hub.leave(key, &fixture.conversation), None);
    assert!(!pending.complete_unannounced(&user("s"), &history_to(Seq::ZERO.next())));
    let pending = fixture.hub.begin_join(key, &fixture.conversation, true);
    fixture.hub.exit(key);
    assert!(!pending.complete_unannounced(&user("s"), &history_to(Seq::ZERO.next())));
    assert!(fixture.hub.sessions().is_empty());
    assert_eq!(received.names_so_far(), [""; 0]);
}

#[tokio::test]
async fn a_session_that_is_restored_is_sent_a_receipt_behind_the_message_before_it() {
    let fixture = Fixture::new().await;
    let (key, mut received) = fixture.enter("c");
    let conversation = fixture.conversation.clone();
    let room = Subscription { conversation, visible: false, delivered_seq: Seq::ZERO.next() };
    fixture.hub.set_subscriptions(key, &Subscriptions::new(vec![room]));
    let pending = fixture.hub.begin_join(key, &fixture.conversation, false);
    fixture.say(&fixture.messaging, "c", "hello").await;
    let (by, everything) = (user("s"), ReadTarget::Everything);
    let marked = fixture.messaging.mark_conversation_read(&fixture.conversation, &by, everything);
    marked.await.expect("marked");
    assert!(!received.names_so_far().contains(&"conversation-read".to_owned()));
    let opening = Opening { events: &[], since: Seq::ZERO.next(), is_log: true };
    assert!(pending.complete_unannounced(&user("c"), &opening));
    assert_eq!(received.named("new-message").await["seq"], 2);
    assert_eq!(received.named("conversation-read").await["seq"], 3);
}

#[tokio::test]
async fn who_reads_for_so_long_that_too_much_happens_is_sent_the_rest_from_the_log() {
    let fixture = Fixture::new().await;
    let (_, mut member) = fixture.join("s", false).await;
    let (key, mut received) = fixture.enter("c");
    let pending = fixture.hub.begin_join(key, &fixture.conversation, false);
    let since = fixture.last_seq("c").await;
    let words: Vec<_> = (0..300).map(|number| number.to_string()).collect();
    for words in &words {
        fixture.say(&fixture.messaging, "c", words).await;
    }
    assert!(pending.complete_unannounced(&user("c"), &history_to(since)));
    assert_eq!(received.words(300).await, words);
    fixture.say(&fixture.messaging, "c", "next").await;
    assert_eq!(received.words(1).await, ["next"]);
    assert_eq!(member.words(301).await[299..], ["299", "next"], "each once");
}

// The store in memory, writers, and a thread that publishes what they committed, in its order.

/// Hands what was committed to the thread that publishes.
struct Lane {
    hub: Hub,
    queue: std::sync::mpsc::Sender<Vec<Event>>,
}

impl Fanout for Lane {
    fn publish(&self, events: &[Event]) {
        self.queue.send(events.to_vec()).expect("the thread lives");
    }

    fn message_read(&self, marked: &MarkedMessage) {
        self.hub.message_read(marked);
    }

    fn person_changed(&self, user: &UserId, change: PersonChange) {
        self.hub.person_changed(user, change);
    }

    fn is_watching(&self, conversation: &ConversationId, user: &UserId) -> bool {
        self.hub.is_watching(conversation, user)
    }
}

/// Messages of each of the two writers.
const MESSAGES: usize = 250;
const SESSIONS: usize = 50;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_sessions_that_join_and_leave_under_load_see_no_gap() {
    let fixture = Arc::new(Fixture::new().await);
    let (queue, committed) = std::sync::mpsc::channel::<Vec<Event>>();
    let hub = fixture.hub.clone();
    let publisher = std::thread::spawn(move || {
        for events in committed {
            hub.publish(&events);
        }
    });
    let lane = Lane { hub: fixture.hub.clone(), queue };
    let (clock, ids) = (Arc::new(FixedClock::ticking()), Arc::new(CountingIds::new()));
    let messaging = Messaging::new(fixture.store.clone(), Arc::new(lane), clock, ids);
    let is_over = Arc::new(std::sync::atomic::AtomicBool::new(false));

    let sessions: Vec<_> = (0..SESSIONS)
        .map(|number| {
            let (fixture, is_over) = (fixture.clone(), is_over.clone());
            tokio::spawn(async move {
                let who = ["s", "c"][number % 2];
                let mut seen = 0;
                while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
                    seen += join_and_leave(&fixture, who).await;
                }
                seen
            })
        })
        .collect();
    let writers: Vec<_> = ["s", "c"]
        .map(|who| {
            let (fixture, messaging) = (fixture.clone(), messaging.clone());
            tokio::spawn(async move {
                for _ in 0..MESSAGES {
                    fixture.say(&messaging, who, "hello").await;
                    tokio::task::yield_now().await;
                }
            })
        })
        .into();
    for writer in writers {
        writer.await.expect("it wrote");
    }
    is_over.store(true, std::sync::atomic::Ordering::Relaxed);
    let mut seen = 0;
    for session in sessions {
        seen += session.await.expect("it saw no gap");
    }
    assert!(seen > 0, "somebody was there");
    drop(messaging);
    publisher.join().expect("it published");
}

/// Joins, reads along for a while and leaves. Returns how much was sent.
async fn join_and_leave(fixture: &Fixture, who: &str) -> usize {
    let Fixture { hub, conversation, .. } = fixture;
    let witness = Witness::default();
    let sink = Arc::new(witness.clone());
    let key = hub.enter(&user(who), sink, None, SESSIONS).expect("a free session");
    let pending = hub.begin_join(key, conversation, true);
    tokio::task::yield_now().await;
    let since = fixture.last_seq(who).await;
    tokio::task::yield_now().await;
    assert!(pending.complete_unannounced(&user(who), &history_to(since)));
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    let left = hub.leave(key, conversation).expect("it had joined");
    hub.exit(key);
    let positions: Vec<_> = witness.sent().iter().filter_map(|sent| sent.seq).collect();
    let expected: Vec<_> = (since.get() + 1..=left.delivered_seq.get()).collect();
    assert_eq!(positions, expected);
    positions.len()
}
