//! Who is writing, told to the others in the room.
//!
//! All marks share one task and one timer. Whoever joined a room was let in by the store; writing
//! there asks it nothing.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::{
    conversation::live::{Announcement, Typing, TypingPolicy, Writer},
    ids::{ConversationId, UserId},
};
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

use super::{
    events::{ServerEvent as _, UserStoppedTyping, UserTyping},
    hub::{Hub, SessionKey},
};

/// Who is writing on this node.
pub(super) struct TypingTracker {
    marks: Mutex<Typing<SessionKey>>,
    /// Times are counted from here.
    born: Instant,
    /// Rings when something may be due earlier than was known.
    changed: Notify,
}

impl TypingTracker {
    /// Nobody writes yet.
    pub(super) fn new(terms: TypingPolicy) -> Self {
        Self { marks: Mutex::new(Typing::new(terms)), born: Instant::now(), changed: Notify::new() }
    }

    /// No code that holds this lock can panic halfway through a change, so a poisoned one is sound.
    fn marks(&self) -> MutexGuard<'_, Typing<SessionKey>> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Duration {
        self.born.elapsed()
    }

    /// A session that has joined `conversation` says that its person writes there.
    pub(super) fn start(
        &self,
        hub: &Hub,
        user: &UserId,
        conversation: &ConversationId,
        session: SessionKey,
    ) {
        let mut marks = self.marks();
        let said = marks.start(&writer(user, conversation), session, self.now());
        tell(hub, said.as_ref());
        drop(marks);
        self.changed.notify_one();
    }

    /// A session says that its person stopped, left, or is gone.
    pub(super) fn stop(
        &self,
        hub: &Hub,
        user: &UserId,
        conversation: &ConversationId,
        session: SessionKey,
    ) {
        let mut marks = self.marks();
        tell(hub, marks.stop(&writer(user, conversation), session, self.now()).as_ref());
    }

    /// A session has ended; it has left every room.
    pub(super) fn forget(&self, session: SessionKey) {
        self.marks().forget(session);
    }

    /// What a person wrote is sent.
    pub(super) fn end(&self, hub: &Hub, user: &UserId, conversation: &ConversationId) {
        let mut marks = self.marks();
        tell(hub, marks.end(&writer(user, conversation), self.now()).as_ref());
    }

    /// Tells what became due. The lock is held while telling, so that nobody hears an end before
    /// its beginning.
    fn sweep(&self, hub: &Hub) {
        let mut marks = self.marks();
        for said in marks.sweep(self.now()) {
            tell(hub, Some(&said));
        }
    }

    async fn wait(&self) {
        let due = self.marks().next_due().map(|after| self.born + after);
        match due {
            None => self.changed.notified().await,
            Some(due) => tokio::select! {
                () = sleep_until(due) => {}
                () = self.changed.notified() => {}
            },
        }
    }
}

/// Ends what nobody renews, for as long as the runtime lives.
pub(super) fn watch(hub: &Hub) {
    let hub = hub.clone();
    tokio::spawn(async move {
        loop {
            hub.writing().wait().await;
            hub.writing().sweep(&hub);
        }
    });
}

fn writer(user: &UserId, conversation: &ConversationId) -> Writer {
    Writer { conversation: conversation.clone(), user: user.clone() }
}

fn tell(hub: &Hub, said: Option<&Announcement<SessionKey>>) {
    let Some(Announcement { writer, session, writes }) = said else { return };
    let (conversation_id, user_id) = (writer.conversation.as_str(), writer.user.as_str());
    let told = if *writes {
        let user_name = &*hub.presence_tracker().name_of(&writer.user);
        UserTyping { conversation_id, user_id, user_name }.told()
    } else {
        UserStoppedTyping { conversation_id, user_id }.told()
    };
    if let Some(told) = told {
        hub.tell_others_volatile(&writer.conversation, *session, &told);
    }
}
