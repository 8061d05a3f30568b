//! The statements that posts and read marks need. A session prepares them when it is opened.

macro_rules! heads {
    ($lock:literal) => {
        concat!(
            "SELECT id::text, salon_id::text, client_id::text, appointment_id::text, subject::text,
                status::text, created_at, updated_at, last_message_at, last_seq,
                salon_read_seq, client_read_seq, salon_message_seq, client_message_seq,
                message_count, unread_by_salon, unread_by_client, deleted_at IS NOT NULL,
                pg_current_xact_id()::text
            FROM messaging.conversation WHERE id = ANY ($1::text[]) ORDER BY id ",
            $lock
        )
    };
}

/// Locks conversations, all of them.
pub(super) const HEADS: &str = heads!("FOR NO KEY UPDATE");
/// Locks those that nobody else has locked.
pub(super) const HEADS_UNLOCKED: &str = heads!("FOR NO KEY UPDATE SKIP LOCKED");

macro_rules! person {
    () => {
        "a.id::text, a.role, a.first_name, a.last_name, a.salon_name, a.image, a.email, a.language,
            a.zone, a.is_forgotten"
    };
}

// A plan is kept for the life of a session, and may have been made while tables were empty, when any way
// to join seems as good as another. So these statements leave no choice: a row is looked up by a constant
// array of ids, or in a subquery with a limit, which is run for each row before it.

/// For each post: its author, whether they and the other participant asked to be forgotten, and the
/// message of its key.
pub(super) const POSTS: &str = concat!(
    "SELECT k.place, known.id::text, gone.person_id IS NOT NULL, other_gone.person_id IS NOT NULL, ",
    person!(),
    " FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY
        AS k (conversation, author, key, place)
    JOIN messaging.conversation AS c ON c.id = k.conversation AND c.id = ANY ($1::text[])
    LEFT JOIN LATERAL (
        SELECT * FROM messaging.participant WHERE id = k.author LIMIT 1
    ) AS a ON true
    LEFT JOIN LATERAL (
        SELECT person_id FROM messaging.erasure WHERE person_id = k.author LIMIT 1
    ) AS gone ON true
    LEFT JOIN LATERAL (
        SELECT person_id FROM messaging.erasure
        WHERE person_id = CASE WHEN c.salon_id = k.author THEN c.client_id ELSE c.salon_id END LIMIT 1
    ) AS other_gone ON true
    LEFT JOIN LATERAL (
        SELECT m.id FROM messaging.message AS m
        WHERE m.conversation_id = k.conversation AND m.client_message_id = k.key
            AND m.author_side = CASE WHEN c.salon_id = k.author THEN 'salon' ELSE 'client' END
        LIMIT 1
    ) AS known ON true"
);

/// For each mark: how many messages of the other side stay unread, and whether the reader asked to be
/// forgotten. A position beyond all others means everything.
pub(super) const MARKS: &str = "
SELECT k.place, (
    SELECT count(*) FROM messaging.message AS m
    WHERE m.conversation_id = k.conversation AND m.deleted_at IS NULL
        AND m.author_side = CASE WHEN c.salon_id = k.reader THEN 'client' ELSE 'salon' END
        AND m.seq > greatest(k.seq,
            CASE WHEN c.salon_id = k.reader THEN c.salon_read_seq ELSE c.client_read_seq END)
), EXISTS (SELECT FROM messaging.erasure WHERE person_id = k.reader)
FROM unnest($1::text[], $2::text[], $3::bigint[]) WITH ORDINALITY
    AS k (conversation, reader, seq, place)
JOIN messaging.conversation AS c ON c.id = k.conversation AND c.id = ANY ($1::text[])";

/// People by their ids.
pub(super) const PEOPLE: &str =
    concat!("SELECT ", person!(), " FROM messaging.participant AS a WHERE a.id = ANY ($1::text[])");

pub(super) const MESSAGES: &str = "
INSERT INTO messaging.message (id, conversation_id, seq, author_side, kind, content, notice,
    attachment_count, client_message_id, created_at, read_at)
SELECT id, conversation, seq, side, kind, content, notice::jsonb, attachments, key, created_at, read_at
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[],
    $8::smallint[], $9::text[], $10::timestamptz[], $11::timestamptz[])
    AS m (id, conversation, seq, side, kind, content, notice, attachments, key, created_at, read_at)";

pub(super) const ATTACHMENTS: &str = "
INSERT INTO messaging.attachment (id, message_id, position, name, media_type, size_bytes,
    url, upload_key, object_key, thumbnail_key, width_px, height_px, thumbnail_type)
SELECT * FROM unnest($1::text[], $2::text[], $3::smallint[], $4::text[], $5::text[], $6::integer[],
    $7::text[], $8::text[], $9::text[], $10::text[], $11::integer[], $12::integer[], $13::text[])";

/// Messages that are inserted as read have their time already.
pub(super) const READ: &str = "
UPDATE messaging.message AS m SET read_at = (
    SELECT r.at
    FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::timestamptz[])
        AS r (conversation, side, after, up_to, at)
    WHERE m.conversation_id = r.conversation AND m.author_side = r.side
        AND m.seq > r.after AND m.seq <= r.up_to
    LIMIT 1
)
WHERE m.id = ANY (ARRAY(
    SELECT unread.id
    FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[])
        AS r (conversation, side, after, up_to)
    CROSS JOIN LATERAL (
        SELECT x.id FROM messaging.message AS x
        WHERE x.conversation_id = r.conversation AND x.author_side = r.side
            AND x.seq > r.after AND x.seq <= r.up_to AND x.deleted_at IS NULL AND x.read_at IS NULL
        OFFSET 0
    ) AS unread
))";

pub(super) const EVENTS: &str = "
INSERT INTO messaging.event
    (conversation_id, seq, kind, actor_id, at, message_id, read_up_to, read_several, salon_id, client_id)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::timestamptz[], $6::text[],
    $7::bigint[], $8::boolean[], $9::text[], $10::text[])";

pub(super) const UPDATE: &str = "
UPDATE messaging.conversation AS c SET
    subject = u.subject, status = u.status, updated_at = u.updated_at,
    last_message_at = u.last_message_at, last_seq = u.last_seq,
    salon_read_seq = u.salon_read, client_read_seq = u.client_read,
    salon_message_seq = u.salon_newest, client_message_seq = u.client_newest,
    message_count = u.messages,
    unread_by_salon = u.salon_unread, unread_by_client = u.client_unread,
    deleted_at = coalesce(c.deleted_at, u.deleted_at)
FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::bigint[],
    $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[],
    $13::bigint[], $14::timestamptz[])
    AS u (id, subject, status, updated_at, last_message_at, last_seq, salon_read, client_read,
        salon_newest, client_newest, messages, salon_unread, client_unread, deleted_at)
WHERE c.id = u.id AND c.id = ANY ($1::text[])";

/// One row for each conversation, however much is posted: its count says that more came.
pub(super) const MAIL: &str = "
INSERT INTO messaging.pending_mail AS pending (recipient_id, conversation_id, message_count, since)
SELECT * FROM unnest($1::text[], $2::text[], $3::integer[], $4::timestamptz[])
ON CONFLICT (recipient_id, conversation_id)
    DO UPDATE SET message_count = pending.message_count + excluded.message_count";
