-- For which booking an id was reserved.
CREATE INDEX CONCURRENTLY appointment_event_wanting ON messaging.appointment_event (wanted_conversation_id)
    WHERE wanted_conversation_id IS NOT NULL;
