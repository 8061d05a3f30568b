-- Who takes part, in the entries about a conversation itself: whoever comes back after a short while reads
-- the changes of their own conversations, and not those of everybody. The entries of messages do not have
-- it: they are many, and are read by conversation.
ALTER TABLE messaging.event
    ADD COLUMN salon_id text COLLATE "C",
    ADD COLUMN client_id text COLLATE "C";
UPDATE messaging.event AS entry SET salon_id = here.salon_id, client_id = here.client_id
FROM messaging.conversation AS here
WHERE here.id = entry.conversation_id
    AND entry.kind IN ('conversation_opened', 'conversation_updated', 'conversation_deleted');

DROP INDEX messaging.event_of_conversation;
CREATE INDEX event_of_salon ON messaging.event (salon_id, at, conversation_id, seq)
    WHERE salon_id IS NOT NULL;
CREATE INDEX event_of_client ON messaging.event (client_id, at, conversation_id, seq)
    WHERE client_id IS NOT NULL;
