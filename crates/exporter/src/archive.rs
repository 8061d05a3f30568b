//! Everything that a person may see, in order, a page at a time.

use std::collections::HashSet;

use async_trait::async_trait;
use domain::{
    conversation::{
        ConversationView,
        attachment::{Attachment, StorageLocation},
        message::Message,
        store::ConversationStore,
    },
    ids::{AttachmentId, ConversationId, Seq},
    jobs::JobFailure,
    page::{MessageCursor, PAGE_SIZE_MAX, PageSize, Start, Window},
    ports::{Chunks, Files, Interrupted},
    privacy::export::Export,
    store::Store,
};
use tokio::sync::mpsc;

use crate::{page::Person, zip::Zip};

fn after<C>(cursor: C) -> Window<C> {
    Window { start: Start::After(cursor), size: PageSize::clamped(PAGE_SIZE_MAX.into()) }
}

/// The person's conversations, by and large those with the newest messages first. All parts of an
/// archive go by one such list, so that they hold the same.
///
/// A conversation in which something is said moves to the head of the list that is walked here. One
/// that did so before it was reached is found by the next walk: the last one finds nothing new.
pub(crate) async fn conversations(
    store: &dyn ConversationStore,
    export: &Export,
) -> Result<Vec<ConversationId>, JobFailure> {
    let (mut ids, mut known) = (vec![], HashSet::new());
    loop {
        let before = ids.len();
        let mut window = Window::first(PAGE_SIZE_MAX.into());
        loop {
            let page = store.conversations(&export.person, None, &window).await?;
            for view in page.items {
                let (id, opened_at) = (view.conversation.id, view.conversation.created_at);
                if opened_at <= export.requested_at && known.insert(id.clone()) {
                    ids.push(id);
                }
            }
            let Some(next) = page.next else { break };
            window = after(next);
        }
        if ids.len() == before {
            return Ok(ids);
        }
    }
}

/// The messages of a conversation, oldest first, until the moment the archive was asked for.
pub(crate) struct Messages<'s> {
    store: &'s dyn Store,
    export: &'s Export,
    here: &'s ConversationView,
    done: i64,
}

impl<'s> Messages<'s> {
    pub(crate) fn of(store: &'s dyn Store, export: &'s Export, here: &'s ConversationView) -> Self {
        Self { store, export, here, done: 0 }
    }

    /// The next few; `None` at the end. There may be none among as many positions.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Message>>, JobFailure> {
        if self.done >= self.here.conversation.last_seq.get() {
            return Ok(None);
        }
        // As many positions as a page has room for, so all of their messages are on it.
        let (before, until) = (self.done, self.done + i64::from(PAGE_SIZE_MAX));
        self.done = until;
        let Some(behind) = Seq::new(until + 1) else { return Ok(None) };
        let window = after(MessageCursor(behind));
        let (id, person) = (&self.here.conversation.id, &self.export.person);
        let Some(history) = self.store.history(id, person, &window).await? else {
            return Ok(None);
        };
        let mut messages = history.page.items;
        messages.retain(|message| {
            message.seq.get() > before && message.created_at <= self.export.requested_at
        });
        messages.reverse();
        Ok(Some(messages))
    }
}

// A channel from the writer of the archive to file storage.

/// How many pieces are on their way at once.
const PIECES_MAX: usize = 4;

/// Where bytes go in. Cheap to clone; clones are the same.
#[derive(Clone)]
pub(crate) struct Sink(mpsc::Sender<Result<Vec<u8>, Interrupted>>);

/// Where they come out; at the end, when every sink is gone.
pub(crate) struct Source(mpsc::Receiver<Result<Vec<u8>, Interrupted>>);

pub(crate) fn open() -> (Sink, Source) {
    let (sender, receiver) = mpsc::channel(PIECES_MAX);
    (Sink(sender), Source(receiver))
}

impl Sink {
    /// Sends a piece, when there is room for it.
    pub(crate) async fn send(&self, piece: Vec<u8>) -> Result<(), JobFailure> {
        if piece.is_empty() {
            return Ok(());
        }
        self.0.send(Ok(piece)).await.map_err(|_| JobFailure::retry("files_failed"))
    }

    /// Tells the receiver that the rest does not come.
    pub(crate) async fn interrupt(&self) {
        let _nobody_listens = self.0.send(Err(Interrupted)).await;
    }
}

#[async_trait]
impl Chunks for Source {
    async fn next(&mut self) -> Result<Option<Vec<u8>>, Interrupted> {
        self.0.recv().await.transpose()
    }
}

// What an archive is made of.

/// Whom and what an archive is about: the same for all of its parts.
pub(crate) struct Contents<'s> {
    pub(crate) store: &'s dyn Store,
    pub(crate) export: &'s Export,
    pub(crate) person: Person,
    pub(crate) conversations: Vec<ConversationId>,
    /// Pictures that are not where they should be.
    pub(crate) missing: HashSet<AttachmentId>,
}

impl<'s> Contents<'s> {
    pub(crate) async fn gather(
        store: &'s dyn Store,
        export: &'s Export,
    ) -> Result<Self, JobFailure> {
        let person = Person::look_up(store, export).await?;
        let conversations = conversations(store, export).await?;
        Ok(Self { store, export, person, conversations, missing: HashSet::new() })
    }

    /// One of the conversations; `None` when it has been deleted since.
    pub(crate) async fn conversation(
        &self,
        id: &ConversationId,
    ) -> Result<Option<ConversationView>, JobFailure> {
        Ok(self.store.conversation(id, &self.export.person).await?)
    }

    pub(crate) fn is_missing(&self, attachment: &Attachment) -> bool {
        self.missing.contains(&attachment.id)
    }
}

// `files/`: the pictures that we keep. Those with the upload service are links in the other two.

/// The path of a stored image in the archive. Its own name is user input and stands elsewhere.
pub(crate) fn path_of(attachment: &Attachment) -> String {
    let kind = attachment.file.media_type().as_str();
    let kind = kind.rsplit('/').next().unwrap_or("bin");
    format!("files/{}.{kind}", attachment.id)
}

/// Copies them, and returns those that are not where they should be.
pub(crate) async fn write(
    contents: &Contents<'_>,
    files: &dyn Files,
    zip: &mut Zip,
) -> Result<HashSet<AttachmentId>, JobFailure> {
    let mut missing = HashSet::new();
    for id in &contents.conversations {
        let Some(here) = contents.conversation(id).await? else { continue };
        let mut messages = Messages::of(contents.store, contents.export, &here);
        while let Some(some) = messages.next().await? {
            for attachment in some.iter().flat_map(|message| &message.attachments) {
                if !copy(files, attachment, zip).await? {
                    missing.insert(attachment.id.clone());
                }
            }
        }
    }
    Ok(missing)
}

/// `false`: it should be there and is not.
async fn copy(
    files: &dyn Files,
    attachment: &Attachment,
    zip: &mut Zip,
) -> Result<bool, JobFailure> {
    let StorageLocation::Stored(kept) = attachment.file.location() else { return Ok(true) };
    let Some(mut bytes) = files.read(&kept.keys.full).await? else { return Ok(false) };
    zip.begin(&path_of(attachment), Some(bytes.size_bytes)).await?;
    let broken = |_| JobFailure::retry("files_failed");
    while let Some(piece) = bytes.chunks.next().await.map_err(broken)? {
        zip.write(&piece).await?;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::{collections::VecDeque, sync::Arc};

    use domain::{
        conversation::attachment::ObjectKey,
        page::{ConversationCursor, Page},
        ports::Clock as _,
        testing::{
            MemoryStore, MockConversationStore,
            fixture::{Service, user},
        },
    };

    use super::*;

    type Pages = VecDeque<Page<ConversationView, ConversationCursor>>;

    /// A store that shows these pages, one after the other.
    fn showing(mut pages: Pages) -> MockConversationStore {
        let mut store = MockConversationStore::new();
        store
            .expect_conversations()
            .times(pages.len())
            .returning(move |_, _, _| Ok(pages.pop_front().expect("as many as were promised")));
        store
    }

    #[tokio::test]
    async fn a_conversation_that_moves_while_it_is_looked_for_is_found_once() {
        let service = Service::over(Arc::new(MemoryStore::new()));
        for client in ["c1", "c2", "c3"] {
            service.open("s1", client).await;
        }
        let export = Export {
            person: user("s1"),
            key: ObjectKey::parse("the/archive").expect("good"),
            requested_at: service.clock.now(),
            ready: None,
        };
        let window = Window::first(PAGE_SIZE_MAX.into());
        let all = service.store.conversations(&user("s1"), None, &window).await;
        let [a, b, c] = all.expect("it works").items.try_into().expect("three");
        let page = |items: &[&ConversationView], is_last: bool| Page {
            items: items.iter().copied().cloned().collect(),
            total: 3,
            next: (!is_last).then(|| ConversationCursor {
                last_message_at: export.requested_at,
                id: b.conversation.id.clone(),
            }),
        };
        let pages = [
            // Something is said in the last one between the first page and the second.
            page(&[&a, &b], false),
            page(&[], true),
            page(&[&c, &a], false),
            page(&[&b], true),
            page(&[&c, &a, &b], true),
        ];
        let store = showing(pages.into());
        let ids = conversations(&store, &export).await.expect("the store works");
        assert_eq!(ids, [a, b, c].map(|view| view.conversation.id));
    }
}
