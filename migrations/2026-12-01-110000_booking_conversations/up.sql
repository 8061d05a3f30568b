-- The id that the platform wants for the conversation of a booking, as an event brings it.
ALTER TABLE messaging.appointment_event ADD COLUMN wanted_conversation_id messaging.id;
