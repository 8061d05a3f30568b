-- Forgets who the person $1 is, at $2. Id and role stay.
WITH nameless AS (
    UPDATE messaging.participant SET
        first_name = NULL, last_name = NULL, salon_name = NULL, image = NULL, email = NULL,
        language = NULL, zone = NULL, updated_at = $2
    WHERE id = $1
), unnamed AS (
    UPDATE messaging.appointment_event SET client_first_name = NULL
    WHERE client_id = $1 AND client_first_name IS NOT NULL
), unasked AS (
    DELETE FROM messaging.preference WHERE person_id = $1
), unmuted AS (
    DELETE FROM messaging.muted_conversation WHERE person_id = $1
), unmailed AS (
    DELETE FROM messaging.pending_mail WHERE recipient_id = $1
)
DELETE FROM messaging.imported WHERE kind = 'person' AND id = $1
