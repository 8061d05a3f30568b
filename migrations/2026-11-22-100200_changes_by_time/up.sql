-- What became of conversations, in the order of time: somebody who comes back after a short while is
-- told of theirs. Few entries of the log are of these kinds, so posting and reading do not touch it.
CREATE INDEX CONCURRENTLY event_of_conversation ON messaging.event (at, conversation_id, seq)
    WHERE kind IN ('conversation_opened', 'conversation_updated', 'conversation_deleted');
