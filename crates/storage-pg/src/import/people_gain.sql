-- Inserts people; existing ones keep what they have, and gain what was missing. When a person was reported last is
-- left alone too: that tells the next import that not all of them is from there.
INSERT INTO messaging.participant AS known
    (id, role, first_name, last_name, salon_name, image, email, created_at, updated_at)
SELECT incoming.id, incoming.role, incoming.first_name, incoming.last_name, incoming.salon_name, incoming.image,
    incoming.email, $8, $8
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
    AS incoming (id, role, first_name, last_name, salon_name, image, email)
ON CONFLICT (id) DO UPDATE SET
    first_name = coalesce(known.first_name, excluded.first_name),
    last_name = coalesce(known.last_name, excluded.last_name),
    salon_name = coalesce(known.salon_name, excluded.salon_name),
    image = coalesce(known.image, excluded.image),
    email = coalesce(known.email, excluded.email)
