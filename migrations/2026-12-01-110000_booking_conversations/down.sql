ALTER TABLE messaging.appointment_event DROP COLUMN wanted_conversation_id;
