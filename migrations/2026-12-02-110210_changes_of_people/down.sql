DROP INDEX messaging.event_of_salon;
DROP INDEX messaging.event_of_client;
CREATE INDEX event_of_conversation ON messaging.event (at, conversation_id, seq)
    WHERE kind IN ('conversation_opened', 'conversation_updated', 'conversation_deleted');

ALTER TABLE messaging.event DROP COLUMN salon_id, DROP COLUMN client_id;
