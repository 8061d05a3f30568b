-- What is kept: people, conversations, messages with their files, and the log of each conversation.
-- The rules that must hold whoever writes are here as constraints; everything else is the service's.
-- PostgreSQL reads a check anew for every statement that writes its table, so on the tables that are
-- written all day checks are few and short.

CREATE SCHEMA IF NOT EXISTS messaging;

-- An id as it goes over the wire. Compared byte by byte: its order is the same on every machine.
-- Where one is born it has this type; what only names it again is text of the same collation, for
-- the form was checked once.
CREATE DOMAIN messaging.id AS text COLLATE "C"
    CONSTRAINT id_form CHECK (value ~ '^[A-Za-z0-9_-]{1,64}$');

-- Domains, because PostgreSQL keeps their checks ready.
CREATE DOMAIN messaging.subject AS text CONSTRAINT subject_length CHECK (char_length(value) BETWEEN 1 AND 200);
CREATE DOMAIN messaging.status AS text CONSTRAINT status_word CHECK (value IN ('ACTIVE', 'ARCHIVED'));
CREATE DOMAIN messaging.side AS text CONSTRAINT side_word CHECK (value IN ('salon', 'client'));
CREATE DOMAIN messaging.message_kind AS text
    CONSTRAINT message_kind_word CHECK (value IN ('TEXT', 'SYSTEM', 'IMAGE', 'FILE'));
CREATE DOMAIN messaging.content AS text CONSTRAINT content_length CHECK (char_length(value) <= 4000);
CREATE DOMAIN messaging.event_kind AS text CONSTRAINT event_kind_word CHECK (value IN (
    'conversation_opened', 'conversation_updated', 'conversation_deleted',
    'message_posted', 'message_deleted', 'messages_read'
));

CREATE TABLE messaging.participant (
    id messaging.id PRIMARY KEY,
    role text NOT NULL CHECK (char_length(role) BETWEEN 1 AND 32),
    first_name text CHECK (char_length(first_name) <= 200),
    last_name text CHECK (char_length(last_name) <= 200),
    salon_name text CHECK (char_length(salon_name) <= 200),
    image text CHECK (char_length(image) <= 2048),
    email text CHECK (char_length(email) <= 254),
    created_at timestamptz(3) NOT NULL,
    updated_at timestamptz(3) NOT NULL
);

-- A conversation, and where its log, its readers and its newest messages stand. Every change of a
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
    -- Where the newest message of each side is that was not deleted; 0 when there is none.
    salon_message_seq bigint NOT NULL DEFAULT 0,
    client_message_seq bigint NOT NULL DEFAULT 0,
    -- How many messages there are that were not deleted.
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

-- The lists, for each side: a page is one short walk, counting is done in the index alone.
CREATE INDEX conversation_of_salon
    ON messaging.conversation (salon_id, status, last_message_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX conversation_of_client
    ON messaging.conversation (client_id, status, last_message_at DESC, id DESC) WHERE deleted_at IS NULL;

-- Where something waits to be read. Few rows, so badges cost little however long a history is.
CREATE INDEX conversation_unread_by_salon ON messaging.conversation (salon_id)
    WHERE deleted_at IS NULL AND client_message_seq > salon_read_seq;
CREATE INDEX conversation_unread_by_client ON messaging.conversation (client_id)
    WHERE deleted_at IS NULL AND salon_message_seq > client_read_seq;

-- A message. A deleted one stays as a position and a key, without what it said. Its author is a side:
-- who that is says the conversation, and no row of a busy salon is locked by each of its messages.
CREATE TABLE messaging.message (
    id messaging.id PRIMARY KEY,
    conversation_id text COLLATE "C" NOT NULL REFERENCES messaging.conversation (id),
    seq bigint NOT NULL,
    author_side messaging.side NOT NULL,
    kind messaging.message_kind NOT NULL,
    content messaging.content NOT NULL,
    attachment_count smallint NOT NULL DEFAULT 0,
    client_message_id messaging.id,
    created_at timestamptz(3) NOT NULL,
    read_at timestamptz(3),
    deleted_at timestamptz(3),
    CONSTRAINT message_position UNIQUE (conversation_id, seq),
    -- A message says or shows something exactly as long as it is not deleted.
    CONSTRAINT message_says_something CHECK (
        (content <> '' OR attachment_count > 0) = (deleted_at IS NULL)
    ),
    CONSTRAINT message_bounds CHECK (seq > 0 AND attachment_count BETWEEN 0 AND 5)
) WITH (fillfactor = 90);

CREATE UNIQUE INDEX message_sent_once
    ON messaging.message (conversation_id, author_side, client_message_id)
    WHERE client_message_id IS NOT NULL;
CREATE INDEX message_of_side ON messaging.message (conversation_id, author_side, seq)
    WHERE deleted_at IS NULL;

CREATE TABLE messaging.attachment (
    id messaging.id PRIMARY KEY,
    message_id messaging.id NOT NULL REFERENCES messaging.message (id),
    position smallint NOT NULL CHECK (position BETWEEN 1 AND 5),
    name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 255),
    url text NOT NULL CHECK (octet_length(url) BETWEEN 1 AND 2048),
    media_type text NOT NULL CHECK (media_type ~ '^image/[a-z]{1,16}$'),
    size_bytes integer NOT NULL CHECK (size_bytes BETWEEN 1 AND 10485760),
    upload_key text CHECK (char_length(upload_key) BETWEEN 1 AND 255),
    CONSTRAINT attachment_order UNIQUE (message_id, position)
);

-- The log of each conversation (D5): ids and positions, never a text. Its conversation is not a foreign
-- key: every entry is written with that row's lock in hand, and the check would take it again each time.
CREATE TABLE messaging.event (
    conversation_id text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    kind messaging.event_kind NOT NULL,
    actor_id text COLLATE "C" NOT NULL,
    at timestamptz(3) NOT NULL,
    -- The message that was posted or deleted.
    message_id text COLLATE "C",
    -- How far was read, and the newest of the messages that became read by it.
    read_up_to bigint,
    read_message_ids text[],
    PRIMARY KEY (conversation_id, seq),
    CONSTRAINT event_seq_exists CHECK (seq > coalesce(read_up_to, 0)),
    CONSTRAINT event_names_its_message CHECK ((message_id IS NOT NULL) = (kind LIKE 'message\_%')),
    CONSTRAINT event_says_what_was_read CHECK (
        (kind = 'messages_read') = (read_up_to IS NOT NULL)
        AND (kind = 'messages_read') = (coalesce(cardinality(read_message_ids), 0) > 0)
    )
);
