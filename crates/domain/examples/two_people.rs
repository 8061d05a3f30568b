//! Another salon service that needs conversations only: its own store, clock, ids and fan-out, and
//! [`domain::Messaging`] for the rules. No bookings, mail, uploads, retention or jobs; the feature
//! `testing` is not used.
//!
//! `cargo run -p domain --example two_people`

use std::{
    collections::HashMap,
    error::Error,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use domain::{
    Messaging,
    conversation::{
        Conversation, ConversationView, LastMessage, Parties, Side, Status, UnreadConversation,
        commands::{ConversationChange, NewConversation, SendMessageError},
        event::{Event, EventKind, ReadReceipt},
        ledger::{
            Changes, Command, Deleted, Facts, Head, MessagePlace, NewlyRead, Open, PerSide,
            ReadTarget, Refusal, Remaining, decide,
        },
        message::{Draft, Message, MessageKind},
        queries::FindError,
        store::{
            Committed, ConversationLog, ConversationStore, History, LogPiece, LogStore,
            MessageStore, People, ReadingStore,
        },
    },
    ids::{ClientMessageId, ConversationId, MessageId, Seq, UserId},
    page::{ConversationCursor, MessageCursor, Page, Start, Window},
    participant::{Caller, Participant, Profile, Role},
    ports::{Clock, Fanout, Ids, MarkedMessage, PersonChange, StoreError},
    text::{Content, Subject},
    time::Timestamp,
};
use uuid::Uuid;

type Failure = Box<dyn Error>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let service = Service::start()?;
    let conversation = service.open().await?;
    service.send_and_read(&conversation).await?;
    service.resume(&conversation).await?;
    service.refuse_a_stranger(&conversation).await?;
    service.archive_and_delete(&conversation).await?;

    print("What another service has to implement, in methods:");
    let counted = methods_per_port();
    for (port, methods) in counted {
        print(&format!("  {methods:2}  {port}"));
    }
    let total: usize = counted.iter().map(|(_, methods)| methods).sum();
    print(&format!("  {total:2}  in all"));
    // The README names this number.
    assert_eq!(total, 13);
    Ok(())
}

#[test]
fn a_salon_and_a_client_talk_over_a_store_that_knows_conversations_alone() {
    main().expect("the two understand each other");
}

#[expect(clippy::print_stdout, reason = "an example shows what happens")]
fn print(line: &str) {
    println!("{line}");
}

/// The ports that [`Messaging`] asks of a store.
const PORTS: [&str; 6] =
    ["ConversationLog", "ConversationStore", "MessageStore", "ReadingStore", "LogStore", "People"];

/// Number of methods per port, counted in this file. No port has default methods, so the compiler
/// rejects a missing one.
fn methods_per_port() -> [(&'static str, usize); 6] {
    let source = include_str!("two_people.rs");
    PORTS.map(|port| {
        let start = format!("\nimpl {port} for SmallStore {{\n");
        let block = source.split_once(&start).and_then(|(_, rest)| rest.split_once("\n}\n"));
        (port, block.map_or(0, |(block, _)| block.matches("    async fn ").count()))
    })
}

// The scenario.

/// The service and its users.
struct Service {
    messaging: Messaging,
    store: Arc<SmallStore>,
    fanout: Arc<RecordingFanout>,
    salon: Caller,
    client: UserId,
}

impl Service {
    fn start() -> Result<Self, Failure> {
        let salon = Participant::new(
            UserId::parse("encre-noire")?,
            Role::SalonOwner,
            Profile { salon_name: Some("Encre Noire".to_owned()), ..Profile::default() },
        );
        let client = Participant::new(
            UserId::parse("lea")?,
            Role::Client,
            Profile { first_name: Some("Léa".to_owned()), ..Profile::default() },
        );
        let store = Arc::new(SmallStore::with_people([salon.clone(), client.clone()]));
        let fanout = Arc::new(RecordingFanout::default());
        let messaging = Messaging::new(
            store.clone(),
            fanout.clone(),
            Arc::new(SystemClock),
            Arc::new(RandomIds),
        );
        // What a verified token yields.
        let salon = Caller {
            user: salon.id,
            role: salon.role,
            issued_at: None,
            expires_at: None,
            profile: salon.profile,
        };
        Ok(Self { messaging, store, fanout, salon, client: client.id })
    }

    async fn open(&self) -> Result<ConversationId, Failure> {
        let new = NewConversation {
            client: self.client.clone(),
            appointment: None,
            subject: Some(Subject::open("Un dragon sur le bras")?),
            first_message: Some(Content::parse("Bienvenue chez Encre Noire !")?),
        };
        let opened = self.messaging.open_conversation(&self.salon, new).await?;
        assert_eq!(self.fanout.take(), ["ConversationOpened", "MessagePosted"]);

        let window = Window::first(20);
        let list = self.messaging.conversations(&self.client, None, &window).await?;
        let [shown] = &list.items[..] else { panic!("one conversation: {list:?}") };
        assert_eq!((list.total, shown.unread), (1, 1));
        print(&format!(
            "{} opened a conversation with {}; one message is unread.",
            shown.salon.display_name(),
            shown.client.display_name()
        ));
        Ok(opened.conversation.id)
    }

    async fn send_and_read(&self, conversation: &ConversationId) -> Result<(), Failure> {
        let Self { messaging, fanout, salon, client, .. } = self;
        let ask = || draft("Bonjour, samedi 14 h est possible ?", Some("lea-1"));
        let asked = messaging.send_message(conversation, client, ask()?).await?;
        // The connection broke before the response: the client retries with the same key.
        let again = messaging.send_message(conversation, client, ask()?).await?;
        assert!(again.replayed && again.message == asked.message);
        assert_eq!(fanout.take(), ["MessagePosted", "MessagePosted"]);

        assert_eq!(messaging.unread_total(&salon.user).await?, 1);
        let unread = messaging.unread_conversations(&salon.user).await?;
        assert_eq!(unread.len(), 1);
        print(&format!("The salon has unread: {}", unread[0].last_message.content.as_str()));
        let read = messaging.mark_message_read(&asked.message.id, &salon.user).await?;
        assert!(read.is_read);
        assert_eq!(fanout.take(), ["MessagesRead", "lea's message was read"]);
        assert_eq!(messaging.unread_total(&salon.user).await?, 0);

        let yes = draft("Oui, à samedi !", None)?;
        messaging.send_message(conversation, &salon.user, yes).await?;
        let everything = ReadTarget::Everything;
        let marked = messaging.mark_conversation_read(conversation, client, everything).await?;
        assert!(marked.changed);
        assert_eq!(fanout.take(), ["MessagePosted", "MessagesRead"]);

        let history = messaging.history(conversation, client, &Window::first(50)).await?;
        let words: Vec<&str> =
            history.page.items.iter().map(|message| message.content.as_str()).collect();
        let expected = [
            "Oui, à samedi !",
            "Bonjour, samedi 14 h est possible ?",
            "Bienvenue chez Encre Noire !",
        ];
        assert_eq!(words, expected);
        assert!(history.page.items.iter().all(|message| message.is_read));
        print("Both wrote, and both have read everything.");
        Ok(())
    }

    /// The client was offline since it saw its own question, and asks for what it missed.
    async fn resume(&self, conversation: &ConversationId) -> Result<(), Failure> {
        let history =
            self.messaging.history(conversation, &self.client, &Window::first(50)).await?;
        let seen = history.page.items[1].seq;
        let piece = self.messaging.events_after(conversation, &self.client, seen, 100).await?;
        let missed = piece.events().ok_or("the log reaches back that far")?;
        assert_eq!(names(&missed), ["MessagesRead", "MessagePosted", "MessagesRead"]);
        // Without a gap: each change has the next position.
        let positions: Vec<i64> = missed.iter().map(|event| event.seq.get()).collect();
        assert_eq!(positions, (seen.get() + 1..=history.last_seq.get()).collect::<Vec<_>>());
        print(&format!("The client missed {} changes after position {seen}.", missed.len()));

        let beyond = history.last_seq.next();
        let piece = self.messaging.events_after(conversation, &self.client, beyond, 100).await?;
        assert_eq!(piece, LogPiece::Trimmed, "nothing follows what never happened");
        let since = Timestamp::UNIX_EPOCH;
        let changes = self.messaging.changes_since(&self.client, since, 100).await?;
        assert_eq!(names(&changes), ["ConversationOpened"]);
        Ok(())
    }

    async fn refuse_a_stranger(&self, conversation: &ConversationId) -> Result<(), Failure> {
        let (messaging, stranger) = (&self.messaging, UserId::parse("zoe")?);
        let found = messaging.conversation(conversation, &stranger).await;
        assert!(matches!(found, Err(FindError::Unknown)));
        let history = messaging.history(conversation, &stranger, &Window::first(50)).await;
        assert!(matches!(history, Err(FindError::Unknown)));
        let missed = messaging.events_after(conversation, &stranger, Seq::ZERO, 100).await;
        assert!(matches!(missed, Err(FindError::Unknown)));
        let sent = messaging.send_message(conversation, &stranger, draft("Bonjour", None)?).await;
        assert!(matches!(sent, Err(SendMessageError::UnknownConversation)));
        let list = messaging.conversations(&stranger, None, &Window::first(20)).await?;
        assert_eq!((list.total, messaging.unread_total(&stranger).await?), (0, 0));
        assert_eq!(messaging.changes_since(&stranger, Timestamp::UNIX_EPOCH, 100).await?, []);
        assert_eq!(self.fanout.take(), [""; 0]);
        print("For a stranger there is no such conversation.");
        Ok(())
    }

    async fn archive_and_delete(&self, conversation: &ConversationId) -> Result<(), Failure> {
        let Self { messaging, fanout, salon, client, .. } = self;
        let archive =
            ConversationChange { status: Some(Status::Archived), ..ConversationChange::default() };
        messaging.change_conversation(conversation, &salon.user, archive).await?;
        let late = messaging.send_message(conversation, client, draft("Merci !", None)?).await?;
        assert_eq!(
            fanout.take(),
            ["ConversationUpdated", "ConversationUpdated", "MessagePosted"],
            "a message brings an archived conversation back"
        );
        messaging.delete_message(&late.message.id, client).await?;
        messaging.delete_conversation(conversation, &salon.user).await?;
        assert_eq!(fanout.take(), ["MessageDeleted", "ConversationDeleted"]);
        let gone = messaging.conversation(conversation, client).await;
        assert!(matches!(gone, Err(FindError::Unknown)));

        // The log tells clients that were offline about the deletion, and contains no text any
        // more.
        let piece = messaging.events_after(conversation, client, Seq::ZERO, 100).await?;
        let published = piece.events().ok_or("the log stays")?;
        assert_eq!(names(&published).last(), Some(&"ConversationDeleted"));
        assert!(!names(&published).contains(&"MessagePosted"));
        self.store.ping().await?;
        print("The salon deleted the conversation; its log says so and holds no text.");
        Ok(())
    }
}

fn draft(words: &str, key: Option<&str>) -> Result<Draft, Failure> {
    let key = key.map(ClientMessageId::parse).transpose()?;
    Ok(Draft::new(MessageKind::Text, Content::parse(words)?, vec![], key)?)
}

fn names(events: &[Event]) -> Vec<&'static str> {
    events.iter().map(name).collect()
}

fn name(event: &Event) -> &'static str {
    match event.kind {
        EventKind::ConversationOpened { .. } => "ConversationOpened",
        EventKind::ConversationUpdated { .. } => "ConversationUpdated",
        EventKind::ConversationDeleted => "ConversationDeleted",
        EventKind::MessagePosted(_) => "MessagePosted",
        EventKind::MessageWithdrawn(_) => "MessageWithdrawn",
        EventKind::MessageDeleted(_) => "MessageDeleted",
        EventKind::MessagesRead(_) => "MessagesRead",
    }
}

// Clock, ids and fan-out.

struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    fn now(&self) -> Timestamp {
        jiff::Timestamp::now().into()
    }
}

struct RandomIds;

impl Ids for RandomIds {
    #[expect(clippy::disallowed_methods, reason = "this is where ids come from")]
    fn next(&self) -> Uuid {
        Uuid::now_v7()
    }
}

/// Records what a real service would push to the sessions of the two participants.
#[derive(Default)]
struct RecordingFanout {
    published: Mutex<Vec<String>>,
}

impl RecordingFanout {
    /// Returns what was published since the last call, in order.
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.published))
    }
}

impl Fanout for RecordingFanout {
    fn publish(&self, events: &[Event]) {
        lock(&self.published).extend(events.iter().map(|event| name(event).to_owned()));
    }

    fn message_read(&self, marked: &MarkedMessage) {
        lock(&self.published).push(format!("{}'s message was read", marked.author));
    }

    fn person_changed(&self, user: &UserId, _: PersonChange) {
        lock(&self.published).push(format!("{user}'s profile changed"));
    }

    /// No sessions here, so no message is read on arrival.
    fn is_watching(&self, _: &ConversationId, _: &UserId) -> bool {
        false
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

// The store.

/// Participants known from the start, and their conversations, in memory. Each method holds the
/// lock throughout, so each change is atomic.
struct SmallStore {
    people: HashMap<UserId, Participant>,
    threads: Mutex<Threads>,
}

type Threads = HashMap<ConversationId, Thread>;

impl SmallStore {
    fn with_people(people: impl IntoIterator<Item = Participant>) -> Self {
        let people = people.into_iter().map(|person| (person.id.clone(), person)).collect();
        Self { people, threads: Mutex::default() }
    }

    fn threads(&self) -> MutexGuard<'_, Threads> {
        lock(&self.threads)
    }
}

/// A conversation with its messages and its log, both ordered by position.
struct Thread {
    head: Head,
    salon: Participant,
    client: Participant,
    messages: Vec<Message>,
    /// Idempotency keys of each author, also of deleted messages.
    keys: HashMap<(UserId, ClientMessageId), MessageId>,
    /// For a deleted message only its id is left.
    log: Vec<Event>,
}

// Writing: [`decide`] knows the rules; the store brings the facts and applies the changes.

#[async_trait]
impl ConversationLog for SmallStore {
    async fn commit(
        &self,
        id: &ConversationId,
        command: Command,
        at: Timestamp,
        fanout: Arc<dyn Fanout>,
    ) -> Result<Result<Committed, Refusal>, StoreError> {
        let mut threads = self.threads();
        let mut unopened = match &command {
            Command::Open(open) if !threads.contains_key(id) => self.unopened(id, open),
            _ => None,
        };
        let Some(thread) = unopened.as_ref().or_else(|| threads.get(id)) else {
            return Ok(Err(Refusal::UnknownConversation));
        };
        let reader = command.reader_on_arrival(&thread.head.conversation.parties);
        let is_watched = reader.is_some_and(|reader| fanout.is_watching(id, reader));
        let facts = Facts { is_watched, ..thread.facts(&command, &threads) };
        let Some(thread) = unopened.as_mut().or_else(|| threads.get_mut(id)) else {
            return Ok(Err(Refusal::UnknownConversation));
        };
        let changes = match decide(&mut thread.head, &command, &facts, at) {
            Ok(changes) => changes,
            Err(refusal) => return Ok(Err(refusal)),
        };
        thread.apply(&changes);
        let (parties, unread) = (thread.head.conversation.parties.clone(), thread.head.unread);
        threads.extend(unopened.map(|thread| (id.clone(), thread)));
        // Under the lock, so that the order is that of the commits.
        fanout.publish(&changes.events);
        Ok(Ok(Committed { parties, unread, changes, files: 0 }))
    }
}

impl SmallStore {
    /// `None` when a participant is not known.
    fn unopened(&self, id: &ConversationId, open: &Open) -> Option<Thread> {
        let (parties, appointment) = (open.parties.clone(), open.appointment.clone());
        Some(Thread {
            salon: self.people.get(&parties.salon)?.clone(),
            client: self.people.get(&parties.client)?.clone(),
            head: Head::unopened(id.clone(), parties, appointment),
            messages: vec![],
            keys: HashMap::new(),
            log: vec![],
        })
    }
}

impl Thread {
    /// What a command needs to know. Without bookings, uploads, retention and erasure that is little;
    /// their commands never come.
    fn facts(&self, command: &Command, threads: &Threads) -> Facts {
        let people = vec![self.salon.clone(), self.client.clone()];
        let facts = Facts { people, ..Facts::default() };
        match command {
            Command::Open(open) => {
                let is_same_booking = |thread: &&Thread| {
                    let known = &thread.head.conversation;
                    !thread.head.is_deleted
                        && known.parties.salon == open.parties.salon
                        && known.appointment.is_some()
                        && known.appointment == open.appointment
                };
                let known = threads.values().find(is_same_booking);
                let conversation_of_booking = known.map(|it| it.head.conversation.id.clone());
                Facts { conversation_of_booking, ..facts }
            }
            Command::Post(post) => {
                let is_author = |person: &&Participant| person.id == post.author;
                let author = facts.people.iter().find(is_author);
                let key = post.draft.key().map(|key| (post.author.clone(), key.clone()));
                Facts {
                    is_erased: author.is_some_and(|author| author.is_forgotten),
                    keyed: key.and_then(|key| self.keys.get(&key).cloned()),
                    ..facts
                }
            }
            Command::MarkRead { reader, target: ReadTarget::UpTo(seq) } => {
                let is_beyond = |message: &&Message| {
                    message.author.id != *reader && !message.is_read && message.seq > *seq
                };
                let unread_beyond = self.messages.iter().filter(is_beyond).count() as u64;
                Facts { unread_beyond, ..facts }
            }
            Command::DeleteMessage { message, .. } => self.without(message, facts),
            _ => facts,
        }
    }

    /// The facts with the message to be deleted, and what remains without it.
    fn without(&self, id: &MessageId, facts: Facts) -> Facts {
        let author = |message: &Message| self.head.conversation.parties.side_of(&message.author.id);
        let place = |message: &Message| MessagePlace {
            id: message.id.clone(),
            author: author(message),
            seq: message.seq,
        };
        let (deleted, kept): (Vec<_>, Vec<_>) =
            self.messages.iter().partition(|message| message.id == *id);
        let newest = |side| {
            let own = kept.iter().rev().find(|message| author(message) == Some(side));
            own.map_or(Seq::ZERO, |message| message.seq)
        };
        let remaining = Remaining {
            newest: PerSide { salon: newest(Side::Salon), client: newest(Side::Client) },
            newest_at: kept.last().map(|message| message.created_at),
        };
        Facts { messages: deleted.into_iter().map(place).collect(), remaining, ..facts }
    }

    fn apply(&mut self, changes: &Changes) {
        self.log.extend_from_slice(&changes.events);
        if let Some(new) = &changes.message {
            let author = new.message.author.id.clone();
            let key = new.key.clone().map(|key| (author, key));
            self.keys.extend(key.map(|key| (key, new.message.id.clone())));
            self.messages.push(Message::clone(&new.message));
        }
        if let Some(NewlyRead { author, after, up_to, at }) = changes.read {
            let author = self.head.conversation.parties.on(author);
            for message in &mut self.messages {
                if message.author.id == *author && message.seq > after && message.seq <= up_to {
                    (message.is_read, message.read_at) = (true, Some(at));
                }
            }
        }
        match &changes.deleted {
            Deleted::Nothing => return,
            Deleted::Messages(ids) => self.messages.retain(|message| !ids.contains(&message.id)),
            Deleted::Everything => self.messages.clear(),
        }
        self.redact();
    }

    /// Removes the text of deleted messages from the log.
    fn redact(&mut self) {
        for event in &mut self.log {
            if let EventKind::MessagePosted(posted) = &event.kind
                && self.messages.iter().all(|message| message.id != posted.id)
            {
                event.kind = EventKind::MessageWithdrawn(posted.id.clone());
            }
        }
    }
}

// Reading.

/// The conversation `id`, unless it was deleted or `user` is no participant.
fn find<'a>(
    threads: &'a mut Threads,
    id: &ConversationId,
    user: &UserId,
) -> Option<(&'a mut Thread, Side)> {
    let thread = threads.get_mut(id).filter(|thread| !thread.head.is_deleted)?;
    let side = thread.conversation().parties.side_of(user)?;
    Some((thread, side))
}

/// The conversations of `user` that were not deleted, newest message first.
fn newest_first<'a>(threads: &'a Threads, user: &UserId) -> Vec<(&'a Thread, Side)> {
    let own = threads.values().filter(|thread| !thread.head.is_deleted);
    let mut own: Vec<_> = own
        .filter_map(|thread| Some((thread, thread.conversation().parties.side_of(user)?)))
        .collect();
    own.sort_by(|(a, _), (b, _)| b.sort_key().cmp(&a.sort_key()));
    own
}

impl Thread {
    /// Sort key of lists.
    fn sort_key(&self) -> (Timestamp, &ConversationId) {
        (self.conversation().last_message_at, &self.conversation().id)
    }

    fn conversation(&self) -> &Conversation {
        &self.head.conversation
    }

    /// Events after a position, with current content.
    fn events_after(&self, after: Seq) -> Vec<Event> {
        let later = self.log.iter().filter(|event| event.seq > after);
        later.map(|event| Event { kind: self.current_kind(&event.kind), ..event.clone() }).collect()
    }

    fn current_kind(&self, kind: &EventKind) -> EventKind {
        let (subject, status) = (self.conversation().subject.clone(), self.conversation().status);
        match kind {
            EventKind::ConversationOpened { .. } => {
                EventKind::ConversationOpened { subject, status }
            }
            EventKind::ConversationUpdated { .. } => {
                EventKind::ConversationUpdated { subject, status }
            }
            EventKind::MessagePosted(posted) => {
                let current = self.messages.iter().find(|message| message.id == posted.id);
                let current = current.cloned().map_or_else(|| posted.clone(), Arc::new);
                EventKind::MessagePosted(current)
            }
            EventKind::MessagesRead(receipt) => {
                let side = self.conversation().parties.side_of(&receipt.reader);
                let unread = side.map_or(0, |side| self.head.unread.of(side));
                EventKind::MessagesRead(ReadReceipt { unread, ..receipt.clone() })
            }
            other => other.clone(),
        }
    }

    fn view(&self, side: Side) -> ConversationView {
        ConversationView {
            conversation: self.conversation().clone(),
            salon: self.salon.clone(),
            client: self.client.clone(),
            last_message: self.messages.last().map(last_message),
            unread: self.head.unread.of(side),
        }
    }

    /// `None` when `side` has nothing unread.
    fn unread_view(&self, side: Side) -> Option<UnreadConversation> {
        let author = self.conversation().parties.on(side.other());
        let newest = self.messages.iter().rev().find(|message| message.author.id == *author)?;
        let view = UnreadConversation {
            id: self.conversation().id.clone(),
            subject: self.conversation().subject.clone(),
            salon: self.salon.clone(),
            client: self.client.clone(),
            last_message: last_message(newest),
            unread: self.head.unread.of(side),
            last_message_at: self.conversation().last_message_at,
        };
        Some(view).filter(|view| view.unread > 0)
    }
}

fn last_message(message: &Message) -> LastMessage {
    LastMessage {
        id: message.id.clone(),
        content: message.content.clone(),
        author: message.author.id.clone(),
        kind: message.kind,
        created_at: message.created_at,
    }
}

/// The page `window` of `list`. `is_after`: whether an item comes after a cursor.
fn paginate<T, C>(
    list: Vec<T>,
    window: &Window<C>,
    is_after: impl Fn(&T, &C) -> bool,
    cursor: impl Fn(&T) -> C,
) -> Page<T, C> {
    let total = list.len() as u64;
    let skipped = usize::try_from(window.offset()).unwrap_or(usize::MAX);
    let is_in_window = |item: &T| match &window.start {
        Start::Number(_) => true,
        Start::After(cursor) => is_after(item, cursor),
    };
    let one_more = window.size.get() as usize + 1;
    let items = list.into_iter().filter(is_in_window).skip(skipped).take(one_more).collect();
    Page::from_lookahead(items, window.size, total, cursor)
}

#[async_trait]
impl ConversationStore for SmallStore {
    async fn parties(
        &self,
        id: &ConversationId,
        viewer: &UserId,
    ) -> Result<Option<Parties>, StoreError> {
        let threads = self.threads();
        let thread = threads.get(id).filter(|thread| !thread.head.is_deleted);
        let parties = thread.map(|thread| thread.conversation().parties.clone());
        Ok(parties.filter(|parties| parties.side_of(viewer).is_some()))
    }

    async fn conversation(
        &self,
        id: &ConversationId,
        viewer: &UserId,
    ) -> Result<Option<ConversationView>, StoreError> {
        Ok(find(&mut self.threads(), id, viewer).map(|(thread, side)| thread.view(side)))
    }

    async fn conversations(
        &self,
        viewer: &UserId,
        status: Option<Status>,
        window: &Window<ConversationCursor>,
    ) -> Result<Page<ConversationView, ConversationCursor>, StoreError> {
        let threads = self.threads();
        let mut list = newest_first(&threads, viewer);
        list.retain(|(thread, _)| {
            status.is_none_or(|status| thread.conversation().status == status)
        });
        let list = list.into_iter().map(|(thread, side)| thread.view(side)).collect();
        let cursor = |view: &ConversationView| ConversationCursor {
            last_message_at: view.conversation.last_message_at,
            id: view.conversation.id.clone(),
        };
        let is_after = |view: &ConversationView, cursor: &ConversationCursor| {
            (view.conversation.last_message_at, &view.conversation.id)
                < (cursor.last_message_at, &cursor.id)
        };
        Ok(paginate(list, window, is_after, cursor))
    }

    async fn unread_conversations(
        &self,
        viewer: &UserId,
        limit: u32,
    ) -> Result<Vec<UnreadConversation>, StoreError> {
        let threads = self.threads();
        let own = newest_first(&threads, viewer).into_iter();
        let active = own.filter(|(thread, _)| thread.conversation().status == Status::Active);
        let unread = active.filter_map(|(thread, side)| thread.unread_view(side));
        Ok(unread.take(limit as usize).collect())
    }
}

/// Files: this service has no uploads, so a draft that names one is refused. A file at the upload
/// service is stored as described; a service that wants it removed with its message does that when it
/// [commits](ConversationLog::commit).
#[async_trait]
impl MessageStore for SmallStore {
    async fn history(
        &self,
        conversation: &ConversationId,
        viewer: &UserId,
        window: &Window<MessageCursor>,
    ) -> Result<Option<History>, StoreError> {
        let mut threads = self.threads();
        let Some((thread, _)) = find(&mut threads, conversation, viewer) else { return Ok(None) };
        let list = thread.messages.iter().rev().cloned().collect();
        let is_after = |message: &Message, cursor: &MessageCursor| message.seq < cursor.0;
        Ok(Some(History {
            parties: thread.conversation().parties.clone(),
            last_seq: thread.conversation().last_seq,
            page: paginate(list, window, is_after, |message| MessageCursor(message.seq)),
        }))
    }

    async fn message(
        &self,
        id: &MessageId,
        viewer: &UserId,
    ) -> Result<Option<Message>, StoreError> {
        let threads = self.threads();
        let own = newest_first(&threads, viewer);
        let mut messages = own.iter().flat_map(|(thread, _)| &thread.messages);
        Ok(messages.find(|message| message.id == *id).cloned())
    }
}

#[async_trait]
impl ReadingStore for SmallStore {
    async fn unread_total(&self, reader: &UserId) -> Result<u64, StoreError> {
        let threads = self.threads();
        Ok(newest_first(&threads, reader)
            .iter()
            .map(|(thread, side)| thread.head.unread.of(*side))
            .sum())
    }
}

#[async_trait]
impl LogStore for SmallStore {
    async fn events_after(
        &self,
        conversation: &ConversationId,
        viewer: &UserId,
        after: Seq,
        limit: u32,
    ) -> Result<Option<LogPiece>, StoreError> {
        let threads = self.threads();
        // A deleted conversation keeps its log.
        let thread = threads.get(conversation);
        let Some(thread) = thread.filter(|it| it.conversation().parties.side_of(viewer).is_some())
        else {
            return Ok(None);
        };
        if after > thread.conversation().last_seq {
            return Ok(Some(LogPiece::Trimmed));
        }
        let mut events = thread.events_after(after);
        events.truncate(limit as usize);
        Ok(Some(LogPiece::Events(events)))
    }

    async fn changes_since(
        &self,
        viewer: &UserId,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError> {
        let threads = self.threads();
        let own = threads.values().filter(|it| it.conversation().parties.side_of(viewer).is_some());
        let is_in_window = |event: &Event| {
            event.at >= since
                && matches!(
                    event.kind,
                    EventKind::ConversationOpened { .. }
                        | EventKind::ConversationUpdated { .. }
                        | EventKind::ConversationDeleted
                )
        };
        let events = own.flat_map(|thread| thread.events_after(Seq::ZERO));
        let mut changes: Vec<Event> = events.filter(is_in_window).collect();
        changes.sort_by(|a, b| (a.at, &a.conversation, a.seq).cmp(&(b.at, &b.conversation, b.seq)));
        changes.truncate(limit as usize);
        Ok(changes)
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

#[async_trait]
impl People for SmallStore {
    async fn person(&self, id: &UserId) -> Result<Option<Participant>, StoreError> {
        Ok(self.people.get(id).cloned())
    }

    async fn is_forgotten(&self, id: &UserId) -> Result<bool, StoreError> {
        Ok(self.people.get(id).is_some_and(|person| person.is_forgotten))
    }
}
