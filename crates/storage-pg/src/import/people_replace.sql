INSERT INTO messaging.participant AS known
    (id, role, first_name, last_name, salon_name, image, email, created_at, updated_at)
SELECT id, role, first_name, last_name, salon_name, image, email, $8, $8
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
    AS rows (id, role, first_name, last_name, salon_name, image, email)
ON CONFLICT (id) DO UPDATE SET
    role = excluded.role,
    first_name = excluded.first_name,
    last_name = excluded.last_name,
    salon_name = excluded.salon_name,
    image = excluded.image,
    email = excluded.email,
    updated_at = excluded.updated_at
