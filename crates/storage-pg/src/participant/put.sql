-- Enters people or replaces their entries, all of them, unless one was asked to be forgotten: those are
-- returned, and nothing is changed. $1 a list of people, $2 when. Named twice, the later entry counts; one
-- order for all, so that two lists never wait for each other.
WITH given AS (
    SELECT DISTINCT ON (id) *
    FROM ROWS FROM (jsonb_to_recordset($1) AS (
        id text, role text, first_name text, last_name text, salon_name text, image text, email text,
        language text, zone text
    )) WITH ORDINALITY AS people (
        id, role, first_name, last_name, salon_name, image, email, language, zone, place
    )
    ORDER BY id, place DESC
), forgotten AS (
    SELECT id FROM given JOIN messaging.erasure ON person_id = id
), put AS (
    INSERT INTO messaging.participant
        (id, role, first_name, last_name, salon_name, image, email, language, zone, created_at, updated_at)
    SELECT id, role, first_name, last_name, salon_name, image, email, language, zone, $2, $2
    FROM given WHERE NOT EXISTS (SELECT FROM forgotten)
    ORDER BY id
    ON CONFLICT (id) DO UPDATE SET
        role = excluded.role,
        first_name = excluded.first_name,
        last_name = excluded.last_name,
        salon_name = excluded.salon_name,
        image = excluded.image,
        email = excluded.email,
        language = excluded.language,
        zone = excluded.zone,
        updated_at = excluded.updated_at
)
SELECT id FROM forgotten ORDER BY id
