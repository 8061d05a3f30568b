-- Brings people up to date that are as an import left them, and locked.
UPDATE messaging.participant AS known SET
    role = incoming.role,
    first_name = incoming.first_name,
    last_name = incoming.last_name,
    salon_name = incoming.salon_name,
    image = incoming.image,
    email = incoming.email,
    updated_at = $8
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
    AS incoming (id, role, first_name, last_name, salon_name, image, email)
WHERE known.id = incoming.id COLLATE "C"
