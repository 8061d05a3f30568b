//! Fakes and fixtures for tests.

use std::{
    collections::{BTreeMap, HashSet, VecDeque},
    mem,
    ops::{Deref, DerefMut},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
    },
};

use async_trait::async_trait;
use uuid::{Builder, Uuid};

use crate::{
    Services,
    appointments::{self, AppointmentEvent, AppointmentEventKind},
    conversation::{
        Parties,
        attachment::{FILE_MAX_BYTES, File, FileUrl, MediaType, ObjectKey, Picture, PictureKeys},
        commands::NewConversation,
        event::Event,
        message::{Draft, DraftFile, Message, MessageKind},
    },
    ids::{
        AppointmentEventId, AppointmentId, ClientMessageId, ConversationId, MessageId, Seq, UserId,
    },
    mail::{
        Email,
        store::{DeliveryError, MailSender},
    },
    participant::{Caller, Participant, Profile, Role},
    ports::{
        Chunks, Clock, Fanout, Files, FilesError, Ids, Interrupted, KeepError, MarkedMessage,
        ObjectBytes, PersonChange,
    },
    store::Store,
    text::Content,
    time::Timestamp,
};

/// A report about the booking `rdv-1` of `c1`, called Camille, with `s1`: a tattoo on 14 February
/// 2026 at 14:30 in Paris, moved from the day before. It happened on 2026-01-05 at 09:00 UTC.
pub fn booking_event(id: &str, kind: &str) -> AppointmentEvent {
    let at = |text| Timestamp::parse(text).expect("tests know the calendar");
    AppointmentEvent {
        id: AppointmentEventId::parse(id).expect("tests name events well"),
        appointment: AppointmentId::parse("rdv-1").expect("a good id"),
        salon: user("s1"),
        client: user("c1"),
        kind: AppointmentEventKind::parse(kind).expect("tests know what may happen"),
        service: appointments::Service::Tattoo,
        starts_at: at("2026-02-14T13:30:00.000Z"),
        previous_starts_at: Some(at("2026-02-13T13:30:00.000Z")),
        client_first_name: Some("Camille".to_owned()),
        zone: None,
        occurred_at: at("2026-01-05T09:00:00.000Z"),
        conversation: None,
    }
}

/// 2026-01-05T09:30:00Z, a Monday.
const START_MILLIS: i64 = 1_767_605_400_000;

/// A clock controlled by the test. It starts on 2026-01-05 at 09:30 UTC.
#[derive(Debug)]
pub struct FixedClock {
    now_millis: AtomicI64,
    step_millis: i64,
}

impl FixedClock {
    /// A clock that advances by a millisecond at each call, so that all times differ.
    pub fn ticking() -> Self {
        Self { now_millis: AtomicI64::new(START_MILLIS), step_millis: 1 }
    }

    /// A clock that only [`advance`](Self::advance_millis) and [`set`](Self::set) move.
    pub fn still() -> Self {
        Self { step_millis: 0, ..Self::ticking() }
    }

    /// Sets the current time.
    pub fn set(&self, time: Timestamp) {
        self.now_millis.store(time.as_millis(), Relaxed);
    }

    /// Advances by `millis` milliseconds, or goes back by a negative number.
    pub fn advance_millis(&self, millis: i64) {
        self.now_millis.fetch_add(millis, Relaxed);
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        let millis = self.now_millis.fetch_add(self.step_millis, Relaxed);
        Timestamp::from_millis(millis).expect("tests stay within the calendar")
    }
}

/// The text of a message.
pub fn content(words: &str) -> Content {
    Content::parse(words).expect("tests write what fits")
}

/// A text draft without a key.
pub fn text(words: &str) -> Draft {
    draft(MessageKind::Text, words, vec![], None)
}

/// A text draft with the sender's `key`.
pub fn keyed(words: &str, key: &str) -> Draft {
    draft(MessageKind::Text, words, vec![], Some(key))
}

/// A draft with text and so many `files`, with the sender's `key`, if any.
pub fn pictures(words: &str, files: usize, key: Option<&str>) -> Draft {
    draft(MessageKind::Image, words, (1..=files).map(picture).collect(), key)
}

/// The hosted file `number`; each number is another file.
pub fn picture(number: usize) -> DraftFile {
    let url = FileUrl::parse(&format!("https://utfs.io/f/{number}.webp")).expect("a good address");
    let webp = MediaType::parse("image/webp").expect("a type that is taken");
    let size_bytes = 1_000 + i64::try_from(number).expect("tests number files from 1");
    let upload_key = (number % 2 == 1).then(|| format!("upload-{number}"));
    let file = File::hosted(&format!("photo {number}.webp"), url, webp, size_bytes, upload_key);
    DraftFile::Hosted(file.expect("a good file"))
}

fn draft(kind: MessageKind, words: &str, files: Vec<DraftFile>, key: Option<&str>) -> Draft {
    let key = key.map(|key| ClientMessageId::parse(key).expect("tests write good keys"));
    Draft::new(kind, content(words), files, key).expect("tests draft what can be sent")
}

/// A fan-out that records what is published.
#[derive(Debug, Default)]
pub struct RecordingFanout {
    published: Mutex<Vec<Event>>,
    marked: Mutex<Vec<MarkedMessage>>,
    watching: Mutex<HashSet<(ConversationId, UserId)>>,
}

impl RecordingFanout {
    /// Nothing recorded; nobody is watching.
    pub fn new() -> Self {
        Self::default()
    }

    /// All events published so far, in order.
    pub fn published(&self) -> Vec<Event> {
        lock(&self.published).clone()
    }

    /// The events published since the last call, in order.
    pub fn take(&self) -> Vec<Event> {
        mem::take(&mut lock(&self.published))
    }

    /// The marked messages whose authors were notified since the last call, in order.
    pub fn take_marked(&self) -> Vec<MarkedMessage> {
        mem::take(&mut lock(&self.marked))
    }

    /// Sets whether `user` is watching `conversation`.
    pub fn set_watching(&self, conversation: &ConversationId, user: &UserId, watching: bool) {
        let pair = (conversation.clone(), user.clone());
        let mut pairs = lock(&self.watching);
        if watching {
            pairs.insert(pair);
        } else {
            pairs.remove(&pair);
        }
    }
}

impl Fanout for RecordingFanout {
    fn publish(&self, events: &[Event]) {
        lock(&self.published).extend_from_slice(events);
    }

    fn message_read(&self, marked: &MarkedMessage) {
        lock(&self.marked).push(marked.clone());
    }

    fn person_changed(&self, _: &UserId, _: PersonChange) {}

    fn is_watching(&self, conversation: &ConversationId, user: &UserId) -> bool {
        lock(&self.watching).contains(&(conversation.clone(), user.clone()))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Files in memory. Bytes that begin with `picture` count as a WebP of 640 × 480; its thumbnail is
/// the first byte.
#[derive(Debug, Default)]
pub struct MemoryFiles(Mutex<FilesState>);

#[derive(Debug, Default)]
struct FilesState {
    objects: BTreeMap<ObjectKey, Vec<u8>>,
    deleted_hosted: Vec<String>,
    is_broken: bool,
}

impl MemoryFiles {
    /// Without any objects.
    pub fn new() -> Self {
        Self::default()
    }

    /// The keys of all objects.
    pub fn keys(&self) -> Vec<ObjectKey> {
        self.lock().objects.keys().cloned().collect()
    }

    /// The files deleted at the upload service, in order.
    pub fn deleted_hosted(&self) -> Vec<String> {
        self.lock().deleted_hosted.clone()
    }

    /// Makes every call fail, or work again. A picture leaves a partial object while broken.
    pub fn set_broken(&self, is_broken: bool) {
        self.lock().is_broken = is_broken;
    }

    fn lock(&self) -> MutexGuard<'_, FilesState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn working_state(&self) -> Result<MutexGuard<'_, FilesState>, FilesError> {
        let state = self.lock();
        if state.is_broken {
            Err(FilesError::Failed("the test made it so".into()))
        } else {
            Ok(state)
        }
    }
}

#[async_trait]
impl Files for MemoryFiles {
    async fn keep(
        &self,
        _owner: &UserId,
        keys: &PictureKeys,
        declared: Option<&str>,
        bytes: &mut dyn Chunks,
    ) -> Result<Picture, KeepError> {
        let mut buffer = Vec::new();
        while let Some(piece) = bytes.next().await? {
            buffer.extend(piece);
            if buffer.len() > FILE_MAX_BYTES as usize {
                return Err(KeepError::TooLarge);
            }
        }
        let webp = MediaType::parse("image/webp").expect("a type that is taken");
        if !buffer.starts_with(b"picture")
            || declared.is_some_and(|declared| declared != webp.as_str())
        {
            return Err(KeepError::TypeNotAllowed);
        }
        let size_bytes = u32::try_from(buffer.len()).map_err(|_| KeepError::TooLarge)?;
        let mut state = self.lock();
        state.objects.insert(keys.full.clone(), buffer);
        if state.is_broken {
            return Err(KeepError::Failed("the test made it so".into()));
        }
        state.objects.insert(keys.thumbnail.clone(), b"p".to_vec());
        let (width_px, height_px) = (640, 480);
        Ok(Picture { media_type: webp, size_bytes, width_px, height_px, thumbnail_type: webp })
    }

    async fn write(&self, key: &ObjectKey, bytes: &mut dyn Chunks) -> Result<u64, KeepError> {
        let mut buffer = Vec::new();
        while let Some(piece) = bytes.next().await? {
            buffer.extend(piece);
        }
        let size_bytes = buffer.len() as u64;
        let mut state = self.working_state().map_err(|error| KeepError::Failed(error.into()))?;
        state.objects.insert(key.clone(), buffer);
        Ok(size_bytes)
    }

    async fn read(&self, key: &ObjectKey) -> Result<Option<ObjectBytes>, FilesError> {
        Ok(self.working_state()?.objects.get(key).map(|bytes| ObjectBytes {
            size_bytes: bytes.len() as u64,
            chunks: Box::new(Pieces::of(bytes)),
        }))
    }

    async fn delete(&self, key: &ObjectKey) -> Result<(), FilesError> {
        self.working_state()?.objects.remove(key);
        Ok(())
    }

    async fn delete_hosted(&self, upload_key: &str) -> Result<(), FilesError> {
        self.working_state()?.deleted_hosted.push(upload_key.to_owned());
        Ok(())
    }
}

/// Bytes in small chunks.
#[derive(Debug)]
pub struct Pieces(VecDeque<Result<Vec<u8>, Interrupted>>);

impl Pieces {
    /// All of `bytes`, in chunks of a thousand.
    pub fn of(bytes: &[u8]) -> Self {
        Self(bytes.chunks(1_000).map(|piece| Ok(piece.to_vec())).collect())
    }

    /// The same, then the connection breaks.
    pub fn interrupted_after(bytes: &[u8]) -> Self {
        let mut pieces = Self::of(bytes);
        pieces.0.push_back(Err(Interrupted));
        pieces
    }
}

#[async_trait]
impl Chunks for Pieces {
    async fn next(&mut self) -> Result<Option<Vec<u8>>, Interrupted> {
        self.0.pop_front().transpose()
    }
}

/// Generates the same ids in every run: version 7, ascending.
#[derive(Debug, Default)]
pub struct CountingIds(AtomicU64);

impl CountingIds {
    /// Starts at the first id.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Ids for CountingIds {
    fn next(&self) -> Uuid {
        let count = self.0.fetch_add(1, Relaxed) + 1;
        Builder::from_unix_timestamp_millis(count, &[0; 10]).into_uuid()
    }
}

/// The id of a person.
pub fn user(id: &str) -> UserId {
    UserId::parse(id).expect("tests name people well")
}

/// A salon with a display name.
pub fn salon(id: &str) -> Participant {
    let profile = Profile { salon_name: Some(format!("Salon {id}")), ..Profile::default() };
    Participant::new(user(id), Role::SalonOwner, profile)
}

/// A client with given and family name.
pub fn client(id: &str) -> Participant {
    let profile = Profile {
        first_name: Some("Camille".to_owned()),
        last_name: Some(format!("Roux {id}")),
        ..Profile::default()
    };
    Participant::new(user(id), Role::Client, profile)
}

/// `person` as a caller, with a token that neither expires nor has a profile.
pub fn caller(person: &Participant) -> Caller {
    Caller {
        user: person.id.clone(),
        role: person.role,
        issued_at: None,
        expires_at: None,
        profile: Profile::default(),
    }
}

/// A mail sender that keeps every mail.
#[derive(Debug, Default)]
pub struct MemoryMailSender(Mutex<OutboxState>);

#[derive(Debug, Default)]
struct OutboxState {
    delivered: Vec<Email>,
    refusals: VecDeque<DeliveryError>,
}

impl MemoryMailSender {
    /// Without any mail.
    pub fn new() -> Self {
        Self::default()
    }

    /// The mails delivered since the last call, in order.
    pub fn take(&self) -> Vec<Email> {
        mem::take(&mut self.lock().delivered)
    }

    /// Makes the next delivery fail. Called several times, several fail, in that order.
    pub fn refuse_next(&self, error: DeliveryError) {
        self.lock().refusals.push_back(error);
    }

    /// Accepts every mail from now on.
    pub fn accept_all(&self) {
        self.lock().refusals.clear();
    }

    fn lock(&self) -> MutexGuard<'_, OutboxState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl MailSender for MemoryMailSender {
    async fn deliver(&self, email: &Email) -> Result<(), DeliveryError> {
        let mut state = self.lock();
        if let Some(error) = state.refusals.pop_front() {
            return Err(error);
        }
        state.delivered.push(email.clone());
        Ok(())
    }
}

/// All services over a given store, with fakes of everything else.
#[derive(Clone)]
pub struct Service {
    /// The services; also reached by dereferencing: `service.messaging`.
    pub services: Services,
    /// The store.
    pub store: Arc<dyn Store>,
    /// The fan-out they publish to.
    pub fanout: Arc<RecordingFanout>,
    /// Their clock.
    pub clock: Arc<FixedClock>,
}

impl Deref for Service {
    type Target = Services;

    fn deref(&self) -> &Services {
        &self.services
    }
}

impl DerefMut for Service {
    fn deref_mut(&mut self) -> &mut Services {
        &mut self.services
    }
}

impl Service {
    /// The services over `store`.
    pub fn over(store: Arc<dyn Store>) -> Self {
        let fanout = Arc::new(RecordingFanout::new());
        let clock = Arc::new(FixedClock::ticking());
        let ids = Arc::new(CountingIds::new());
        let services = Services::new(store.clone(), fanout.clone(), clock.clone(), ids);
        Self { services, store, fanout, clock }
    }

    /// Adds or updates `person` in the directory.
    pub async fn add_participant(&self, person: &Participant) {
        let stored = self.store.upsert_participant(person, self.clock.now()).await;
        stored.expect("the store works");
    }

    /// Opens a conversation without a subject between two people, after adding them to the
    /// directory.
    pub async fn open(&self, salon_id: &str, client_id: &str) -> ConversationId {
        let (salon, client) = (salon(salon_id), client(client_id));
        self.add_participant(&salon).await;
        self.add_participant(&client).await;
        let new = NewConversation {
            client: client.id,
            appointment: None,
            subject: None,
            first_message: None,
        };
        let opened = self.messaging.open_conversation(&caller(&salon), new).await;
        opened.expect("a salon opens conversations").conversation.id
    }
}

crate::opaque_debug!(Service);

/// The id and the participants of a conversation.
pub fn conversation_parties(
    id: &str,
    salon_id: &str,
    client_id: &str,
) -> (ConversationId, Parties) {
    let id = ConversationId::parse(id).expect("tests name conversations well");
    let parties = Parties { salon: user(salon_id), client: user(client_id) };
    (id, parties)
}

/// An unread text by the client `author`, the first in its conversation.
pub fn unread_message(author: &str, words: &str) -> Message {
    Message {
        id: MessageId::parse("message").expect("a good id"),
        conversation: ConversationId::parse("conversation").expect("a good id"),
        seq: Seq::ZERO.next().next(),
        author: client(author),
        kind: MessageKind::Text,
        content: content(words),
        notice: None,
        attachments: vec![],
        created_at: Timestamp::UNIX_EPOCH,
        is_read: false,
        read_at: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_version_7_and_ascending() {
        let ids = CountingIds::new();
        let (first, second) = (ids.next(), ids.next());
        assert!(first < second);
        assert_eq!(first.get_version_num(), 7);
        assert_eq!(CountingIds::new().next(), first);
    }
}
