-- What each side has not read, in the row of the conversation: the messages of the other side above its
-- read position that are not deleted. So a list and a total cost what is shown, not what is unread.
-- Messages of the platform are never unread.

ALTER TABLE messaging.conversation
    ADD COLUMN unread_by_salon bigint NOT NULL DEFAULT 0,
    ADD COLUMN unread_by_client bigint NOT NULL DEFAULT 0,
    -- For the predicates of indexes. They change only when something begins or ceases to be unread, so
    -- that counting one more message changes no index.
    ADD COLUMN waits_for_salon boolean NOT NULL GENERATED ALWAYS AS (unread_by_salon > 0) STORED,
    ADD COLUMN waits_for_client boolean NOT NULL GENERATED ALWAYS AS (unread_by_client > 0) STORED;

UPDATE messaging.conversation AS c SET unread_by_salon = unread.salon, unread_by_client = unread.client
FROM (
    SELECT m.conversation_id,
        count(*) FILTER (WHERE m.author_side = 'client' AND m.seq > here.salon_read_seq) AS salon,
        count(*) FILTER (WHERE m.author_side = 'salon' AND m.seq > here.client_read_seq) AS client
    FROM messaging.message AS m
    JOIN messaging.conversation AS here ON here.id = m.conversation_id
    WHERE m.deleted_at IS NULL
        AND m.seq > CASE m.author_side WHEN 'client' THEN here.salon_read_seq ELSE here.client_read_seq END
    GROUP BY m.conversation_id
) AS unread
WHERE c.id = unread.conversation_id;

-- One check of all counters: PostgreSQL prepares each anew for every statement that writes the table.
ALTER TABLE messaging.conversation DROP CONSTRAINT conversation_positions_exist;
ALTER TABLE messaging.conversation ADD CONSTRAINT conversation_positions_exist CHECK (
    least(salon_read_seq, client_read_seq, salon_message_seq, client_message_seq, message_count,
        unread_by_salon, unread_by_client) >= 0
    AND greatest(salon_read_seq, client_read_seq, salon_message_seq, client_message_seq, 1) <= last_seq
);

DROP INDEX messaging.conversation_unread_by_salon;
DROP INDEX messaging.conversation_unread_by_client;
CREATE INDEX conversation_unread_by_salon ON messaging.conversation (salon_id)
    WHERE deleted_at IS NULL AND waits_for_salon;
CREATE INDEX conversation_unread_by_client ON messaging.conversation (client_id)
    WHERE deleted_at IS NULL AND waits_for_client;

-- The counters of conversations are compared with the messages, nightly at 3:00 UTC.
INSERT INTO messaging.schedule (name, every_ms, next_run_at, at_ms)
VALUES (
    'audit_conversations', 86400000,
    date_trunc('day', now() - interval '3 hours', 'UTC') + interval '27 hours', 10800000
);

-- The rules of conversations are no functions any more.
DROP FUNCTION IF EXISTS messaging.post_message, messaging.mark_read, messaging.mark_messages_read,
    messaging.archive_for_age, messaging.empty_aged, messaging.is_held;
