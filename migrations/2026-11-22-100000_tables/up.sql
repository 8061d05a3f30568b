-- What is kept: people, conversations, messages with their files, and the log of each conversation.
-- The rules that must hold whoever writes are here as constraints; everything else is the service's.

CREATE SCHEMA IF NOT EXISTS messaging;

-- An id as it goes over the wire. Compared byte by byte: its order is the same on every machine.
CREATE DOMAIN messaging.id AS text COLLATE "C"
    CONSTRAINT id_form CHECK (value ~ '^[A-Za-z0-9_-]{1,64}$');

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
    subject text CHECK (char_length(subject) BETWEEN 1 AND 200),
    status text NOT NULL CHECK (status IN ('ACTIVE', 'ARCHIVED')),
    created_at timestamptz(3) NOT NULL,
    updated_at timestamptz(3) NOT NULL,
    last_message_at timestamptz(3) NOT NULL,
    -- The newest position of the log.
    last_seq bigint NOT NULL CHECK (last_seq > 0),
    -- How far each side has read.
    salon_read_seq bigint NOT NULL DEFAULT 0,
    client_read_seq bigint NOT NULL DEFAULT 0,
    -- Where the newest message of each side is that was not deleted; 0 when there is none.
    salon_message_seq bigint NOT NULL DEFAULT 0,
    client_message_seq bigint NOT NULL DEFAULT 0,
    -- How many messages there are that were not deleted.
    message_count bigint NOT NULL DEFAULT 0 CHECK (message_count >= 0),
    deleted_at timestamptz(3),
    CONSTRAINT conversation_sides_differ CHECK (salon_id <> client_id),
    CONSTRAINT conversation_positions_exist CHECK (
        salon_read_seq BETWEEN 0 AND last_seq
        AND client_read_seq BETWEEN 0 AND last_seq
        AND salon_message_seq BETWEEN 0 AND last_seq
        AND client_message_seq BETWEEN 0 AND last_seq
    ),
    CONSTRAINT conversation_deleted_is_empty CHECK (
        deleted_at IS NULL
        OR (subject IS NULL AND message_count = 0 AND salon_message_seq = 0 AND client_message_seq = 0)
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
    conversation_id messaging.id NOT NULL REFERENCES messaging.conversation (id),
    seq bigint NOT NULL CHECK (seq > 0),
    author_side text NOT NULL CHECK (author_side IN ('salon', 'client')),
    kind text NOT NULL CHECK (kind IN ('TEXT', 'SYSTEM', 'IMAGE', 'FILE')),
    content text NOT NULL CHECK (char_length(content) <= 4000),
    attachment_count smallint NOT NULL DEFAULT 0 CHECK (attachment_count BETWEEN 0 AND 5),
    client_message_id messaging.id,
    created_at timestamptz(3) NOT NULL,
    read_at timestamptz(3),
    deleted_at timestamptz(3),
    CONSTRAINT message_position UNIQUE (conversation_id, seq),
    CONSTRAINT message_says_something CHECK (
        deleted_at IS NOT NULL OR content <> '' OR attachment_count > 0
    ),
    CONSTRAINT message_deleted_is_empty CHECK (
        deleted_at IS NULL OR (content = '' AND attachment_count = 0)
    )
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

-- The log of each conversation (D5): ids and positions, never a text.
CREATE TABLE messaging.event (
    conversation_id messaging.id NOT NULL REFERENCES messaging.conversation (id),
    seq bigint NOT NULL CHECK (seq > 0),
    kind text NOT NULL,
    actor_id messaging.id NOT NULL,
    at timestamptz(3) NOT NULL,
    -- The message that was posted or deleted.
    message_id messaging.id,
    -- How far was read, and the newest of the messages that became read by it.
    read_up_to bigint,
    read_message_ids text[],
    PRIMARY KEY (conversation_id, seq),
    CONSTRAINT event_shape CHECK (
        CASE
            WHEN kind IN ('message_posted', 'message_deleted')
                THEN message_id IS NOT NULL AND read_up_to IS NULL AND read_message_ids IS NULL
            WHEN kind = 'messages_read'
                THEN message_id IS NULL AND read_up_to < seq AND cardinality(read_message_ids) > 0
            WHEN kind IN ('conversation_opened', 'conversation_updated', 'conversation_deleted')
                THEN message_id IS NULL AND read_up_to IS NULL AND read_message_ids IS NULL
            ELSE false
        END
    )
);
