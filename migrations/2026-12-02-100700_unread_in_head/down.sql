DELETE FROM messaging.schedule WHERE name = 'audit_conversations';

DROP INDEX messaging.conversation_unread_by_salon;
DROP INDEX messaging.conversation_unread_by_client;
ALTER TABLE messaging.conversation DROP CONSTRAINT conversation_positions_exist;
ALTER TABLE messaging.conversation
    DROP COLUMN waits_for_salon,
    DROP COLUMN waits_for_client,
    DROP COLUMN unread_by_salon,
    DROP COLUMN unread_by_client;

ALTER TABLE messaging.conversation ADD CONSTRAINT conversation_positions_exist CHECK (
    least(salon_read_seq, client_read_seq, salon_message_seq, client_message_seq, message_count) >= 0
    AND greatest(salon_read_seq, client_read_seq, salon_message_seq, client_message_seq, 1) <= last_seq
);
CREATE INDEX conversation_unread_by_salon ON messaging.conversation (salon_id)
    WHERE deleted_at IS NULL AND client_message_seq > salon_read_seq;
CREATE INDEX conversation_unread_by_client ON messaging.conversation (client_id)
    WHERE deleted_at IS NULL AND salon_message_seq > client_read_seq;
