-- Tokens that count no longer: those of erased people, and those issued before a time that the platform named.
-- One row for each person; a time never moves back. Every node keeps all of them in memory, and asks again and
-- again for the rows of transactions that it has not seen: `written_by` is the transaction that changed the row
-- last.
CREATE TABLE messaging.session_end (
    person_id messaging.id PRIMARY KEY,
    before timestamptz(3) NOT NULL,
    why text NOT NULL CONSTRAINT session_end_why CHECK (why IN ('revoked', 'erased')),
    written_by xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX session_end_written_by ON messaging.session_end (written_by);
CREATE INDEX session_end_revoked ON messaging.session_end (before) WHERE why = 'revoked';

-- A link to an archive counts as long as somebody's archive is there.
CREATE INDEX export_object_key ON messaging.export (object_key);

INSERT INTO messaging.session_end (person_id, before, why)
SELECT person_id, requested_at, 'erased' FROM messaging.erasure;
