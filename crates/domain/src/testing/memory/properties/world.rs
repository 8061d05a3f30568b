use futures_util::FutureExt;
use proptest::sample::Index;

use crate::{
    conversation::{
        ConversationView, Parties, Side,
        event::Event,
        ledger::{ReadTarget, StatusEdit},
        message::Message,
        store::{ConversationStore, LogStore, MessageStore, ReadingStore},
    },
    ids::{ConversationId, Seq},
    page::Window,
    participant::store::ParticipantStore,
    ports::{Clock, Ids, StoreError},
    testing::{
        MemoryStore,
        commands::{
            Commands, EditConversation, MarkRead, OpenConversation, PostMessage, PostOutcome,
        },
        fixture::{CountingIds, FixedClock, client, keyed, salon, text, user},
    },
    text::Subject,
};

/// A step of a person.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Posts a message, with a key or not, read on arrival or not.
    StoredMessage {
        key: Option<u8>,
        seen: bool,
    },
    /// Deletes an own message, if there is one.
    Delete(Index),
    ReadUpTo(i64),
    ReadEverything,
    /// Sets one of a few subjects; 0 removes it.
    SetSubject(u8),
    Toggle,
}

/// One conversation between two people.
pub(super) struct Model {
    store: MemoryStore,
    clock: FixedClock,
    ids: CountingIds,
    id: ConversationId,
    parties: Parties,
}

/// Polls a future that is ready at once and expects success.
fn now<T>(answer: impl Future<Output = Result<T, StoreError>>) -> T {
    answer.now_or_never().expect("a store in memory never waits").expect("it works")
}

impl Model {
    pub(super) fn new() -> Self {
        let (store, clock, ids) = (MemoryStore::new(), FixedClock::ticking(), CountingIds::new());
        now(store.upsert_participant(&salon("s1"), clock.now()));
        now(store.upsert_participant(&client("c1"), clock.now()));
        let parties = Parties { salon: user("s1"), client: user("c1") };
        let id = ConversationId::from(ids.next());
        now(store.open_conversation(&OpenConversation {
            id: id.clone(),
            parties: parties.clone(),
            appointment: None,
            subject: None,
            opening: None,
            at: clock.now(),
        }));
        Self { store, clock, ids, id, parties }
    }

    /// Performs a step of the person on `side`. Returns the events.
    pub(super) fn apply(&self, side: Side, step: &Step) -> Vec<Event> {
        match step {
            Step::StoredMessage { key, seen } => self.post(side, *key, *seen),
            Step::Delete(which) => self.delete(side, *which).into_iter().collect(),
            Step::ReadUpTo(seq) => {
                self.read(side, ReadTarget::UpTo(Seq::new(*seq).expect("not negative")))
            }
            Step::ReadEverything => self.read(side, ReadTarget::Everything),
            Step::SetSubject(0) => self.edit(side, Some(None), None),
            Step::SetSubject(which) => {
                let subject = Subject::open(&format!("Sujet {which}")).expect("it fits");
                self.edit(side, Some(Some(subject)), None)
            }
            Step::Toggle => self.edit(side, None, Some(StatusEdit::Toggle)),
        }
    }

    fn post(&self, side: Side, key: Option<u8>, seen: bool) -> Vec<Event> {
        let outcome = now(self.store.post_message(&PostMessage {
            id: self.ids.next().into(),
            conversation: self.id.clone(),
            author: self.parties.on(side).clone(),
            draft: key.map_or_else(|| text("hello"), |key| keyed("hello", &format!("k{key}"))),
            attachments: vec![],
            read_on_arrival: seen,
            at: self.clock.now(),
        }));
        match outcome {
            PostOutcome::Posted(posted) => posted.events,
            _ => vec![],
        }
    }

    fn delete(&self, side: Side, which: Index) -> Option<Event> {
        let own: Vec<_> =
            self.history().into_iter().filter(|message| self.author(message) == side).collect();
        if own.is_empty() {
            return None;
        }
        let message = which.get(&own);
        now(self.store.delete_message(&message.id, self.parties.on(side), self.clock.now()))
    }

    fn read(&self, side: Side, target: ReadTarget) -> Vec<Event> {
        let marked = now(self.store.mark_read(&MarkRead {
            conversation: self.id.clone(),
            reader: self.parties.on(side).clone(),
            target,
            at: self.clock.now(),
        }));
        marked.and_then(|marked| marked.event).into_iter().collect()
    }

    #[expect(clippy::option_option, reason = "that is how the port says it")]
    fn edit(
        &self,
        side: Side,
        subject: Option<Option<Subject>>,
        status: Option<StatusEdit>,
    ) -> Vec<Event> {
        let events = now(self.store.edit_conversation(&EditConversation {
            conversation: self.id.clone(),
            by: self.parties.on(side).clone(),
            subject,
            status,
            at: self.clock.now(),
        }));
        events.expect("both take part")
    }

    pub(super) fn author(&self, message: &Message) -> Side {
        self.parties.side_of(&message.author.id).expect("only participants write")
    }

    pub(super) fn view(&self, side: Side) -> ConversationView {
        let view = now(self.store.conversation(&self.id, self.parties.on(side)));
        view.expect("both take part")
    }

    pub(super) fn history(&self) -> Vec<Message> {
        let history = now(self.store.history(&self.id, &self.parties.salon, &Window::first(100)));
        history.expect("the salon takes part").page.items
    }

    pub(super) fn unread_total(&self, side: Side) -> u64 {
        now(self.store.unread_total(self.parties.on(side)))
    }

    pub(super) fn log(&self) -> Vec<Event> {
        let log = self.store.events_after(&self.id, &self.parties.client, Seq::ZERO, 1_000);
        let log = now(log).expect("the client takes part");
        log.events().expect("nothing is forgotten")
    }
}
