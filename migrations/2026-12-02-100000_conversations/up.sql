-- People, conversations, messages with their files, uploads, and the log of each conversation.
-- Constraints hold what must be true whoever writes. PostgreSQL prepares the checks of a table again for
-- every statement that writes it, so the tables that are written all day have few and short ones.

CREATE SCHEMA IF NOT EXISTS messaging;

-- An id as it goes over the wire. Compared byte by byte: its order is the same on every machine.
-- The column where an id is created has this type; a column that refers to it is text of the same
-- collation, because the form was checked once.
CREATE DOMAIN messaging.id AS text COLLATE "C"
    CONSTRAINT id_form CHECK (value ~ '^[A-Za-z0-9_-]{1,64}$');

-- Domains, because PostgreSQL keeps their checks prepared.
CREATE DOMAIN messaging.subject AS text CONSTRAINT subject_length CHECK (char_length(value) BETWEEN 1 AND 200);
CREATE DOMAIN messaging.status AS text CONSTRAINT status_word CHECK (value IN ('ACTIVE', 'ARCHIVED'));
-- Who wrote a message. 'platform' is neither side: nobody has it unread, and the newest message of a side
-- is never one of these.
CREATE DOMAIN messaging.side AS text CONSTRAINT side_word CHECK (value IN ('salon', 'client', 'platform'));
CREATE DOMAIN messaging.message_kind AS text
    CONSTRAINT message_kind_word CHECK (value IN ('TEXT', 'SYSTEM', 'IMAGE', 'FILE'));
CREATE DOMAIN messaging.content AS text CONSTRAINT content_length CHECK (char_length(value) <= 10000);
CREATE DOMAIN messaging.event_kind AS text CONSTRAINT event_kind_word CHECK (value IN (
    'conversation_opened', 'conversation_updated', 'conversation_deleted',
    'message_posted', 'message_deleted', 'messages_read'
));
-- The key of an object in the storage of files.
CREATE DOMAIN messaging.object_key AS text COLLATE "C"
    CONSTRAINT object_key_form CHECK (value ~ '^[a-z0-9-]+(/[a-z0-9-]+)*$' AND octet_length(value) <= 128);

-- The directory of people, from the platform and from tokens.
CREATE TABLE messaging.participant (
    id messaging.id PRIMARY KEY,
    role text NOT NULL CHECK (char_length(role) BETWEEN 1 AND 32),
    first_name text CHECK (char_length(first_name) <= 200),
    last_name text CHECK (char_length(last_name) <= 200),
    salon_name text CHECK (char_length(salon_name) <= 200),
    image text CHECK (char_length(image) <= 2048),
    email text CHECK (char_length(email) <= 254),
    -- In which language, and by which time zone, mail is written to them.
    language text CONSTRAINT participant_language_form CHECK (language ~ '^[a-z]{2}$'),
    zone text CONSTRAINT participant_zone_length CHECK (char_length(zone) BETWEEN 1 AND 64),
    -- A forgotten person is shown as such, not as somebody whose name is unknown.
    is_forgotten boolean NOT NULL DEFAULT false,
    created_at timestamptz(3) NOT NULL,
    updated_at timestamptz(3) NOT NULL
);

-- An address in the form in which it is compared: mail servers ignore case.
CREATE FUNCTION messaging.mail_address(p_address text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT lower(btrim(p_address, E' \t\r\n')) $$;

-- Everybody who has an address, for mail that comes back from it.
CREATE INDEX participant_of_address ON messaging.participant (messaging.mail_address(email), id);

-- A conversation, with the state of its log, of its readers and of its newest messages. Every change of a
-- conversation locks this row first, so positions have no gap and the counters cannot drift.
CREATE TABLE messaging.conversation (
    id messaging.id PRIMARY KEY,
    salon_id messaging.id NOT NULL REFERENCES messaging.participant (id),
    client_id messaging.id NOT NULL REFERENCES messaging.participant (id),
    appointment_id messaging.id,
    subject messaging.subject,
    status messaging.status NOT NULL,
    created_at timestamptz(3) NOT NULL,
    updated_at timestamptz(3) NOT NULL,
    last_message_at timestamptz(3) NOT NULL,
    -- The newest position of the log.
    last_seq bigint NOT NULL,
    -- How far each side has read.
    salon_read_seq bigint NOT NULL DEFAULT 0,
    client_read_seq bigint NOT NULL DEFAULT 0,
    -- The position of the newest message of each side that was not deleted; 0 when there is none.
    salon_message_seq bigint NOT NULL DEFAULT 0,
    client_message_seq bigint NOT NULL DEFAULT 0,
    -- The number of messages that were not deleted.
    message_count bigint NOT NULL DEFAULT 0,
    deleted_at timestamptz(3),
    CONSTRAINT conversation_sides_differ CHECK (salon_id <> client_id),
    CONSTRAINT conversation_positions_exist CHECK (
        least(salon_read_seq, client_read_seq, salon_message_seq, client_message_seq, message_count) >= 0
        AND greatest(salon_read_seq, client_read_seq, salon_message_seq, client_message_seq, 1) <= last_seq
    ),
    -- Without a message neither side has a newest one; a deleted conversation has neither.
    CONSTRAINT conversation_deleted_is_empty CHECK (
        deleted_at IS NULL
        OR (subject IS NULL AND greatest(message_count, salon_message_seq, client_message_seq) = 0)
    )
) WITH (fillfactor = 75);

CREATE UNIQUE INDEX conversation_of_appointment ON messaging.conversation (salon_id, appointment_id)
    WHERE appointment_id IS NOT NULL AND deleted_at IS NULL;

-- The lists, for each side: a page is one short walk, and counting uses the index alone.
CREATE INDEX conversation_of_salon
    ON messaging.conversation (salon_id, status, last_message_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX conversation_of_client
    ON messaging.conversation (client_id, status, last_message_at DESC, id DESC) WHERE deleted_at IS NULL;

-- The conversations with something unread. Few rows, so totals are cheap however long a history is.
CREATE INDEX conversation_unread_by_salon ON messaging.conversation (salon_id)
    WHERE deleted_at IS NULL AND client_message_seq > salon_read_seq;
CREATE INDEX conversation_unread_by_client ON messaging.conversation (client_id)
    WHERE deleted_at IS NULL AND salon_message_seq > client_read_seq;

-- A message. A deleted one stays as a position and a key, without its content. Its author is a side: the
-- conversation says who that is, and the row of a busy salon is not locked by each of its messages.
CREATE TABLE messaging.message (
    id messaging.id PRIMARY KEY,
    conversation_id text COLLATE "C" NOT NULL REFERENCES messaging.conversation (id),
    seq bigint NOT NULL,
    author_side messaging.side NOT NULL,
    kind messaging.message_kind NOT NULL,
    content messaging.content NOT NULL,
    -- What a message of the platform means. It is deleted with the content.
    notice jsonb,
    attachment_count smallint NOT NULL DEFAULT 0,
    client_message_id messaging.id,
    created_at timestamptz(3) NOT NULL,
    read_at timestamptz(3),
    deleted_at timestamptz(3),
    CONSTRAINT message_position UNIQUE (conversation_id, seq),
    -- A message has content or files exactly as long as it is not deleted.
    CONSTRAINT message_says_something CHECK (
        (content <> '' OR attachment_count > 0) = (deleted_at IS NULL)
    ),
    CONSTRAINT message_notice_is_the_platform_s
        CHECK (notice IS NULL OR kind = 'SYSTEM' AND deleted_at IS NULL),
    CONSTRAINT message_bounds CHECK (seq > 0 AND attachment_count BETWEEN 0 AND 5)
) WITH (fillfactor = 90);

CREATE UNIQUE INDEX message_sent_once
    ON messaging.message (conversation_id, author_side, client_message_id)
    WHERE client_message_id IS NOT NULL;
CREATE INDEX message_of_side ON messaging.message (conversation_id, author_side, seq)
    WHERE deleted_at IS NULL;

-- A picture that was uploaded and not sent yet (D16). When it is sent it becomes an attachment of the
-- same id.
CREATE TABLE messaging.upload (
    id messaging.id PRIMARY KEY,
    -- Whoever shows a token may upload, so this need not be in the directory.
    owner_id messaging.id NOT NULL,
    name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 255),
    object_key messaging.object_key NOT NULL,
    thumbnail_key messaging.object_key NOT NULL,
    begun_at timestamptz(3) NOT NULL,
    -- What was read from the bytes, when they were stored.
    media_type text CHECK (media_type ~ '^image/[a-z]{1,16}$'),
    size_bytes integer CHECK (size_bytes BETWEEN 1 AND 10485760),
    width_px integer CHECK (width_px > 0),
    height_px integer CHECK (height_px > 0),
    thumbnail_type text CHECK (thumbnail_type ~ '^image/[a-z]{1,16}$'),
    CONSTRAINT upload_is_kept_or_not
        CHECK (num_nonnulls(media_type, size_bytes, width_px, height_px, thumbnail_type) IN (0, 5))
);
CREATE INDEX upload_of_owner ON messaging.upload (owner_id);
CREATE INDEX upload_by_time ON messaging.upload (begun_at);

-- A file of a message, at the upload service (`url`) or in our own storage (`object_key`). The form of
-- those keys was checked with the upload.
CREATE TABLE messaging.attachment (
    id messaging.id PRIMARY KEY,
    message_id messaging.id NOT NULL REFERENCES messaging.message (id),
    position smallint NOT NULL CHECK (position BETWEEN 1 AND 5),
    name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 255),
    media_type text NOT NULL CHECK (media_type ~ '^image/[a-z]{1,16}$'),
    size_bytes integer NOT NULL CHECK (size_bytes BETWEEN 1 AND 10485760),
    url text CHECK (octet_length(url) BETWEEN 1 AND 2048),
    upload_key text CHECK (char_length(upload_key) BETWEEN 1 AND 255),
    object_key text COLLATE "C",
    thumbnail_key text COLLATE "C",
    width_px integer,
    height_px integer,
    thumbnail_type text,
    CONSTRAINT attachment_order UNIQUE (message_id, position),
    CONSTRAINT attachment_is_in_one_place CHECK (CASE WHEN url IS NULL
        THEN upload_key IS NULL AND num_nonnulls(object_key, thumbnail_key, width_px, height_px, thumbnail_type) = 5
        ELSE num_nonnulls(object_key, thumbnail_key, width_px, height_px, thumbnail_type) = 0
    END)
);

-- Whether another message still shows a file of the upload service, before that service is asked to
-- remove it.
CREATE INDEX attachment_upload_key ON messaging.attachment (upload_key) WHERE upload_key IS NOT NULL;

-- The log of each conversation (D5): ids and positions, never content. Its conversation is not a foreign
-- key: every entry is written under the lock of that row, and the check would take the lock again.
CREATE TABLE messaging.event (
    conversation_id text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    kind messaging.event_kind NOT NULL,
    actor_id text COLLATE "C" NOT NULL,
    at timestamptz(3) NOT NULL,
    -- The message that was posted or deleted.
    message_id text COLLATE "C",
    -- Up to which position was read, and whether more than one message became read by it.
    read_up_to bigint,
    read_several boolean,
    PRIMARY KEY (conversation_id, seq),
    CONSTRAINT event_seq_exists CHECK (seq > coalesce(read_up_to, 0)),
    CONSTRAINT event_names_its_message CHECK ((message_id IS NOT NULL) = (kind LIKE 'message\_%')),
    CONSTRAINT event_says_what_was_read CHECK (
        (kind = 'messages_read') = (read_up_to IS NOT NULL)
        AND (kind = 'messages_read') = (read_several IS NOT NULL)
    )
);

-- Changes of conversations in the order of time, for whoever comes back after a short while. Few entries
-- are of these kinds, so posting and reading do not touch the index.
CREATE INDEX event_of_conversation ON messaging.event (at, conversation_id, seq)
    WHERE kind IN ('conversation_opened', 'conversation_updated', 'conversation_deleted');
