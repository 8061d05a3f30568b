-- The import from the former system: what was taken over, and how far an interrupted import got.

-- What was taken over, under its id there. Another fingerprint says that it changed there since; another
-- newest position says that the conversation went on here. The row outlives what it names, so that
-- nothing deleted here comes back.
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

-- How far an interrupted import got. There is one row at most.
CREATE TABLE messaging.import_mark (
    id smallint PRIMARY KEY DEFAULT 1 CONSTRAINT import_mark_is_one CHECK (id = 1),
    source bytea NOT NULL,
    stage text NOT NULL,
    after text NOT NULL,
    tally text NOT NULL,
    at timestamptz(3) NOT NULL
);
