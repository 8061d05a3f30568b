-- Deletes who the person $1 is, at $2. Id and role stay.
WITH nameless AS (
    UPDATE messaging.participant SET
        first_name = NULL, last_name = NULL, salon_name = NULL, image = NULL, email = NULL,
        language = NULL, zone = NULL, is_forgotten = true, updated_at = $2
    WHERE id = $1
), unnamed AS (
    UPDATE messaging.appointment_event SET client_first_name = NULL
    WHERE client_id = $1 AND client_first_name IS NOT NULL
), preference AS (
    DELETE FROM messaging.preference WHERE person_id = $1
), muted AS (
    DELETE FROM messaging.muted_conversation WHERE person_id = $1
), pending_mail AS (
    DELETE FROM messaging.pending_mail WHERE recipient_id = $1
), mail AS (
    DELETE FROM messaging.mail WHERE recipient_id = $1
), mailed AS (
    DELETE FROM messaging.mailed_conversation WHERE person_id = $1
), mail_recipient AS (
    DELETE FROM messaging.mail_recipient WHERE person_id = $1
), suppressed AS (
    DELETE FROM messaging.suppressed_address WHERE person_id = $1
), exports AS (
    -- The archives of their partners hold their messages too. A new request makes one without.
    DELETE FROM messaging.export WHERE person_id = $1
        OR person_id IN (SELECT salon_id FROM messaging.conversation WHERE client_id = $1)
        OR person_id IN (SELECT client_id FROM messaging.conversation WHERE salon_id = $1)
    RETURNING object_key
), object_jobs AS (
    INSERT INTO messaging.job (id, kind, subject, created_at, run_at)
    SELECT gen_random_uuid()::text, 'delete_object', object_key, $2, $2 FROM exports
)
DELETE FROM messaging.imported WHERE kind = 'person' AND id = $1
