//! Everything that a person may see, in order, a page at a time.

use std::collections::HashSet;

use domain::{
    conversation::{ConversationView, message::Message},
    ids::{ConversationId, Seq},
    jobs::JobFailure,
    page::{MessageCursor, PAGE_SIZE_MAX, PageSize, Start, Window},
    privacy::export::Export,
    store::Store,
};

fn after<C>(cursor: C) -> Window<C> {
    Window { start: Start::After(cursor), size: PageSize::clamped(PAGE_SIZE_MAX.into()) }
}

/// The person's conversations, by and large those with the newest messages first. All parts of an
/// archive go by one such list, so that they hold the same.
///
/// A conversation in which something is said moves to the head of the list that is walked here. One
/// that did so before it was reached is found by the next walk: the last one finds nothing new.
pub(crate) async fn conversations(
    store: &dyn Store,
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

#[cfg(test)]
mod tests {
    use std::{collections::VecDeque, sync::Arc};

    use domain::{
        conversation::attachment::ObjectKey,
        page::{ConversationCursor, Page},
        ports::Clock as _,
        testing::{
            MemoryStore, MockStore,
            fixture::{Service, user},
        },
    };

    use super::*;

    type Pages = VecDeque<Page<ConversationView, ConversationCursor>>;

    /// A store that shows these pages, one after the other.
    fn showing(mut pages: Pages) -> MockStore {
        let mut store = MockStore::new();
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
