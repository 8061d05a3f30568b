//! What commands need to know beyond the heads, read after the locks were taken.

use domain::{
    appointments::store::NewestHandled,
    conversation::{
        Side,
        attachment::Attachment,
        ledger::{
            Booking, Command, Facts, HandledEvent, Head, MessagePlace, PerSide, Post, ReadTarget,
            Remaining,
        },
    },
    ids::{
        AppointmentEventId, AppointmentId, AttachmentId, ClientMessageId, ConversationId,
        MessageId, Seq, UserId,
    },
    participant::{Language, Participant, Profile, Role},
    time::Zone,
};
use tokio_postgres::Row;

use super::{item::Item, session::Session, statements::PEOPLE};
use crate::{
    error::Failure,
    lock::decoded,
    row::{self, Author, PgTimestamp, side_word},
};

/// The facts of posts without uploads and of read marks, in the order of `items`. Asks nothing when
/// there is none of either.
pub(super) async fn of_batch(session: &Session, items: &[Item<'_>]) -> Result<Vec<Facts>, Failure> {
    let (mut posts, mut marks) = (Posts::default(), Marks::default());
    for (index, item) in items.iter().enumerate() {
        match item.command {
            Command::Post(post) => posts.add(index, item.conversation, post),
            Command::MarkRead { reader, target } => {
                let seq = match target {
                    ReadTarget::UpTo(seq) => seq.get(),
                    ReadTarget::Everything => i64::MAX,
                };
                marks.add(index, item.conversation, reader, seq);
            }
            _ => {}
        }
    }
    let (of_posts, of_marks) = futures_util::join!(posts.read(session), marks.read(session));
    let mut facts = vec![Facts::default(); items.len()];
    for (index, read) in of_posts?.into_iter().chain(of_marks?) {
        facts[index] = read;
    }
    Ok(facts)
}

#[derive(Default)]
struct Posts<'w> {
    indices: Vec<usize>,
    conversations: Vec<&'w str>,
    authors: Vec<&'w str>,
    keys: Vec<Option<&'w str>>,
}

impl<'w> Posts<'w> {
    fn add(&mut self, index: usize, conversation: &'w ConversationId, post: &'w Post) {
        self.indices.push(index);
        self.conversations.push(conversation.as_str());
        self.authors.push(post.author.as_str());
        self.keys.push(post.draft.key().map(ClientMessageId::as_str));
    }

    async fn read(&self, session: &Session) -> Result<Vec<(usize, Facts)>, Failure> {
        if self.indices.is_empty() {
            return Ok(vec![]);
        }
        let statement = &session.hot().posts;
        let rows =
            session.query(statement, &[&self.conversations, &self.authors, &self.keys]).await?;
        let facts = rows.iter().map(|row| {
            let keyed: Option<&str> = row.try_get(1)?;
            let keyed = keyed.map(|id| decoded("id", MessageId::parse(id))).transpose()?;
            let people = person(row, 4)?.into_iter().collect();
            let (is_erased, is_other_erased) = (row.try_get(2)?, row.try_get(3)?);
            let facts = Facts { people, is_erased, is_other_erased, keyed, ..Facts::default() };
            Ok((index_of(row, &self.indices)?, facts))
        });
        facts.collect()
    }
}

#[derive(Default)]
struct Marks<'w> {
    indices: Vec<usize>,
    conversations: Vec<&'w str>,
    readers: Vec<&'w str>,
    seqs: Vec<i64>,
}

impl<'w> Marks<'w> {
    fn add(
        &mut self,
        index: usize,
        conversation: &'w ConversationId,
        reader: &'w UserId,
        seq: i64,
    ) {
        self.indices.push(index);
        self.conversations.push(conversation.as_str());
        self.readers.push(reader.as_str());
        self.seqs.push(seq);
    }

    async fn read(&self, session: &Session) -> Result<Vec<(usize, Facts)>, Failure> {
        if self.indices.is_empty() {
            return Ok(vec![]);
        }
        let statement = &session.hot().marks;
        let rows =
            session.query(statement, &[&self.conversations, &self.readers, &self.seqs]).await?;
        let facts = rows.iter().map(|row| {
            let unread_beyond = decoded("count", u64::try_from(row.try_get::<_, i64>(1)?))?;
            let facts = Facts { is_erased: row.try_get(2)?, unread_beyond, ..Facts::default() };
            Ok((index_of(row, &self.indices)?, facts))
        });
        facts.collect()
    }
}

/// Which item the row is about, by its place among the `indices`, from 1.
fn index_of(row: &Row, indices: &[usize]) -> Result<usize, Failure> {
    let place = usize::try_from(row.try_get::<_, i64>(0)?).ok();
    let index = place.and_then(|place| indices.get(place.checked_sub(1)?));
    decoded("place", index.copied())
}

/// The person in the columns from `first` on; `None` when the directory does not know them.
fn person(row: &Row, first: usize) -> Result<Option<Participant>, Failure> {
    let Some(id) = row.try_get::<_, Option<&str>>(first)? else { return Ok(None) };
    let text = |offset: usize| row.try_get::<_, Option<String>>(first + offset);
    let (language, zone) = (text(7)?, text(8)?);
    let language = language.map(|word| decoded("language", Language::of_locale(&word)));
    let zone = zone.map(|name| decoded("zone", Zone::parse(&name)));
    let profile = Profile {
        first_name: text(2)?,
        last_name: text(3)?,
        salon_name: text(4)?,
        image: text(5)?,
        email: text(6)?,
        language: language.transpose()?,
        zone: zone.transpose()?,
    };
    let role: &str = row.try_get(first + 1)?;
    let id = decoded("id", UserId::parse(id))?;
    let is_forgotten = row.try_get(first + 9)?;
    Ok(Some(Participant { is_forgotten, ..Participant::new(id, Role::parse(role), profile) }))
}

// The facts of one command in a transaction of its own.

const BOOKED: &str = "
SELECT id::text FROM messaging.conversation
WHERE salon_id = $1::text AND appointment_id = $2::text AND deleted_at IS NULL";

/// Sending them is the end of uploads, so they are locked; in one order, so that two sends never
/// deadlock.
const UPLOADS: &str = "
SELECT to_jsonb(u)::text FROM messaging.upload AS u
WHERE u.id = ANY ($1::text[]) AND u.owner_id = $2::text AND u.media_type IS NOT NULL
ORDER BY u.id FOR UPDATE";

const UNHANDLED: &str = "
SELECT salon_id::text, appointment_id::text FROM messaging.appointment_event
WHERE id = $1::text AND handled_at IS NULL FOR UPDATE";

const NEWEST_HANDLED: &str = "
SELECT id::text, occurred_at, kind = 'cancelled' FROM messaging.appointment_event
WHERE salon_id = $1::text AND appointment_id = $2::text
    AND handled_at IS NOT NULL AND kind NOT IN ('completed', 'no-show')
ORDER BY occurred_at DESC, id DESC LIMIT 1";

/// A hold on the salon that is being set at this moment comes first, or waits until this is done.
const HOLDS_SETTLED: &str =
    "SELECT pg_advisory_xact_lock_shared(hashtextextended('hold ' || $1::text, 0))::text";

const HELD: &str = "
SELECT EXISTS (SELECT FROM messaging.held_conversation WHERE conversation_id = $1::text)
    OR EXISTS (SELECT FROM messaging.salon_retention WHERE salon_id = $2::text AND is_held)";

const ERASED: &str = "SELECT EXISTS (SELECT FROM messaging.erasure WHERE person_id = $1::text)";

const MESSAGE: &str = "
SELECT id::text, author_side::text, seq FROM messaging.message
WHERE conversation_id = $1::text AND id = $2::text AND deleted_at IS NULL";

/// The oldest messages of the given sides. A short walk for each side: what was deleted before is
/// skipped, however much that is.
const OLDEST: &str = "
SELECT oldest.id::text, oldest.author_side::text, oldest.seq
FROM unnest($2::text[]) AS side (word)
CROSS JOIN LATERAL (
    SELECT id, author_side, seq FROM messaging.message
    WHERE conversation_id = $1::text AND author_side = side.word AND deleted_at IS NULL
    ORDER BY seq LIMIT $3::bigint
) AS oldest
ORDER BY oldest.seq LIMIT $3::bigint";

/// The newest message of each side but some.
const REMAINING: &str = "
SELECT side.word, newest.seq, newest.created_at
FROM unnest(ARRAY['salon', 'client']) AS side (word)
CROSS JOIN LATERAL (
    SELECT seq, created_at FROM messaging.message
    WHERE conversation_id = $1::text AND author_side = side.word AND deleted_at IS NULL
        AND id <> ALL ($2::text[])
    ORDER BY seq DESC LIMIT 1
) AS newest";

/// The facts of `item` on the conversation that is locked, or not opened yet.
pub(super) async fn of_one(
    session: &Session,
    item: &Item<'_>,
    head: &Head,
) -> Result<Facts, Failure> {
    let parties = &head.conversation.parties;
    Ok(match item.command {
        Command::Open(open) => {
            let people = people(session, &[&parties.salon, &parties.client]).await?;
            let booked = booked(session, &parties.salon, open.appointment.as_ref()).await?;
            let booking = booking(session, open.handles.as_ref()).await?;
            Facts { people, conversation_of_booking: booked, booking, ..Facts::default() }
        }
        Command::Post(post) => {
            let mut posts = Posts::default();
            posts.add(0, item.conversation, post);
            session.count_round_trip();
            let facts = posts.read(session).await?.pop().map(|(_, facts)| facts);
            let uploads = uploads(session, post).await?;
            Facts { uploads, ..facts.unwrap_or_default() }
        }
        Command::MarkRead { .. } => {
            session.count_round_trip();
            of_batch(session, std::slice::from_ref(item)).await?.pop().unwrap_or_default()
        }
        Command::DeleteMessage { message, by } => {
            let facts = Facts { is_erased: is_erased(session, by).await?, ..Facts::default() };
            let rows =
                session.rows(MESSAGE, &[&item.conversation.as_str(), &message.as_str()]).await?;
            with_remaining(session, item.conversation, &rows, facts).await?
        }
        Command::Edit { by, .. } | Command::DeleteConversation { by } => {
            Facts { is_erased: is_erased(session, by).await?, ..Facts::default() }
        }
        Command::PostNotice(notice) => {
            let people = people(session, &[&parties.salon, &parties.client]).await?;
            let booking = booking(session, notice.handles.as_ref()).await?;
            Facts { people, booking, ..Facts::default() }
        }
        Command::ArchiveForAge { .. } => {
            let people = people(session, &[&parties.salon]).await?;
            Facts { people, is_held: is_held(session, head).await?, ..Facts::default() }
        }
        Command::Purge { messages_max, .. } => {
            let is_held = is_held(session, head).await?;
            let facts = Facts { is_held, ..Facts::default() };
            let sides = [Side::Salon, Side::Client];
            oldest(session, item.conversation, &sides, *messages_max, facts).await?
        }
        Command::Erase { person, messages_max } => {
            let is_erased = is_erased(session, person).await?;
            let facts = Facts { is_erased, ..Facts::default() };
            let sides: Vec<_> = parties.side_of(person).into_iter().collect();
            oldest(session, item.conversation, &sides, *messages_max, facts).await?
        }
    })
}

async fn people(session: &Session, ids: &[&UserId]) -> Result<Vec<Participant>, Failure> {
    let ids: Vec<_> = ids.iter().map(|id| id.as_str()).collect();
    let rows = session.rows(PEOPLE, &[&ids]).await?;
    rows.iter().filter_map(|row| person(row, 0).transpose()).collect()
}

async fn is_erased(session: &Session, person: &UserId) -> Result<bool, Failure> {
    let rows = session.rows(ERASED, &[&person.as_str()]).await?;
    let is_erased = rows.first().map(|row| row.try_get(0)).transpose()?;
    Ok(is_erased.unwrap_or_default())
}

async fn booked(
    session: &Session,
    salon: &UserId,
    appointment: Option<&AppointmentId>,
) -> Result<Option<ConversationId>, Failure> {
    let Some(appointment) = appointment else { return Ok(None) };
    let rows = session.rows(BOOKED, &[&salon.as_str(), &appointment.as_str()]).await?;
    let id = rows.first().map(|row| row.try_get::<_, &str>(0)).transpose()?;
    id.map(|id| decoded("id", ConversationId::parse(id))).transpose()
}

async fn booking(session: &Session, event: Option<&HandledEvent>) -> Result<Booking, Failure> {
    let Some(handled) = event else { return Ok(Booking::default()) };
    let rows = session.rows(UNHANDLED, &[&handled.event.as_str()]).await?;
    let Some(row) = rows.first() else {
        return Ok(Booking { is_handled: true, newest_handled: None });
    };
    let (salon, appointment): (&str, &str) = (row.try_get(0)?, row.try_get(1)?);
    let rows = session.rows(NEWEST_HANDLED, &[&salon, &appointment]).await?;
    let newest_handled = rows.first().map(newest_handled).transpose()?;
    Ok(Booking { is_handled: false, newest_handled })
}

fn newest_handled(row: &Row) -> Result<NewestHandled, Failure> {
    Ok(NewestHandled {
        event: decoded("id", AppointmentEventId::parse(row.try_get(0)?))?,
        occurred_at: row.try_get::<_, PgTimestamp>(1)?.0,
        cancelled: row.try_get(2)?,
    })
}

async fn uploads(session: &Session, post: &Post) -> Result<Vec<Attachment>, Failure> {
    let ids: Vec<_> = post.draft.uploads().map(AttachmentId::as_str).collect();
    if ids.is_empty() {
        return Ok(vec![]);
    }
    let rows = session.rows(UPLOADS, &[&ids, &post.author.as_str()]).await?;
    let upload = |row: &Row| {
        let upload = serde_json::from_str(row.try_get(0)?).ok().and_then(row::attachment);
        decoded("upload", upload)
    };
    rows.iter().map(upload).collect()
}

async fn is_held(session: &Session, head: &Head) -> Result<bool, Failure> {
    let (id, salon) = (&head.conversation.id, &head.conversation.parties.salon);
    session.rows(HOLDS_SETTLED, &[&salon.as_str()]).await?;
    let rows = session.rows(HELD, &[&id.as_str(), &salon.as_str()]).await?;
    let is_held = rows.first().map(|row| row.try_get(0)).transpose()?;
    Ok(is_held.unwrap_or_default())
}

async fn oldest(
    session: &Session,
    conversation: &ConversationId,
    sides: &[Side],
    messages_max: u32,
    facts: Facts,
) -> Result<Facts, Failure> {
    let sides: Vec<_> = sides.iter().map(|side| side_word(*side)).collect();
    let messages_max = i64::from(messages_max);
    let rows = session.rows(OLDEST, &[&conversation.as_str(), &sides, &messages_max]).await?;
    with_remaining(session, conversation, &rows, facts).await
}

/// `facts` with the messages in `rows`, which are to be deleted, and what remains without them.
async fn with_remaining(
    session: &Session,
    conversation: &ConversationId,
    rows: &[Row],
    facts: Facts,
) -> Result<Facts, Failure> {
    let messages = rows.iter().map(place).collect::<Result<Vec<_>, Failure>>()?;
    let ids: Vec<_> = messages.iter().map(|place| place.id.as_str()).collect();
    let rows = session.rows(REMAINING, &[&conversation.as_str(), &ids]).await?;
    let mut remaining = Remaining::default();
    for row in &rows {
        let seq = decoded("seq", Seq::new(row.try_get(1)?))?;
        match side(row.try_get(0)?)? {
            Some(Side::Salon) => remaining.newest.salon = seq,
            Some(Side::Client) => remaining.newest.client = seq,
            None => {}
        }
        let PerSide { salon, client } = remaining.newest;
        if seq >= salon && seq >= client {
            remaining.newest_at = Some(row.try_get::<_, PgTimestamp>(2)?.0);
        }
    }
    Ok(Facts { messages, remaining, ..facts })
}

fn place(row: &Row) -> Result<MessagePlace, Failure> {
    Ok(MessagePlace {
        id: decoded("id", MessageId::parse(row.try_get(0)?))?,
        author: side(row.try_get(1)?)?,
        seq: decoded("seq", Seq::new(row.try_get(2)?))?,
    })
}

/// The side that wrote a message; `None` for the platform.
fn side(word: &str) -> Result<Option<Side>, Failure> {
    Ok(decoded("author_side", Author::parse(word))?.side())
}
