DROP INDEX messaging.conversation_of_salon;
DROP INDEX messaging.conversation_of_client;
CREATE INDEX conversation_of_salon
    ON messaging.conversation (salon_id, status, last_message_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX conversation_of_client
    ON messaging.conversation (client_id, status, last_message_at DESC, id DESC) WHERE deleted_at IS NULL;

ALTER TABLE messaging.conversation DROP COLUMN last_message_minute;
