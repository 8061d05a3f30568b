-- The lists are indexed by the minute of the newest message, not by its time. Most messages then change no
-- indexed value of their conversation, so that its update is a HOT update: no index is touched. A minute
-- follows from the time, and of two conversations in different minutes the later minute has the later
-- message; a list is read by minutes and put in order within them.
ALTER TABLE messaging.conversation
    ADD COLUMN last_message_minute timestamptz NOT NULL
        GENERATED ALWAYS AS (date_bin('1 minute', last_message_at, '2000-01-01 00:00:00+00')) STORED;

DROP INDEX messaging.conversation_of_salon;
DROP INDEX messaging.conversation_of_client;
CREATE INDEX conversation_of_salon
    ON messaging.conversation (salon_id, status, last_message_minute DESC) WHERE deleted_at IS NULL;
CREATE INDEX conversation_of_client
    ON messaging.conversation (client_id, status, last_message_minute DESC) WHERE deleted_at IS NULL;
