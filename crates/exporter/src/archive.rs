//! The contents of an archive, read a page at a time.

use std::collections::HashSet;

use domain::{
    conversation::{
        ConversationView,
        attachment::{Attachment, StorageLocation},
        message::Message,
        store::ConversationStore,
    },
    ids::{AttachmentId, ConversationId, Seq},
    jobs::JobFailure,
    mail::preferences::Preferences,
    page::{MessageCursor, PAGE_SIZE_MAX, PageSize, Start, Window},
    participant::{Language, Participant},
    ports::Files,
    privacy::export::Export,
    store::Store,
    time::Zone,
};

use crate::zip::Zip;

fn after<C>(cursor: C) -> Window<C> {
    Window { start: Start::After(cursor), size: PageSize::clamped(PAGE_SIZE_MAX.into()) }
}

/// The person's conversations, roughly those with the newest messages first. All parts of an archive use this list, so
/// that they have the same conversations.
///
/// A conversation that gets a message moves to the head of the list while it is paged through. If that happens before it
/// is reached, the next pass finds it: passes are repeated until one finds nothing new.
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

/// The messages of a conversation up to the request of the archive, oldest first.
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

    /// The messages of the next positions, which may be none; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Message>>, JobFailure> {
        if self.done >= self.here.conversation.last_seq.get() {
            return Ok(None);
        }
        // As many positions as fit on a page, so that it has all of their messages.
        let (before, until) = (self.done, self.done + i64::from(PAGE_SIZE_MAX));
        self.done = until;
        let Some(next) = Seq::new(until + 1) else { return Ok(None) };
        let window = after(MessageCursor(next));
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

// The person.

/// The person whose archive it is, with their preferences.
pub(crate) struct Person {
    pub(crate) participant: Participant,
    pub(crate) preferences: Preferences,
}

impl Person {
    pub(crate) async fn look_up(store: &dyn Store, export: &Export) -> Result<Self, JobFailure> {
        let unknown = || JobFailure::dead("person_unknown");
        let participant = store.participant(&export.person).await?.ok_or_else(unknown)?;
        let preferences = store.preferences(&export.person, export.requested_at).await?;
        Ok(Self { participant, preferences: preferences.ok_or_else(unknown)? })
    }

    pub(crate) fn language(&self) -> Language {
        self.participant.profile.language.unwrap_or_default()
    }

    /// Their time zone: that of their preferences, else that of their profile.
    pub(crate) fn zone(&self) -> Zone {
        let known = self.preferences.zone.as_ref().or(self.participant.profile.zone.as_ref());
        known.cloned().unwrap_or_default()
    }
}

// The contents.

/// The person and the conversations of an archive: the same for all of its parts.
pub(crate) struct Contents<'s> {
    pub(crate) store: &'s dyn Store,
    pub(crate) export: &'s Export,
    pub(crate) person: Person,
    pub(crate) conversations: Vec<ConversationId>,
    /// Pictures that file storage does not have.
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

    /// A conversation; `None` if it has been deleted since.
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

// `files/`: the pictures that we store. Those at the upload service are links in the other two parts.

/// The path of a stored picture in the archive. Its file name is user input and not part of it.
pub(crate) fn path_of(attachment: &Attachment) -> String {
    let kind = attachment.file.media_type().as_str();
    let kind = kind.rsplit('/').next().unwrap_or("bin");
    format!("files/{}.{kind}", attachment.id)
}

/// Copies the stored pictures, and returns those that file storage does not have.
pub(crate) async fn write(
    contents: &Contents<'_>,
    files: &dyn Files,
    zip: &mut Zip,
) -> Result<HashSet<AttachmentId>, JobFailure> {
    let mut missing = HashSet::new();
    for id in &contents.conversations {
        let Some(here) = contents.conversation(id).await? else { continue };
        let mut messages = Messages::of(contents.store, contents.export, &here);
        while let Some(page) = messages.next().await? {
            for attachment in page.iter().flat_map(|message| &message.attachments) {
                if !copy(files, attachment, zip).await? {
                    missing.insert(attachment.id.clone());
                }
            }
        }
    }
    Ok(missing)
}

/// Copies a picture. `false` if file storage does not have it.
async fn copy(
    files: &dyn Files,
    attachment: &Attachment,
    zip: &mut Zip,
) -> Result<bool, JobFailure> {
    let StorageLocation::Stored(kept) = attachment.file.location() else { return Ok(true) };
    let Some(mut bytes) = files.read(&kept.keys.full).await? else { return Ok(false) };
    zip.begin(&path_of(attachment), Some(bytes.size_bytes)).await?;
    let interrupted = |_| JobFailure::retry("files_failed");
    while let Some(piece) = bytes.chunks.next().await.map_err(interrupted)? {
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

    /// A store that returns these pages, one after the other.
    fn store_with(mut pages: Pages) -> MockConversationStore {
        let mut store = MockConversationStore::new();
        store
            .expect_conversations()
            .times(pages.len())
            .returning(move |_, _, _| Ok(pages.pop_front().expect("one page per call")));
        store
    }

    #[tokio::test]
    async fn a_conversation_that_moves_during_paging_is_found_once() {
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
            // The last one gets a message between the first page and the second.
            page(&[&a, &b], false),
            page(&[], true),
            page(&[&c, &a], false),
            page(&[&b], true),
            page(&[&c, &a, &b], true),
        ];
        let store = store_with(pages.into());
        let ids = conversations(&store, &export).await.expect("the store works");
        assert_eq!(ids, [a, b, c].map(|view| view.conversation.id));
    }
}
