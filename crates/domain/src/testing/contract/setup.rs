use std::sync::Arc;

use uuid::Uuid;

use crate::{
    appointments::{
        AppointmentEvent,
        notice::{FirstName, Notice},
        store::{PendingAppointmentEvent, ReceiveOutcome},
    },
    conversation::{
        Conversation, ConversationView, Parties, Status, UnreadConversation,
        attachment::{Attachment, File, MediaType, Picture, PictureKeys, StoredPicture},
        event::{Event, EventKind, ReadReceipt},
        ledger::{ReadTarget, StatusEdit},
        message::{Draft, DraftFile, Message, MessageKind},
        store::{BeginUpload, History, LogPiece},
    },
    ids::{AppointmentEventId, AttachmentId, ClientMessageId, ConversationId, MailId, Seq, UserId},
    jobs::store::JobFilter,
    mail::{
        ConversationDigest, MailDecision, NewMail, PendingNotifications, QueuedMail, SkipReason,
        store::DueMail,
    },
    page::{ConversationCursor, MessageCursor, Page, PageNumber, PageSize, Start, Window},
    participant::{Language, Participant},
    ports::{Clock, Ids},
    retention::{
        ConversationAge, PurgeBounds,
        store::{TrimBatch, TrimProgress},
    },
    store::Store,
    testing::{
        commands::{
            AppliedAppointmentEvent, ApplyAppointmentEvent, AppointmentChange, ArchiveForAge,
            Commands, EditConversation, MarkRead, MarkedRead, NewNotice, NoticeTarget,
            OpenConversation, OpenOutcome, Opening, PostMessage, PostOutcome, Posted, PurgeExpired,
            Purged,
        },
        fixture::{
            CountingIds, FixedClock, booking_event, client, content, picture, salon, text, user,
        },
    },
    text::Subject,
    time::Timestamp,
};

/// The message of an unexpected store error in a clause.
pub(super) const ANSWERS: &str = "the store answers";

/// The store under test, with its own clock and ids.
pub(super) struct Fixture<'a> {
    pub(super) store: &'a dyn Store,
    clock: FixedClock,
    ids: CountingIds,
}

impl<'a> Fixture<'a> {
    pub(super) fn new(store: &'a dyn Store) -> Self {
        Self { store, clock: FixedClock::ticking(), ids: CountingIds::new() }
    }

    /// The current time, later than all before.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A new id, greater than all before.
    pub(super) fn new_id<T: From<Uuid>>(&self) -> T {
        self.ids.next().into()
    }

    /// The id generator.
    pub(super) fn ids(&self) -> &CountingIds {
        &self.ids
    }

    pub(super) async fn add_participant(&self, person: &Participant) {
        self.store.upsert_participant(person, self.now()).await.expect(ANSWERS);
    }

    /// The input for opening a conversation without booking, subject and opening message. Adds both
    /// people to the directory.
    pub(super) async fn plan(&self, salon_id: &str, client_id: &str) -> OpenConversation {
        self.add_participant(&salon(salon_id)).await;
        self.add_participant(&client(client_id)).await;
        OpenConversation {
            id: self.new_id(),
            parties: Parties { salon: user(salon_id), client: user(client_id) },
            appointment: None,
            subject: None,
            opening: None,
            at: self.now(),
        }
    }

    pub(super) fn opening(&self, words: &str) -> Opening {
        Opening { id: self.new_id(), content: content(words) }
    }

    pub(super) async fn try_open(&self, plan: &OpenConversation) -> OpenOutcome {
        self.store.open_conversation(plan).await.expect(ANSWERS)
    }

    pub(super) async fn open(&self, plan: &OpenConversation) -> (TestConversation<'_>, Vec<Event>) {
        match self.try_open(plan).await {
            OpenOutcome::Opened(events) => (TestConversation::at(self, plan), events),
            outcome @ OpenOutcome::AlreadyOpen(_) => panic!("should have opened: {outcome:?}"),
        }
    }

    /// A new, empty conversation.
    pub(super) async fn conversation(
        &self,
        salon_id: &str,
        client_id: &str,
    ) -> TestConversation<'_> {
        let plan = self.plan(salon_id, client_id).await;
        self.open(&plan).await.0
    }

    pub(super) async fn list(
        &self,
        viewer: &UserId,
        status: Option<Status>,
        window: &Window<ConversationCursor>,
    ) -> Page<ConversationView, ConversationCursor> {
        self.store.conversations(viewer, status, window).await.expect(ANSWERS)
    }

    /// All jobs as (kind, subject), sorted.
    pub(super) async fn tasks(&self) -> Vec<(String, String)> {
        let jobs = self.store.jobs(JobFilter::All, 1_000).await.expect(ANSWERS);
        let tasks = jobs.iter().map(|job| &job.task);
        let mut tasks: Vec<_> =
            tasks.map(|task| (task.kind().to_owned(), task.subject().to_owned())).collect();
        tasks.sort();
        tasks
    }

    pub(super) async fn unread_total(&self, reader: &UserId) -> u64 {
        self.store.unread_total(reader).await.expect(ANSWERS)
    }

    pub(super) async fn unread_conversations(
        &self,
        reader: &UserId,
        limit: u32,
    ) -> Vec<UnreadConversation> {
        self.store.unread_conversations(reader, limit).await.expect(ANSWERS)
    }
}

/// The page `number` of pages of `items`.
pub(super) fn page<C>(number: i64, items: i64) -> Window<C> {
    Window { start: Start::Number(PageNumber::clamped(number)), size: PageSize::clamped(items) }
}

/// The page of `items` after `cursor`.
pub(super) fn after<C>(cursor: C, items: i64) -> Window<C> {
    Window { start: Start::After(cursor), size: PageSize::clamped(items) }
}

/// The position `number`.
pub(super) fn at(number: i64) -> Seq {
    Seq::new(number).expect("positions are not negative")
}

/// A conversation on a [`Fixture`], with helpers for its participants.
pub(super) struct TestConversation<'a> {
    pub(super) fixture: &'a Fixture<'a>,
    pub(super) id: ConversationId,
    pub(super) salon: UserId,
    pub(super) client: UserId,
}

impl<'a> TestConversation<'a> {
    pub(super) fn at(fixture: &'a Fixture<'a>, plan: &OpenConversation) -> Self {
        let parties = plan.parties.clone();
        Self { fixture, id: plan.id.clone(), salon: parties.salon, client: parties.client }
    }

    pub(super) fn post(&self, author: &UserId, draft: Draft) -> PostMessage {
        PostMessage {
            id: self.fixture.new_id(),
            conversation: self.id.clone(),
            author: author.clone(),
            attachments: draft.attachment_ids(|| self.fixture.new_id()),
            draft,
            read_on_arrival: false,
            at: self.fixture.now(),
        }
    }

    pub(super) async fn try_send(&self, author: &UserId, draft: Draft) -> PostOutcome {
        self.try_post(&self.post(author, draft)).await
    }

    pub(super) async fn try_post(&self, post: &PostMessage) -> PostOutcome {
        self.fixture.store.post_message(post).await.expect(ANSWERS)
    }

    pub(super) async fn send(&self, author: &UserId, draft: Draft) -> Posted {
        posted(self.try_send(author, draft).await)
    }

    pub(super) async fn send_text(&self, author: &UserId, words: &str) -> Arc<Message> {
        self.send(author, text(words)).await.message
    }

    pub(super) async fn delete(&self, message: &Message) -> Option<Event> {
        self.delete_as(&message.author.id, message).await
    }

    pub(super) async fn delete_as(&self, by: &UserId, message: &Message) -> Option<Event> {
        self.fixture.store.delete_message(&message.id, by, self.fixture.now()).await.expect(ANSWERS)
    }

    pub(super) async fn try_mark_read(
        &self,
        reader: &UserId,
        target: ReadTarget,
    ) -> Option<MarkedRead> {
        let mark = MarkRead {
            conversation: self.id.clone(),
            reader: reader.clone(),
            target,
            at: self.fixture.now(),
        };
        self.fixture.store.mark_read(&mark).await.expect(ANSWERS)
    }

    pub(super) async fn mark_read(&self, reader: &UserId) -> MarkedRead {
        self.try_mark_read(reader, ReadTarget::Everything).await.expect("the reader takes part")
    }

    pub(super) async fn mark_read_up_to(&self, reader: &UserId, seq: Seq) -> MarkedRead {
        self.try_mark_read(reader, ReadTarget::UpTo(seq)).await.expect("the reader takes part")
    }

    /// An empty subject removes the subject.
    pub(super) async fn try_edit(
        &self,
        by: &UserId,
        subject: Option<&str>,
        status: Option<StatusEdit>,
    ) -> Option<Vec<Event>> {
        let subject = subject.map(|words| Subject::edit(words).expect("it fits"));
        let edit = EditConversation {
            conversation: self.id.clone(),
            by: by.clone(),
            subject,
            status,
            at: self.fixture.now(),
        };
        self.fixture.store.edit_conversation(&edit).await.expect(ANSWERS)
    }

    pub(super) async fn set_subject(&self, subject: &str) -> Vec<Event> {
        self.try_edit(&self.salon, Some(subject), None).await.expect("the salon takes part")
    }

    pub(super) async fn archive(&self) -> Vec<Event> {
        let archived = Some(StatusEdit::Set(Status::Archived));
        self.try_edit(&self.salon, None, archived).await.expect("the salon takes part")
    }

    pub(super) async fn delete_conversation_as(&self, by: &UserId) -> Option<Event> {
        self.fixture
            .store
            .delete_conversation(&self.id, by, self.fixture.now())
            .await
            .expect(ANSWERS)
    }

    pub(super) async fn delete_conversation(&self) -> Event {
        self.delete_conversation_as(&self.salon).await.expect("the salon takes part")
    }
}

/// The message of an outcome that must be a new one.
pub(super) fn posted(outcome: PostOutcome) -> Posted {
    match outcome {
        PostOutcome::Posted(posted) => posted,
        other => panic!("should have been posted: {other:?}"),
    }
}

/// The receipt of a mark that must have moved a horizon.
pub(super) fn receipt(marked: MarkedRead) -> ReadReceipt {
    match marked.event.map(|event| event.kind) {
        Some(EventKind::MessagesRead(receipt)) => receipt,
        other => panic!("should have read something: {other:?}"),
    }
}

/// Before everything on a [`Fixture`].
pub(super) fn old() -> Timestamp {
    Timestamp::UNIX_EPOCH
}

/// After everything, on a [`Fixture`] and elsewhere.
pub(super) fn far_future() -> Timestamp {
    Timestamp::parse("2100-01-01T00:00:00Z").expect("a time")
}

/// Retention of a conversation.
pub(super) trait Aged {
    /// Archives it with a notice of 90 days, unless it has a message after `quiet_since`.
    async fn archive_for_age(&self, quiet_since: Timestamp) -> Vec<Event>;

    /// Deletes at most `messages_max` messages, unless something happened after `by`.
    async fn purge_expired(&self, by: Timestamp, messages_max: u32) -> Purged;

    /// Whether its log no longer goes back to the position `after`.
    async fn is_trimmed(&self, after: i64) -> bool;
}

impl Aged for TestConversation<'_> {
    async fn archive_for_age(&self, quiet_since: Timestamp) -> Vec<Event> {
        let notice = Notice::ArchivedForAge { days: 90 };
        let content = notice.text(Language::French);
        let archive = ArchiveForAge {
            conversation: self.id.clone(),
            quiet_since,
            notice: NewNotice { id: self.fixture.new_id(), notice, content },
            at: self.fixture.now(),
        };
        self.fixture.store.archive_for_age(&archive).await.expect(ANSWERS)
    }

    async fn purge_expired(&self, by: Timestamp, messages_max: u32) -> Purged {
        let purge = PurgeExpired {
            conversation: self.id.clone(),
            bounds: PurgeBounds { last_message_by: by, changed_by: by },
            messages_max,
            at: self.fixture.now(),
        };
        self.fixture.store.purge_expired(&purge).await.expect(ANSWERS)
    }

    async fn is_trimmed(&self, after: i64) -> bool {
        let piece = self.fixture.store.events_after(&self.id, &self.client, at(after), 9).await;
        piece.expect(ANSWERS).expect("the client takes part") == LogPiece::Trimmed
    }
}

impl Fixture<'_> {
    /// Everything found in pages of `limit`.
    pub(super) async fn all_ages(
        &self,
        status: Status,
        quiet_since: Timestamp,
        limit: u32,
    ) -> Vec<ConversationAge> {
        let (mut found, mut after) = (vec![], None);
        loop {
            let page = self.store.ages(status, after, quiet_since, limit).await.expect(ANSWERS);
            found.extend(page.conversations);
            after = page.next;
            if after.is_none() {
                return found;
            }
        }
    }

    /// Trims at most `entries_max` old entries of the first logs.
    pub(super) async fn trim(&self, before: Timestamp, entries_max: u32) -> TrimProgress {
        let batch = TrimBatch { before, after: None, conversations_max: 9, entries_max };
        self.store.trim_logs(&batch).await.expect(ANSWERS)
    }

    pub(super) async fn count_old_entries(
        &self,
        before: Timestamp,
        after: Option<ConversationId>,
        conversations_max: u32,
    ) -> TrimProgress {
        let batch = TrimBatch { before, after, conversations_max, entries_max: 1 };
        self.store.count_old_entries(&batch).await.expect(ANSWERS)
    }
}

// What the participants see.

impl TestConversation<'_> {
    pub(super) async fn try_view(&self, viewer: &UserId) -> Option<ConversationView> {
        self.fixture.store.conversation(&self.id, viewer).await.expect(ANSWERS)
    }

    pub(super) async fn view(&self, viewer: &UserId) -> ConversationView {
        self.try_view(viewer).await.expect("the viewer takes part")
    }

    pub(super) async fn state(&self) -> Conversation {
        self.view(&self.salon).await.conversation
    }

    pub(super) async fn find(&self, viewer: &UserId, message: &Message) -> Option<Message> {
        self.fixture.store.message(&message.id, viewer).await.expect(ANSWERS)
    }

    pub(super) async fn reload(&self, message: &Message) -> Message {
        self.find(&self.salon, message).await.expect("the message is there")
    }

    pub(super) async fn try_history(
        &self,
        viewer: &UserId,
        window: &Window<MessageCursor>,
    ) -> Option<History> {
        self.fixture.store.history(&self.id, viewer, window).await.expect(ANSWERS)
    }

    pub(super) async fn history(&self, window: &Window<MessageCursor>) -> History {
        self.try_history(&self.salon, window).await.expect("the salon takes part")
    }

    /// The message texts, oldest first.
    pub(super) async fn texts(&self) -> Vec<String> {
        let items = self.history(&Window::first(100)).await.page.items;
        items.iter().rev().map(|message| message.content.as_str().to_owned()).collect()
    }

    pub(super) async fn log_as(
        &self,
        viewer: &UserId,
        after: Seq,
        limit: u32,
    ) -> Option<Vec<Event>> {
        let piece = self.fixture.store.events_after(&self.id, viewer, after, limit).await;
        Some(piece.expect(ANSWERS)?.events().expect("nothing is forgotten"))
    }

    pub(super) async fn log(&self) -> Vec<Event> {
        self.log_as(&self.client, Seq::ZERO, 1_000).await.expect("the client takes part")
    }
}

/// A new upload by `owner`, not started.
pub(super) fn upload(fixture: &Fixture<'_>, owner: &UserId) -> BeginUpload {
    BeginUpload {
        id: fixture.new_id(),
        owner: owner.clone(),
        name: "Léa – bras.jpg".to_owned(),
        keys: PictureKeys::new(fixture.ids().next()),
        unsent_max: 10,
        at: fixture.now(),
    }
}

/// A started upload.
pub(super) async fn started(fixture: &Fixture<'_>, owner: &UserId) -> BeginUpload {
    let upload = upload(fixture, owner);
    assert!(fixture.store.begin_upload(&upload).await.expect(ANSWERS), "there is room");
    upload
}

/// Finishes a started upload.
pub(super) async fn finish(fixture: &Fixture<'_>, upload: &BeginUpload) -> StoredPicture {
    let media_type = |text| MediaType::parse(text).expect("a type that is taken");
    let picture = Picture {
        media_type: media_type("image/jpeg"),
        size_bytes: 123_456,
        width_px: 3_000,
        height_px: 4_000,
        thumbnail_type: media_type("image/webp"),
    };
    let finished = fixture.store.finish_upload(&upload.id, &picture).await;
    assert!(finished.expect(ANSWERS), "it was begun");
    StoredPicture { keys: upload.keys.clone(), picture }
}

/// A finished upload.
pub(super) async fn finished(fixture: &Fixture<'_>, owner: &UserId) -> Attachment {
    let upload = started(fixture, owner).await;
    let picture = finish(fixture, &upload).await;
    let file = File::stored(&upload.name, picture).expect("a good file");
    Attachment { id: upload.id, file }
}

/// A draft of uploads only, with the sender's `key`, if any.
pub(super) fn sending(uploads: &[&AttachmentId], key: Option<&str>) -> Draft {
    let files = uploads.iter().map(|id| DraftFile::Uploaded((*id).clone())).collect();
    draft(files, key)
}

/// A draft of an upload, a hosted picture, and another upload.
pub(super) fn mixed(first: &AttachmentId, last: &AttachmentId, key: Option<&str>) -> Draft {
    let [first, last] = [first, last].map(|id| DraftFile::Uploaded(id.clone()));
    draft(vec![first, picture(1), last], key)
}

fn draft(files: Vec<DraftFile>, key: Option<&str>) -> Draft {
    let key = key.map(|key| ClientMessageId::parse(key).expect("a good key"));
    Draft::new(MessageKind::Image, content(""), files, key).expect("it can be sent")
}

/// The jobs that delete both forms of pictures, as in [`Fixture::tasks`].
pub(super) fn object_jobs(keys: &[&PictureKeys]) -> Vec<(String, String)> {
    let objects = keys.iter().flat_map(|keys| [&keys.full, &keys.thumbnail]);
    let mut jobs: Vec<_> =
        objects.map(|key| ("delete_object".to_owned(), key.as_str().to_owned())).collect();
    jobs.sort();
    jobs
}

/// The mail of one person on a [`Fixture`].
pub(super) struct Mailbox<'a> {
    fixture: &'a Fixture<'a>,
    pub(super) owner: UserId,
}

impl<'a> Mailbox<'a> {
    pub(super) fn of(fixture: &'a Fixture<'a>, owner: &str) -> Self {
        Self { fixture, owner: user(owner) }
    }

    pub(super) async fn try_pending(&self) -> Option<PendingNotifications> {
        self.pending_at(self.fixture.now()).await
    }

    pub(super) async fn pending_at(&self, now: Timestamp) -> Option<PendingNotifications> {
        self.fixture.store.pending_notifications(&self.owner, now).await.expect(ANSWERS)
    }

    pub(super) async fn pending(&self) -> PendingNotifications {
        self.try_pending().await.expect("something waits")
    }

    pub(super) fn new_mail(&self) -> NewMail {
        let (id, at) = (self.fixture.new_id(), self.fixture.now());
        NewMail { id, recipient: self.owner.clone(), at }
    }

    pub(super) async fn try_apply(
        &self,
        pending: &PendingNotifications,
        decision: &MailDecision,
        mail: &NewMail,
    ) -> bool {
        self.fixture.store.apply_mail_decision(pending, decision, mail).await.expect(ANSWERS)
    }

    /// Applies a decision; the mail is not used further.
    pub(super) async fn apply(&self, pending: &PendingNotifications, decision: &MailDecision) {
        assert!(
            self.try_apply(pending, decision, &self.new_mail()).await,
            "nobody else settled it"
        );
    }

    /// Queues one mail about everything pending.
    pub(super) async fn queue_mail(&self) -> NewMail {
        let (pending, mail) = (self.pending().await, self.new_mail());
        assert!(
            self.try_apply(&pending, &send_all(&pending), &mail).await,
            "nobody else settled it"
        );
        mail
    }

    pub(super) async fn try_open(&self, mail: &MailId) -> Option<QueuedMail> {
        self.fixture.store.queued_mail(mail).await.expect(ANSWERS)
    }

    pub(super) async fn chapters(&self, mail: &NewMail) -> Vec<ConversationDigest> {
        self.try_open(&mail.id).await.expect("it did not leave").chapters
    }

    pub(super) async fn close(&self, mail: &MailId) {
        self.fixture.store.close_mail(mail).await.expect(ANSWERS);
    }
}

/// A decision that sends everything.
pub(super) fn send_all(pending: &PendingNotifications) -> MailDecision {
    let send =
        pending.conversations.iter().map(|one| (one.conversation.clone(), one.up_to)).collect();
    MailDecision { send, ..MailDecision::default() }
}

/// A decision that drops everything.
pub(super) fn drop_all(pending: &PendingNotifications) -> MailDecision {
    let drop = pending
        .conversations
        .iter()
        .map(|one| (one.conversation.clone(), SkipReason::Read))
        .collect();
    MailDecision { drop, ..MailDecision::default() }
}

/// A decision that defers everything.
pub(super) fn defer_all(pending: &PendingNotifications, until: Timestamp) -> MailDecision {
    let defer = pending.conversations.iter().map(|one| (one.conversation.clone(), until)).collect();
    MailDecision { defer, ..MailDecision::default() }
}

/// People with due mail: pending since `since`, or deferred until `now`.
pub(super) async fn due(
    fixture: &Fixture<'_>,
    now: Timestamp,
    since: Timestamp,
    limit: u32,
) -> Vec<UserId> {
    fixture.store.due_for_mail(&DueMail { now, since, limit }).await.expect(ANSWERS)
}

/// `person` with an address.
pub(super) fn reachable(mut person: Participant) -> Participant {
    person.profile.email = Some(format!("{}@example.test", person.id));
    person
}

/// `time` plus `millis` milliseconds.
pub(super) fn later(time: Timestamp, millis: i64) -> Timestamp {
    Timestamp::from_millis(time.as_millis() + millis).expect("tests stay within the calendar")
}

/// A report like the fixture's that happened at `occurred_at`.
pub(super) fn event_at(id: &str, kind: &str, occurred_at: &str) -> AppointmentEvent {
    let occurred_at = Timestamp::parse(occurred_at).expect("a clause knows the calendar");
    AppointmentEvent { occurred_at, ..booking_event(id, kind) }
}

/// A report like the fixture's without a name.
pub(super) fn nameless(id: &str, kind: &str) -> AppointmentEvent {
    AppointmentEvent { client_first_name: None, ..booking_event(id, kind) }
}

/// A subject.
pub(super) fn subject(words: &str) -> Subject {
    Subject::open(words).expect("it fits")
}

/// The fixture's booking on a [`Fixture`], and its events.
pub(super) struct Booking<'a> {
    fixture: &'a Fixture<'a>,
}

impl<'a> Booking<'a> {
    /// Without any report; both people are in the directory.
    pub(super) async fn new(fixture: &'a Fixture<'a>) -> Self {
        fixture.add_participant(&salon("s1")).await;
        fixture.add_participant(&client("c1")).await;
        Self { fixture }
    }

    pub(super) async fn receive(&self, event: &AppointmentEvent) -> ReceiveOutcome {
        let received =
            self.fixture.store.receive_appointment_event(event, self.fixture.now()).await;
        received.expect(ANSWERS)
    }

    pub(super) async fn pending(&self, id: &str) -> Option<PendingAppointmentEvent> {
        let id = AppointmentEventId::parse(id).expect("a good id");
        self.fixture.store.pending_appointment_event(&id).await.expect(ANSWERS)
    }

    pub(super) async fn first(&self) -> Option<PendingAppointmentEvent> {
        let like = booking_event("like", "booked");
        self.fixture.store.first_pending_appointment_event(&like).await.expect(ANSWERS)
    }

    /// A change by a pending event in the current state of its booking: a greeting of Camille, not
    /// watched, in an active conversation about `RDV`.
    pub(super) async fn change(&self, id: &str) -> AppointmentChange {
        let pending = self.pending(id).await.expect("it waits");
        let first_name = FirstName::parse("Camille");
        let notice = Notice::Confirmed { first_name };
        AppointmentChange {
            target: match pending.conversation {
                Some(known) => NoticeTarget::In(known.id),
                None => NoticeTarget::New(self.opening()),
            },
            newest_handled: pending.newest_handled,
            notice: NewNotice {
                id: self.fixture.new_id(),
                content: notice.text(Language::French),
                notice,
            },
            read_on_arrival: false,
            subject: None,
            status: Status::Active,
        }
    }

    pub(super) fn opening(&self) -> OpenConversation {
        OpenConversation {
            id: self.fixture.new_id(),
            parties: Parties { salon: user("s1"), client: user("c1") },
            appointment: Some(booking_event("like", "booked").appointment),
            subject: Some(subject("RDV")),
            opening: None,
            at: self.fixture.now(),
        }
    }

    pub(super) async fn apply(
        &self,
        id: &AppointmentEventId,
        change: Option<AppointmentChange>,
    ) -> AppliedAppointmentEvent {
        let apply = ApplyAppointmentEvent { event: id.clone(), change, at: self.fixture.now() };
        self.fixture.store.apply_appointment_event(&apply).await.expect(ANSWERS)
    }

    /// Applies a [`change`](Self::change).
    pub(super) async fn apply_change(&self, id: &str) -> AppliedAppointmentEvent {
        let change = self.change(id).await;
        self.apply(&AppointmentEventId::parse(id).expect("a good id"), Some(change)).await
    }

    /// Applies `change` for an event. Returns the events.
    pub(super) async fn apply_event(
        &self,
        event: &AppointmentEvent,
        change: AppointmentChange,
    ) -> Vec<Event> {
        match self.apply(&event.id, Some(change)).await {
            AppliedAppointmentEvent::Applied(events) => events,
            other => panic!("should have been applied: {other:?}"),
        }
    }

    pub(super) async fn apply_nothing(&self, id: &AppointmentEventId) {
        let applied = self.apply(id, None).await;
        assert_eq!(applied, AppliedAppointmentEvent::Applied(vec![]));
    }

    /// The booking's conversation, opened by a first event `e0`.
    pub(super) async fn conversation(&self) -> TestConversation<'a> {
        self.receive(&booking_event("e0", "booked")).await;
        self.apply_change("e0").await;
        self.receive(&booking_event("probe", "completed")).await;
        let id = self.pending("probe").await.and_then(|probe| probe.conversation);
        let probe = AppointmentEventId::parse("probe").expect("a good id");
        self.apply_nothing(&probe).await;
        self.conversation_with_id(&id.expect("it was opened").id)
    }

    pub(super) fn conversation_with_id(&self, id: &ConversationId) -> TestConversation<'a> {
        TestConversation {
            fixture: self.fixture,
            id: id.clone(),
            salon: user("s1"),
            client: user("c1"),
        }
    }
}
