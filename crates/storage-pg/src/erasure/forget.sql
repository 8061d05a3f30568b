-- Forgets who the person $1 is, at $2. Id and role stay.
WITH nameless AS (
    UPDATE messaging.participant SET
        first_name = NULL, last_name = NULL, salon_name = NULL, image = NULL, email = NULL,
        language = NULL, zone = NULL, is_forgotten = true, updated_at = $2
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
), unwritten AS (
    DELETE FROM messaging.mail WHERE recipient_id = $1
), untold AS (
    DELETE FROM messaging.told_conversation WHERE person_id = $1
), unsettled AS (
    DELETE FROM messaging.mail_recipient WHERE person_id = $1
), unaddressed AS (
    DELETE FROM messaging.suppressed_address WHERE person_id = $1
), unexported AS (
    -- Archives of those they talk with hold their words too. Whoever asks again gets one without.
    DELETE FROM messaging.export WHERE person_id = $1
        OR person_id IN (SELECT salon_id FROM messaging.conversation WHERE client_id = $1)
        OR person_id IN (SELECT client_id FROM messaging.conversation WHERE salon_id = $1)
    RETURNING object_key
), undelivered AS (
    INSERT INTO messaging.job (id, kind, subject, created_at, run_at)
    SELECT gen_random_uuid()::text, 'delete_object', object_key, $2, $2 FROM unexported
)
DELETE FROM messaging.imported WHERE kind = 'person' AND id = $1
