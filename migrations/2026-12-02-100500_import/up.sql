-- The import from the former system: imported rows, and the checkpoint of an interrupted import.

-- Imported rows, by their id in the source. Another fingerprint means that the row has changed
-- there since; another newest position means that the conversation has changed here. The row
-- outlives what it names, so that nothing deleted here is imported again.
CREATE TABLE messaging.imported (
    kind text NOT NULL CONSTRAINT imported_kind_word
        CHECK (kind IN ('person', 'conversation', 'preference', 'mail')),
    id text COLLATE "C" NOT NULL,
    fingerprint bytea NOT NULL CONSTRAINT imported_fingerprint_length CHECK (octet_length(fingerprint) = 32),
    -- For a conversation: its newest position at the time of import.
    last_seq bigint,
    at timestamptz(3) NOT NULL,
    PRIMARY KEY (kind, id),
    CONSTRAINT imported_position_is_a_conversation_s CHECK ((kind = 'conversation') = (last_seq IS NOT NULL))
);

-- The checkpoint of an interrupted import. There is one row at most.
CREATE TABLE messaging.import_mark (
    id smallint PRIMARY KEY DEFAULT 1 CONSTRAINT import_mark_is_one CHECK (id = 1),
    source bytea NOT NULL,
    stage text NOT NULL,
    after text NOT NULL,
    tally text NOT NULL,
    at timestamptz(3) NOT NULL
);
