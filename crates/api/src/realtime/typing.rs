//! Who is typing, sent to the others in the room.
//!
//! All marks share one task and one timer. Only sessions that have joined a room send typing marks
//! there, so the store need not be asked.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
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
    presence::PresenceTracker,
    registry::SessionRegistry,
    retry::{Retry, caught},
    room::SessionKey,
};

/// Who is typing on this node.
pub(super) struct TypingTracker {
    sessions: Arc<SessionRegistry>,
    /// Knows the display names.
    presence: Arc<PresenceTracker>,
    /// Locked while an announcement is sent, so that no end is sent before its beginning.
    marks: Mutex<Typing<SessionKey>>,
    /// Times are counted from here.
    started: Instant,
    /// Notified when something may be due earlier than was known.
    changed: Notify,
}

impl TypingTracker {
    /// Without anybody typing.
    pub(super) fn new(
        policy: TypingPolicy,
        sessions: Arc<SessionRegistry>,
        presence: Arc<PresenceTracker>,
    ) -> Self {
        let (started, changed) = (Instant::now(), Notify::new());
        Self { sessions, presence, marks: Mutex::new(Typing::new(policy)), started, changed }
    }

    /// No code that holds this lock can panic halfway through a change, so a poisoned one is sound.
    fn marks(&self) -> MutexGuard<'_, Typing<SessionKey>> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// A session that has joined `conversation` sends that its person is typing there. One that has left
    /// meanwhile, or ended, is passed over: whoever removes it from the room ends its marks afterwards,
    /// under the lock that is held here.
    pub(super) fn start(&self, user: &UserId, conversation: &ConversationId, session: SessionKey) {
        let mut marks = self.marks();
        if self.sessions.lock().membership(session, conversation).is_none() {
            return;
        }
        let announcement = marks.start(&writer(user, conversation), session, self.now());
        self.send(announcement.as_ref());
        drop(marks);
        self.changed.notify_one();
    }

    /// A session sends that its person stopped, or it left the room.
    pub(super) fn stop(&self, user: &UserId, conversation: &ConversationId, session: SessionKey) {
        let mut marks = self.marks();
        self.send(marks.stop(&writer(user, conversation), session, self.now()).as_ref());
    }

    /// A session has ended; it has left every room.
    pub(super) fn forget(&self, session: SessionKey) {
        self.marks().remove_session(session);
    }

    /// A person has sent a message.
    pub(super) fn end(&self, user: &UserId, conversation: &ConversationId) {
        let mut marks = self.marks();
        self.send(marks.end(&writer(user, conversation), self.now()).as_ref());
    }

    /// Sends what became due.
    fn sweep(&self) {
        let mut marks = self.marks();
        for announcement in marks.sweep(self.now()) {
            self.send(Some(&announcement));
        }
    }

    async fn wait(&self) {
        let due = self.marks().next_due().map(|after| self.started + after);
        match due {
            None => self.changed.notified().await,
            Some(due) => tokio::select! {
                () = sleep_until(due) => {}
                () = self.changed.notified() => {}
            },
        }
    }

    fn send(&self, announcement: Option<&Announcement<SessionKey>>) {
        let Some(Announcement { writer, session, is_typing }) = announcement else { return };
        let (conversation_id, user_id) = (writer.conversation.as_str(), writer.user.as_str());
        let event = if *is_typing {
            let user_name = &*self.presence.name_of(&writer.user);
            UserTyping { conversation_id, user_id, user_name }.encode()
        } else {
            UserStoppedTyping { conversation_id, user_id }.encode()
        };
        if let Some(event) = event {
            let sessions = self.sessions.lock();
            sessions.send_to_others_volatile(&writer.conversation, *session, &event);
        }
    }
}

/// Ends typing marks that are not renewed, for as long as the runtime lives.
pub(super) fn watch(typing: &Arc<TypingTracker>) {
    let typing = typing.clone();
    tokio::spawn(async move {
        let mut retry = Retry::new();
        loop {
            typing.wait().await;
            match caught("ending typing marks", || typing.sweep()) {
                Some(()) => retry.succeeded(),
                None => retry.wait().await,
            }
        }
    });
}

fn writer(user: &UserId, conversation: &ConversationId) -> Writer {
    Writer { conversation: conversation.clone(), user: user.clone() }
}
