-- Moving in from the system before this one: what was taken over, and how far the import got; and
-- what came along for mail.

-- What was taken over, under its id there. A changed digest tells that it changed there since; a
-- conversation whose newest position is another one went on here. The row outlives what it names,
-- so that nothing deleted here comes back.
CREATE TABLE messaging.imported (
    kind text NOT NULL CONSTRAINT imported_kind_word
        CHECK (kind IN ('person', 'conversation', 'preference', 'mail')),
    id text COLLATE "C" NOT NULL,
    fingerprint bytea NOT NULL CONSTRAINT imported_fingerprint_length CHECK (octet_length(fingerprint) = 32),
    -- Of a conversation: its newest position when it was taken over.
    last_seq bigint,
    at timestamptz(3) NOT NULL,
    PRIMARY KEY (kind, id),
    CONSTRAINT imported_position_is_a_conversation_s CHECK ((kind = 'conversation') = (last_seq IS NOT NULL))
);

-- How far an import got that was interrupted. There is one at the most.
CREATE TABLE messaging.import_mark (
    id smallint PRIMARY KEY DEFAULT 1 CONSTRAINT import_mark_is_one CHECK (id = 1),
    source bytea NOT NULL,
    stage text NOT NULL,
    after text NOT NULL,
    tally text NOT NULL,
    at timestamptz(3) NOT NULL
);

-- What a person wants to be told of by mail. Without a row: of everything, soon.
CREATE TABLE messaging.preference (
    person_id messaging.id PRIMARY KEY REFERENCES messaging.participant (id) ON DELETE CASCADE,
    mail_enabled boolean NOT NULL,
    frequency text NOT NULL CONSTRAINT preference_frequency_word
        CHECK (frequency IN ('IMMEDIATE', 'HOURLY', 'DAILY', 'NEVER')),
    updated_at timestamptz(3) NOT NULL
);

-- The conversations that a person does not want to hear of. A row each, so that two changes at the
-- same moment lose none.
CREATE TABLE messaging.muted_conversation (
    person_id text COLLATE "C" NOT NULL REFERENCES messaging.participant (id) ON DELETE CASCADE,
    conversation_id text COLLATE "C" NOT NULL REFERENCES messaging.conversation (id) ON DELETE CASCADE,
    PRIMARY KEY (person_id, conversation_id)
);
CREATE INDEX muted_conversation_by_conversation ON messaging.muted_conversation (conversation_id);

-- Mail that waits: one for each recipient and conversation. Whether it is still wanted is decided
-- when it is due (D15).
CREATE TABLE messaging.pending_mail (
    recipient_id text COLLATE "C" NOT NULL REFERENCES messaging.participant (id) ON DELETE CASCADE,
    conversation_id text COLLATE "C" NOT NULL REFERENCES messaging.conversation (id) ON DELETE CASCADE,
    message_count integer NOT NULL CONSTRAINT pending_mail_is_about_something CHECK (message_count > 0),
    since timestamptz(3) NOT NULL,
    PRIMARY KEY (recipient_id, conversation_id)
);
CREATE INDEX pending_mail_by_conversation ON messaging.pending_mail (conversation_id);
