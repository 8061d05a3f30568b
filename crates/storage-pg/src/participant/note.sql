-- Inserts a person, or updates their entry: fields that are not given stay as they are. Nothing happens
-- to who was asked to be forgotten. $1 id, $2 role, $3 to $9 what is known, $10 when.
INSERT INTO messaging.participant AS known
    (id, role, first_name, last_name, salon_name, image, email, language, zone, created_at, updated_at)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10
WHERE NOT EXISTS (SELECT FROM messaging.erasure WHERE person_id = $1)
ON CONFLICT (id) DO UPDATE SET
    role = excluded.role,
    first_name = coalesce(excluded.first_name, known.first_name),
    last_name = coalesce(excluded.last_name, known.last_name),
    salon_name = coalesce(excluded.salon_name, known.salon_name),
    image = coalesce(excluded.image, known.image),
    email = coalesce(excluded.email, known.email),
    language = coalesce(excluded.language, known.language),
    zone = coalesce(excluded.zone, known.zone),
    updated_at = excluded.updated_at
