//! Every rule, against a conversation that is counted by hand.

use std::collections::HashSet;

use proptest::{prelude::*, sample::Index, test_runner::TestCaseResult};

use super::*;
use crate::testing::fixture::{client, keyed, picture, salon, text, user};

/// The most messages deleted by one command.
const DELETED_MAX: u32 = 2;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis).expect("a good time")
}

fn message_id(number: i64) -> MessageId {
    MessageId::parse(&format!("m{number}")).expect("a good id")
}

fn conversation_id(id: &str) -> ConversationId {
    ConversationId::parse(id).expect("a good id")
}

fn parties() -> Parties {
    Parties { salon: user("s1"), client: user("c1") }
}

fn who(side: Side) -> UserId {
    parties().on(side).clone()
}

fn people() -> Vec<Participant> {
    vec![salon("s1"), client("c1")]
}

fn unopened() -> Head {
    Head::unopened(conversation_id("talk"), parties(), None)
}

fn open() -> Command {
    Command::Open(Open {
        parties: parties(),
        appointment: None,
        subject: None,
        status: Status::Active,
        message: None,
        handles: None,
    })
}

fn post(id: i64, side: Side, draft: Draft) -> Command {
    let (id, author) = (message_id(id), who(side));
    Command::Post(Post { id, author, draft, attachments: vec![] })
}

fn read(side: Side, target: ReadTarget) -> Command {
    Command::MarkRead { reader: who(side), target }
}

fn up_to(seq: i64) -> ReadTarget {
    ReadTarget::UpTo(Seq::new(seq).expect("not negative"))
}

fn delete(id: i64, side: Side) -> Command {
    Command::DeleteMessage { message: message_id(id), by: who(side) }
}

fn set_status(side: Side, status: Status) -> Command {
    Command::Edit { by: who(side), subject: None, status: Some(StatusEdit::Set(status)) }
}

fn system(id: i64, notice: Notice) -> SystemMessage {
    let content = notice.text(crate::participant::Language::default());
    SystemMessage { id: message_id(id), content, notice: Some(notice) }
}

fn notice(id: i64, status: Status) -> Command {
    let message = system(id, Notice::Cancelled);
    let (subject, handles) = (None, None);
    Command::PostNotice(PostNotice { message, status, subject, handles })
}

fn archive_for_age(id: i64) -> Command {
    let message = system(id, Notice::ArchivedForAge { days: 90 });
    Command::ArchiveForAge { message, quiet_since: at(i64::from(i32::MAX)) }
}

fn purge() -> Command {
    let late = at(i64::from(i32::MAX));
    let bounds = PurgeBounds { last_message_by: late, changed_by: late };
    Command::Purge { bounds, messages_max: DELETED_MAX }
}

fn erase(person: UserId) -> Command {
    Command::Erase { person, messages_max: DELETED_MAX }
}

fn kinds(changes: &Changes) -> Vec<&'static str> {
    let word = |event: &Event| match event.kind {
        EventKind::ConversationOpened { .. } => "opened",
        EventKind::ConversationUpdated { .. } => "updated",
        EventKind::ConversationDeleted => "gone",
        EventKind::MessagePosted(_) => "posted",
        EventKind::MessageWithdrawn(_) => "withdrawn",
        EventKind::MessageDeleted(_) => "deleted",
        EventKind::MessagesRead(_) => "read",
    };
    changes.events.iter().map(word).collect()
}

fn receipt(changes: &Changes) -> &ReadReceipt {
    let found = changes.events.iter().find_map(|event| match &event.kind {
        EventKind::MessagesRead(receipt) => Some(receipt),
        _ => None,
    });
    found.expect("somebody read")
}

/// A message as a store keeps it.
struct Row {
    new: NewMessage,
    read_at: Option<Timestamp>,
    is_deleted: bool,
}

impl Row {
    fn place(&self) -> MessagePlace {
        let Message { id, seq, .. } = &*self.new.message;
        MessagePlace { id: id.clone(), author: self.new.author, seq: *seq }
    }

    fn seq(&self) -> Seq {
        self.new.message.seq
    }
}

/// A store of one conversation, as simple as can be: it counts what the head must say.
struct Store {
    head: Head,
    rows: Vec<Row>,
    now: i64,
    erased: HashSet<UserId>,
    is_held: bool,
    /// Whether whoever would read a new message at once is watching.
    is_watched: bool,
}

impl Store {
    fn unopened() -> Self {
        let (rows, erased) = (vec![], HashSet::new());
        Self { head: unopened(), rows, now: 0, erased, is_held: false, is_watched: false }
    }

    fn new() -> Self {
        let mut store = Self::unopened();
        store.run(&open()).expect("it opens");
        store
    }

    fn kept(&self) -> impl DoubleEndedIterator<Item = &Row> {
        self.rows.iter().filter(|row| !row.is_deleted)
    }

    fn written_by(&self, side: Side) -> impl DoubleEndedIterator<Item = &Row> {
        self.kept().filter(move |row| row.new.author == Some(side))
    }

    fn remaining(&self, without: &[MessagePlace]) -> Remaining {
        let stays = |row: &&Row| !without.contains(&row.place());
        let newest = |side| self.written_by(side).rfind(stays);
        let (salon, client) = (newest(Side::Salon), newest(Side::Client));
        let seq = |row: Option<&Row>| row.map_or(Seq::ZERO, Row::seq);
        let newer = [salon, client].into_iter().flatten().max_by_key(|row| row.seq());
        Remaining {
            newest: PerSide { salon: seq(salon), client: seq(client) },
            newest_at: newer.map(|row| row.new.message.created_at),
        }
    }

    fn keyed(&self, post: &Post) -> Option<MessageId> {
        let side = parties().side_of(&post.author);
        let with_key =
            |row: &&Row| row.new.key.as_ref() == post.draft.key() && row.new.author == side;
        let row = self.rows.iter().filter(|row| row.new.key.is_some()).find(with_key)?;
        Some(row.new.message.id.clone())
    }

    /// The message that `id` names, unless it was deleted.
    fn message(&self, id: &MessageId) -> Option<Message> {
        let row = self.kept().find(|row| row.new.message.id == *id)?;
        Some(Message::clone(&row.new.message))
    }

    fn unread_beyond(&self, reader: Side, target: ReadTarget) -> u64 {
        let ReadTarget::UpTo(seq) = target else { return 0 };
        let from = seq.max(self.head.conversation.horizons.of(reader));
        self.written_by(reader.other()).filter(|row| row.seq() > from).count() as u64
    }

    fn messages(&self, command: &Command) -> Vec<MessagePlace> {
        let side = |person: &UserId| parties().side_of(person);
        let places: Vec<_> = match command {
            Command::DeleteMessage { message, .. } => {
                let named = self.kept().map(Row::place).filter(|place| place.id == *message);
                named.collect()
            }
            Command::Purge { .. } => {
                let written = self.kept().map(Row::place).filter(|place| place.author.is_some());
                written.collect()
            }
            Command::Erase { person, .. } => {
                let own = self.kept().map(Row::place).filter(|place| place.author == side(person));
                own.collect()
            }
            _ => vec![],
        };
        places.into_iter().take(DELETED_MAX as usize).collect()
    }

    fn facts(&self, command: &Command) -> Facts {
        let messages = self.messages(command);
        let mut facts = Facts {
            people: people(),
            remaining: self.remaining(&messages),
            messages,
            is_held: self.is_held,
            is_watched: self.is_watched,
            ..Facts::default()
        };
        match command {
            Command::Post(post) => {
                facts.is_erased = self.erased.contains(&post.author);
                facts.keyed = self.keyed(post);
            }
            Command::MarkRead { reader, target } => {
                let side = parties().side_of(reader);
                facts.unread_beyond = side.map_or(0, |side| self.unread_beyond(side, *target));
                facts.is_erased = self.erased.contains(reader);
            }
            Command::Erase { person, .. } => facts.is_erased = self.erased.contains(person),
            _ => {}
        }
        facts
    }

    /// Decides and applies, a millisecond after the command before.
    fn run(&mut self, command: &Command) -> Result<Changes, Refusal> {
        self.now += 1;
        let facts = self.facts(command);
        let changes = decide(&mut self.head, command, &facts, at(self.now))?;
        self.apply(&changes);
        Ok(changes)
    }

    /// The same, while whoever would read a new message at once is watching.
    fn run_watched(&mut self, command: &Command) -> Result<Changes, Refusal> {
        self.is_watched = true;
        let outcome = self.run(command);
        self.is_watched = false;
        outcome
    }

    fn apply(&mut self, changes: &Changes) {
        if let Some(new) = &changes.message {
            let read_at = new.message.read_at;
            self.rows.push(Row { new: new.clone(), read_at, is_deleted: false });
        }
        if let Some(read) = changes.read {
            let newly_read = |row: &&mut Row| {
                let place = row.place();
                place.author == Some(read.author)
                    && place.seq > read.after
                    && place.seq <= read.up_to
            };
            let kept = self.rows.iter_mut().filter(|row| !row.is_deleted);
            kept.filter(newly_read).for_each(|row| row.read_at = Some(read.at));
        }
        for row in &mut self.rows {
            row.is_deleted |= match &changes.deleted {
                Deleted::Nothing => false,
                Deleted::Messages(ids) => ids.contains(&row.new.message.id),
                Deleted::Everything => true,
            };
        }
    }

    fn unread(&self, reader: Side) -> u64 {
        let horizon = self.head.conversation.horizons.of(reader);
        self.written_by(reader.other()).filter(|row| row.seq() > horizon).count() as u64
    }
}

/// What somebody does, or time.
#[derive(Clone, Debug)]
enum Step {
    Post { key: Option<u8>, words: bool, seen: bool },
    Delete(Index),
    DeleteOfOther(Index),
    Read(ReadTarget),
    Subject(u8),
    Toggle,
    Notice { archives: bool, seen: bool },
    ArchiveForAge,
    Purge,
    Forget,
    Hold(bool),
    DeleteConversation,
    Stranger,
    OpenAgain,
}

fn steps() -> impl Strategy<Value = Vec<(Side, Step)>> {
    let key = prop::option::weighted(0.3, 0_u8..4);
    let step = prop_oneof![
        12 => (key, any::<bool>(), any::<bool>())
            .prop_map(|(key, words, seen)| Step::Post { key, words, seen }),
        6 => any::<Index>().prop_map(Step::Delete),
        1 => any::<Index>().prop_map(Step::DeleteOfOther),
        6 => (0_i64..60).prop_map(|seq| Step::Read(up_to(seq))),
        3 => Just(Step::Read(ReadTarget::Everything)),
        3 => (0_u8..3).prop_map(Step::Subject),
        3 => Just(Step::Toggle),
        3 => (any::<bool>(), any::<bool>())
            .prop_map(|(archives, seen)| Step::Notice { archives, seen }),
        2 => Just(Step::ArchiveForAge),
        2 => Just(Step::Purge),
        1 => Just(Step::Forget),
        1 => any::<bool>().prop_map(Step::Hold),
        1 => Just(Step::DeleteConversation),
        1 => Just(Step::Stranger),
        1 => Just(Step::OpenAgain),
    ];
    let side = any::<bool>().prop_map(|salon| if salon { Side::Salon } else { Side::Client });
    prop::collection::vec((side, step), 1..60)
}

impl Store {
    /// The command of a step; `None` when it only changes facts or there is no such message.
    fn command(&mut self, side: Side, step: &Step) -> Option<Command> {
        let next = self.now + 1;
        self.is_watched =
            matches!(step, Step::Post { seen: true, .. } | Step::Notice { seen: true, .. });
        Some(match step {
            Step::Post { key, words, .. } => {
                let words = if *words { "hello" } else { "good morning" };
                let draft = key.map_or_else(|| text(words), |key| keyed(words, &format!("k{key}")));
                post(next, side, draft)
            }
            Step::Delete(which) => self.delete(side, side, *which)?,
            Step::DeleteOfOther(which) => self.delete(side.other(), side, *which)?,
            Step::Read(target) => read(side, *target),
            Step::Subject(which) => {
                let subject = (*which > 0).then(|| subject(&format!("Subject {which}")));
                Command::Edit { by: who(side), subject: Some(subject), status: None }
            }
            Step::Toggle => {
                let status = Some(StatusEdit::Toggle);
                Command::Edit { by: who(side), subject: None, status }
            }
            Step::Notice { archives, .. } => {
                let status = if *archives { Status::Archived } else { Status::Active };
                notice(next, status)
            }
            Step::ArchiveForAge => archive_for_age(next),
            Step::Purge => purge(),
            Step::Forget => {
                self.erased.insert(who(side));
                erase(who(side))
            }
            Step::Hold(is_held) => {
                self.is_held = *is_held;
                return None;
            }
            Step::DeleteConversation => Command::DeleteConversation { by: who(side) },
            Step::Stranger => Command::DeleteConversation { by: user("x") },
            Step::OpenAgain => open(),
        })
    }

    fn delete(&self, author: Side, by: Side, which: Index) -> Option<Command> {
        let ids: Vec<_> = self.written_by(author).map(|row| row.place().id).collect();
        let message = ids.get(which.index(ids.len().max(1)))?.clone();
        Some(Command::DeleteMessage { message, by: who(by) })
    }
}

fn subject(words: &str) -> Subject {
    Subject::open(words).expect("it fits")
}

/// The head says what a count over the messages says.
fn assert_counts(store: &Store) -> TestCaseResult {
    let head = &store.head;
    for side in [Side::Salon, Side::Client] {
        prop_assert_eq!(head.unread.of(side), store.unread(side));
        let newest = store.written_by(side).next_back().map_or(Seq::ZERO, Row::seq);
        prop_assert_eq!(head.newest.of(side), newest);
        let horizon = head.conversation.horizons.of(side);
        for row in store.written_by(side.other()) {
            prop_assert_eq!(row.read_at.is_some(), row.seq() <= horizon);
        }
    }
    prop_assert_eq!(head.message_count, store.kept().count() as u64);
    Ok(())
}

/// The order of lists follows the newest message of a side, or the beginning without one.
fn assert_order(store: &Store) -> TestCaseResult {
    let conversation = &store.head.conversation;
    let newest = store.kept().rfind(|row| row.new.author.is_some());
    let newest_at = newest.map_or(conversation.created_at, |row| row.new.message.created_at);
    prop_assert_eq!(conversation.last_message_at, newest_at);
    Ok(())
}

fn assert_gapless(before: &Head, changes: &Changes, after: &Head) -> TestCaseResult {
    let mut last = before.conversation.last_seq;
    for event in &changes.events {
        prop_assert_eq!(event.seq, last.next());
        prop_assert_eq!(&event.parties, &parties());
        last = event.seq;
    }
    prop_assert_eq!(after.conversation.last_seq, last);
    Ok(())
}

fn assert_monotonic(before: &Head, after: &Head) -> TestCaseResult {
    for side in [Side::Salon, Side::Client] {
        let horizon = after.conversation.horizons.of(side);
        prop_assert!(horizon >= before.conversation.horizons.of(side));
        prop_assert!(horizon <= after.conversation.last_seq);
    }
    Ok(())
}

proptest! {
    #[test]
    fn positions_horizons_and_counts_hold_whatever_happens(steps in steps()) {
        let mut store = Store::new();
        for (side, step) in steps {
            let before = store.head.clone();
            let Some(command) = store.command(side, &step) else { continue };
            if let Ok(changes) = store.run(&command) {
                assert_gapless(&before, &changes, &store.head)?;
                assert_monotonic(&before, &store.head)?;
                assert_counts(&store)?;
                if store.head.is_deleted {
                    prop_assert_eq!(store.kept().count(), 0);
                } else {
                    assert_order(&store)?;
                }
            }
        }
    }

    #[test]
    fn a_refusal_changes_nothing_and_a_change_is_always_logged(steps in steps()) {
        let mut store = Store::new();
        for (side, step) in steps {
            let before = store.head.clone();
            let Some(command) = store.command(side, &step) else { continue };
            match store.run(&command) {
                Err(_) => prop_assert_eq!(&store.head, &before),
                Ok(changes) if changes.events.is_empty() => {
                    prop_assert_eq!(&store.head, &before);
                    let removes_names = changes.removes_names;
                    prop_assert_eq!(changes, Changes { removes_names, ..Changes::default() });
                }
                Ok(_) => prop_assert_ne!(&store.head, &before),
            }
        }
    }

    #[test]
    fn wrong_facts_cost_no_position_move_no_horizon_back_and_a_refusal_changes_nothing(
        steps in steps(), beyond in 0_u64..9, is_erased in any::<bool>(), knows in any::<bool>(),
    ) {
        let mut store = Store::new();
        for (side, step) in steps {
            let Some(command) = store.command(side, &step) else { continue };
            let people = if knows { people() } else { vec![] };
            let facts = Facts { people, unread_beyond: beyond, is_erased, ..Facts::default() };
            let (before, mut head) = (store.head.clone(), store.head.clone());
            if let Ok(changes) = decide(&mut head, &command, &facts, at(store.now + 1)) {
                assert_gapless(&before, &changes, &head)?;
                assert_monotonic(&before, &head)?;
            } else {
                prop_assert_eq!(&head, &before);
            }
            store.run(&command).ok();
        }
    }

    #[test]
    fn a_post_reopens_and_never_leaves_the_conversation_archived(steps in steps()) {
        let mut store = Store::new();
        for (side, step) in steps {
            let was_archived = store.head.conversation.status == Status::Archived;
            let Some(command) = store.command(side, &step) else { continue };
            let Ok(changes) = store.run(&command) else { continue };
            if let Command::Post(_) = command {
                prop_assert_eq!(store.head.conversation.status, Status::Active);
                let mut expected = vec![];
                expected.extend(was_archived.then_some("updated"));
                expected.push("posted");
                expected.extend(store.is_watched.then_some("read"));
                prop_assert_eq!(kinds(&changes), expected);
                let reader = (!store.is_watched).then(|| who(side.other()));
                prop_assert_eq!(changes.mail_to, reader);
            }
        }
    }

    #[test]
    fn a_key_posts_once(posts in prop::collection::vec((any::<bool>(), 0_u8..3, any::<bool>()), 1..40)) {
        let mut store = Store::new();
        let mut first = std::collections::HashMap::new();
        for (as_salon, key, words) in posts {
            let side = if as_salon { Side::Salon } else { Side::Client };
            let step = Step::Post { key: Some(key), words, seen: false };
            let command = store.command(side, &step).expect("a post");
            match (store.run(&command), first.get(&(side, key))) {
                (Ok(changes), None) => {
                    let new = changes.message.expect("it was posted");
                    first.insert((side, key), (words, new.message));
                }
                (Err(Refusal::KeyKnown(id)), Some((known, original))) => {
                    let Command::Post(post) = &command else { panic!("it posts") };
                    match answer_to_known_key(&post.draft, parties(), store.message(&id)) {
                        KnownKey::Replayed(message, event) => {
                            prop_assert_eq!((*known, original), (words, &message));
                            prop_assert_eq!(event.kind, EventKind::MessagePosted(message));
                        }
                        KnownKey::Reused => prop_assert_ne!(*known, words),
                        KnownKey::Withdrawn => prop_assert!(false, "it is there"),
                    }
                }
                (outcome, known) => prop_assert!(false, "{:?} {:?}", outcome, known),
            }
            prop_assert_eq!(store.rows.len(), first.len());
        }
    }
}

#[test]
fn opening_logs_the_conversation_and_then_its_first_message() {
    let mut head = unopened();
    let message = SystemMessage {
        id: message_id(1),
        content: Content::parse("welcome").expect("fits"),
        notice: None,
    };
    let subject = Some(subject("Tattoo"));
    let command = Command::Open(Open {
        parties: parties(),
        appointment: None,
        subject: subject.clone(),
        status: Status::Active,
        message: Some(message),
        handles: None,
    });
    let facts = Facts { people: people(), ..Facts::default() };
    let changes = decide(&mut head, &command, &facts, at(7)).expect("it opens");
    assert_eq!(kinds(&changes), ["opened", "posted"]);
    assert_eq!(changes.mail_to, None);
    let Conversation { created_at, updated_at, last_message_at, .. } = head.conversation;
    assert_eq!([created_at, updated_at, last_message_at], [at(7); 3]);
    assert_eq!(head.conversation.subject, subject);
    assert_eq!(head.unread, PerSide { salon: 0, client: 1 });
}

#[test]
fn a_conversation_opens_once_per_booking_and_between_known_people() {
    let taken = conversation_id("other");
    let mut head = unopened();
    let mut try_open = |facts| decide(&mut head, &open(), &facts, at(1)).map(drop);
    let stranger = Facts { people: vec![salon("s1")], ..Facts::default() };
    assert_eq!(try_open(stranger), Err(Refusal::UnknownPerson));
    let facts = Facts { people: people(), ..Facts::default() };
    let booked = Facts { conversation_of_booking: Some(taken.clone()), ..facts.clone() };
    assert_eq!(try_open(booked), Err(Refusal::AlreadyOpen(taken)));
    assert_eq!(try_open(facts.clone()), Ok(()));
    assert_eq!(try_open(facts), Err(Refusal::AlreadyOpen(conversation_id("talk"))));
}

#[test]
fn nobody_but_the_two_changes_a_conversation_and_nobody_one_that_is_not_open() {
    let of = |by: UserId| {
        let (status, subject) = (Some(StatusEdit::Toggle), None);
        let target = ReadTarget::Everything;
        let (message, draft, attachments) = (message_id(1), text("hello"), vec![]);
        let (id, author) = (message_id(9), by.clone());
        [
            Command::Post(Post { id, author, draft, attachments }),
            Command::MarkRead { reader: by.clone(), target },
            Command::DeleteMessage { message, by: by.clone() },
            Command::Edit { by: by.clone(), subject, status },
            Command::DeleteConversation { by: by.clone() },
            erase(by),
        ]
    };
    let platform = || [notice(9, Status::Active), archive_for_age(9), purge()];
    let mut deleted = Store::new();
    deleted.run(&Command::DeleteConversation { by: who(Side::Salon) }).expect("it is there");
    let own = || of(who(Side::Salon)).into_iter().chain(platform());
    let cases = [
        (Store::new(), of(user("x")).to_vec()),
        (Store::unopened(), own().collect()),
        (deleted, own().collect()),
    ];
    for (mut store, commands) in cases {
        let before = store.head.clone();
        for command in commands {
            assert_eq!(store.run(&command), Err(Refusal::UnknownConversation), "{command:?}");
            assert_eq!(store.head, before);
        }
    }
}

#[test]
fn a_reader_who_watches_reads_the_message_and_all_before_it() {
    let mut store = Store::new();
    store.run(&post(1, Side::Salon, text("one"))).expect("posted");
    let changes = store.run_watched(&post(2, Side::Salon, text("two"))).expect("posted");
    let message = &changes.message.as_ref().expect("posted").message;
    assert_eq!((message.is_read, message.read_at), (true, Some(message.created_at)));
    let reader = who(Side::Client);
    let up_to = message.seq;
    assert_eq!(*receipt(&changes), ReadReceipt { reader, up_to, several: true, unread: 0 });
    assert_eq!(changes.mail_to, None);
    assert!(store.kept().all(|row| row.read_at.is_some()));
    let alone = store.run_watched(&post(3, Side::Salon, text("three"))).expect("posted");
    assert!(!receipt(&alone).several);
}

#[test]
fn reading_counts_what_stays_unread_and_is_silent_when_nothing_is_read() {
    let mut store = Store::new();
    for id in 1..=3 {
        store.run(&post(id, Side::Salon, text("hello"))).expect("posted");
    }
    let changes = store.run(&read(Side::Client, up_to(3))).expect("they take part");
    let reader = who(Side::Client);
    let seq = Seq::new(3).expect("not negative");
    assert_eq!(*receipt(&changes), ReadReceipt { reader, up_to: seq, several: true, unread: 1 });
    for target in [up_to(0), up_to(2), up_to(3)] {
        assert_eq!(store.run(&read(Side::Client, target)), Ok(Changes::default()));
    }
    assert_eq!(store.run(&read(Side::Salon, ReadTarget::Everything)), Ok(Changes::default()));
    let rest = store.run(&read(Side::Client, up_to(99))).expect("they take part");
    assert_eq!((receipt(&rest).several, receipt(&rest).up_to.get()), (false, 5));
}

#[test]
fn a_deletion_takes_an_unread_message_away_and_the_list_order_falls_back() {
    let mut store = Store::new();
    for id in 1..=2 {
        store.run(&post(id, Side::Salon, text("hello"))).expect("posted");
    }
    let updated_at = store.head.conversation.updated_at;
    let first_at = store.rows[0].new.message.created_at;
    assert_eq!(store.run(&delete(2, Side::Client)), Err(Refusal::UnknownMessage));
    let changes = store.run(&delete(2, Side::Salon)).expect("it is their own");
    assert_eq!(kinds(&changes), ["deleted"]);
    assert_eq!(store.head.conversation.last_message_at, first_at);
    assert_eq!(store.head.unread.client, 1);
    assert_eq!(store.run(&delete(2, Side::Salon)), Err(Refusal::UnknownMessage));
    store.run(&read(Side::Client, ReadTarget::Everything)).expect("they take part");
    store.run(&delete(1, Side::Salon)).expect("it is their own");
    let Conversation { created_at, last_message_at, .. } = store.head.conversation;
    assert_eq!((last_message_at, store.head.newest.salon), (created_at, Seq::ZERO));
    assert_eq!((store.head.unread.client, store.head.message_count), (0, 0));
    assert_eq!(store.head.conversation.updated_at, updated_at);
}

#[test]
fn a_key_of_a_deleted_message_posts_nothing_again() {
    let mut store = Store::new();
    store.run(&post(1, Side::Client, keyed("hello", "k"))).expect("posted");
    store.run(&delete(1, Side::Client)).expect("it is their own");
    let again = store.run(&post(2, Side::Client, keyed("hello", "k")));
    assert_eq!(again, Err(Refusal::KeyKnown(message_id(1))));
    let answer =
        answer_to_known_key(&keyed("hello", "k"), parties(), store.message(&message_id(1)));
    assert_eq!(answer, KnownKey::Withdrawn);
    store.run(&post(3, Side::Salon, keyed("hello", "k"))).expect("a key of another author");
}

#[test]
fn an_upload_is_sent_by_whom_it_belongs_to_and_a_retry_does_not_need_it_any_more() {
    let id = AttachmentId::parse("a1").expect("a good id");
    let files = vec![DraftFile::Uploaded(id.clone())];
    let key = ClientMessageId::parse("k").ok();
    let content = Content::parse("look").expect("fits");
    let draft = Draft::new(MessageKind::Image, content, files, key).expect("good");
    let (author, attachments) = (who(Side::Client), vec![id.clone()]);
    let message = message_id(1);
    let post = Command::Post(Post { id: message, author, draft, attachments });
    let mut store = Store::new();
    let before = store.head.clone();
    assert_eq!(store.run(&post), Err(Refusal::UnknownUpload));
    assert_eq!(store.head, before);
    let DraftFile::Hosted(file) = picture(1) else { panic!("it is hosted") };
    let uploads = vec![Attachment { id: id.clone(), file }];
    let facts = Facts { uploads: uploads.clone(), ..store.facts(&post) };
    let changes = decide(&mut store.head, &post, &facts, at(5)).expect("it is theirs");
    let new = changes.message.clone().expect("posted");
    assert_eq!((&new.message.attachments, &new.uploads), (&uploads, &vec![id]));
    store.apply(&changes);
    assert_eq!(store.run(&post), Err(Refusal::KeyKnown(new.message.id.clone())));
}

#[test]
fn a_forgotten_person_posts_nothing() {
    let mut store = Store::new();
    store.erased.insert(who(Side::Client));
    let refused = store.run(&post(1, Side::Client, text("hello")));
    assert_eq!(refused, Err(Refusal::UnknownConversation));
    store.run(&post(2, Side::Salon, text("hello"))).expect("the other side still posts");
}

#[test]
fn an_edit_to_the_same_is_no_change_and_one_of_both_is_one_event() {
    let mut store = Store::new();
    let mut edit = |subject, status| {
        store.run(&Command::Edit { by: who(Side::Salon), subject, status }).map(|changes| {
            let conversation = &store.head.conversation;
            (kinds(&changes).len(), conversation.updated_at, conversation.last_message_at)
        })
    };
    let (words, archived) =
        (Some(Some(subject("Tattoo"))), Some(StatusEdit::Set(Status::Archived)));
    assert_eq!(edit(Some(None), Some(StatusEdit::Set(Status::Active))), Ok((0, at(1), at(1))));
    assert_eq!(edit(words.clone(), archived), Ok((1, at(3), at(1))));
    assert_eq!(edit(words, archived), Ok((0, at(3), at(1))));
    assert_eq!(edit(Some(None), Some(StatusEdit::Toggle)), Ok((1, at(5), at(1))));
}

#[test]
fn a_deleted_conversation_has_nothing_left_but_its_log() {
    let mut store = Store::new();
    store.run(&post(1, Side::Salon, text("hello"))).expect("posted");
    let changes =
        store.run(&Command::DeleteConversation { by: who(Side::Client) }).expect("it is there");
    assert_eq!((kinds(&changes), &changes.deleted), (vec!["gone"], &Deleted::Everything));
    let Head { newest, message_count, unread, is_deleted, .. } = store.head;
    assert_eq!((newest, message_count, is_deleted), (PerSide::default(), 0, true));
    assert_eq!((unread, store.head.conversation.subject), (PerSide::default(), None));
}

#[test]
fn a_notice_keeps_an_archived_conversation_archived_and_is_not_mailed() {
    let mut store = Store::new();
    store.run(&set_status(Side::Salon, Status::Archived)).expect("archived");
    let changes = store.run(&notice(1, Status::Archived)).expect("posted");
    assert_eq!((kinds(&changes), &changes.mail_to), (vec!["posted"], &None));
    assert_eq!((store.head.conversation.status, store.head.unread.client), (Status::Archived, 1));
    let changes = store.run_watched(&notice(2, Status::Active)).expect("posted");
    assert_eq!(kinds(&changes), ["updated", "posted", "read"]);
}

#[test]
fn a_notice_replaces_a_generated_subject_only() {
    let replace = |id, old: &str, new: &str| {
        let (message, status) = (system(id, Notice::Cancelled), Status::Active);
        let subject = Some((subject(old), subject(new)));
        let handles = None;
        Command::PostNotice(PostNotice { message, status, subject, handles })
    };
    let mut store = Store::new();
    let by = who(Side::Salon);
    let edit = Command::Edit { by, subject: Some(Some(subject("Monday"))), status: None };
    store.run(&edit).expect("they take part");
    let changes = store.run(&replace(1, "Monday", "Tuesday")).expect("posted");
    assert_eq!(kinds(&changes), ["updated", "posted"]);
    let changes = store.run(&replace(2, "Monday", "Friday")).expect("posted");
    assert_eq!(kinds(&changes), ["posted"]);
    assert_eq!(store.head.conversation.subject, Some(subject("Tuesday")));
}

#[test]
fn archiving_for_age_is_never_unread_and_keeps_the_list_order() {
    let mut store = Store::new();
    store.run(&post(1, Side::Salon, text("hello"))).expect("posted");
    let listed_at = store.head.conversation.last_message_at;
    let changes = store.run(&archive_for_age(2)).expect("it is due");
    assert_eq!(kinds(&changes), ["updated", "posted"]);
    assert!(changes.message.expect("posted").message.is_read);
    assert_eq!((store.head.unread.client, store.head.unread.salon), (1, 0));
    assert_eq!(store.head.conversation.last_message_at, listed_at);
    assert_eq!(store.run(&archive_for_age(3)), Err(Refusal::NotDue));
}

#[test]
fn nothing_is_archived_or_purged_before_its_time_or_under_a_hold() {
    let mut store = Store::new();
    store.run(&post(1, Side::Salon, text("hello"))).expect("posted");
    assert_eq!(store.run(&purge()), Err(Refusal::NotDue), "it is active");
    let message = system(2, Notice::ArchivedForAge { days: 90 });
    let early = Command::ArchiveForAge { message, quiet_since: at(1) };
    assert_eq!(store.run(&early), Err(Refusal::NotDue));
    store.is_held = true;
    assert_eq!(store.run(&archive_for_age(2)), Err(Refusal::NotDue));
    store.run(&set_status(Side::Salon, Status::Archived)).expect("archived");
    assert_eq!(store.run(&purge()), Err(Refusal::NotDue), "it is held");
    store.is_held = false;
    let bounds = PurgeBounds { last_message_by: at(99), changed_by: at(2) };
    assert_eq!(
        store.run(&Command::Purge { bounds, messages_max: DELETED_MAX }),
        Err(Refusal::NotDue)
    );
    assert_eq!(kinds(&store.run(&purge()).expect("it is due")), ["deleted"]);
    assert_eq!(store.run(&purge()), Ok(Changes::default()), "nothing is left");
}

#[test]
fn an_erasure_deletes_what_the_person_wrote_and_archives_the_rest() {
    let mut store = Store::new();
    for (id, side) in [(1, Side::Client), (2, Side::Salon), (3, Side::Client), (4, Side::Client)] {
        store.run(&post(id, side, text("hello"))).expect("posted");
    }
    let erase = erase(who(Side::Client));
    assert_eq!(store.run(&erase), Err(Refusal::NotDue), "nobody asked for it");
    store.erased.insert(who(Side::Client));
    let changes = store.run(&erase).expect("it is due");
    assert_eq!(kinds(&changes), ["deleted", "deleted", "updated"]);
    assert!(changes.removes_names);
    assert_eq!(kinds(&store.run(&erase).expect("it is due")), ["deleted"]);
    assert_eq!(store.run(&erase).map(|changes| changes.events), Ok(vec![]));
    assert_eq!(store.head.unread, PerSide { salon: 0, client: 1 });
    assert_eq!(store.head.conversation.status, Status::Archived);
}

#[test]
fn an_event_of_a_booking_is_handled_once_and_in_the_state_it_was_decided_for() {
    let event = AppointmentEventId::parse("e2").expect("a good id");
    let newest = |id: &str| NewestHandled {
        event: AppointmentEventId::parse(id).expect("a good id"),
        occurred_at: at(1),
        cancelled: false,
    };
    let handles = Some(HandledEvent { event: event.clone(), newest_handled: Some(newest("e1")) });
    let message = system(1, Notice::Cancelled);
    let (status, subject) = (Status::Active, None);
    let notice = Command::PostNotice(PostNotice { message, status, subject, handles });
    let mut store = Store::new();
    let before = store.head.clone();
    let mut handle = |is_handled, newest_handled| {
        let booking = Booking { is_handled, newest_handled };
        let facts = Facts { booking, ..store.facts(&notice) };
        decide(&mut store.head, &notice, &facts, at(9))
    };
    assert_eq!(handle(true, Some(newest("e1"))), Err(Refusal::AlreadyHandled));
    assert_eq!(handle(false, Some(newest("e3"))), Err(Refusal::BookingChanged));
    assert_eq!(handle(false, None), Err(Refusal::BookingChanged));
    let changes = handle(false, Some(newest("e1"))).expect("it is due");
    assert_eq!(changes.handled, Some(event));
    assert_ne!(store.head, before);
}

/// Posts and marks of a batch: of which side, with which key, up to where.
fn batches() -> impl Strategy<Value = Vec<(Side, Step)>> {
    let key = prop::option::weighted(0.5, 0_u8..2);
    let step = prop_oneof![
        (key, any::<bool>(), any::<bool>()).prop_map(|(key, words, seen)| Step::Post {
            key,
            words,
            seen
        }),
        (0_i64..12).prop_map(|seq| Step::Read(up_to(seq))),
        Just(Step::Read(ReadTarget::Everything)),
    ];
    let side = any::<bool>().prop_map(|salon| if salon { Side::Salon } else { Side::Client });
    prop::collection::vec((side, step), 1..16)
}

proptest! {
    #[test]
    fn commands_of_a_batch_are_decided_as_if_each_were_alone(
        before in steps(), batch in batches(),
    ) {
        let mut store = Store::new();
        for (side, step) in before {
            if let Some(command) = store.command(side, &step) {
                store.run(&command).ok();
            }
        }
        // The facts of the whole batch are read before the first command is decided.
        let mut commands = vec![];
        for (number, (side, step)) in batch.iter().enumerate() {
            let mut command = store.command(*side, step).expect("a post or a mark");
            if let Command::Post(post) = &mut command {
                post.id = message_id(1_000 + i64::try_from(number).expect("few"));
            }
            commands.push((store.facts(&command), command));
        }
        let (mut head, mut earlier) = (store.head.clone(), vec![]);
        for (mut facts, command) in commands {
            for changes in &earlier {
                facts.include(&command, changes, &parties());
            }
            let in_batch = decide(&mut head, &command, &facts, at(store.now + 1));
            store.is_watched = facts.is_watched;
            prop_assert_eq!(&in_batch, &store.run(&command));
            prop_assert_eq!(&head, &store.head);
            earlier.extend(in_batch);
        }
    }
}
