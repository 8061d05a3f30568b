-- The conversations of `picked` as the viewer $1 sees them.
SELECT
    c.id, c.salon_id, c.client_id, c.appointment_id, c.subject, c.status,
    c.created_at, c.updated_at, c.last_message_at,
    c.last_seq, c.salon_read_seq, c.client_read_seq,
    salon.role AS salon_role, salon.first_name AS salon_first_name, salon.last_name AS salon_last_name,
    salon.salon_name AS salon_salon_name, salon.image AS salon_image, salon.email AS salon_email,
    salon.language AS salon_language, salon.zone AS salon_zone, salon.is_forgotten AS salon_is_forgotten,
    client.role AS client_role, client.first_name AS client_first_name, client.last_name AS client_last_name,
    client.salon_name AS client_salon_name, client.image AS client_image, client.email AS client_email,
    client.language AS client_language, client.zone AS client_zone, client.is_forgotten AS client_is_forgotten,
    m.id AS message_id, m.content AS message_content, m.kind AS message_kind, m.created_at AS message_created_at,
    CASE m.author_side WHEN 'salon' THEN c.salon_id ELSE c.client_id END AS message_author_id,
    (
        SELECT count(*) FROM messaging.message AS u
        WHERE u.conversation_id = c.id AND u.deleted_at IS NULL
            AND u.author_side = CASE WHEN c.salon_id = $1 THEN 'client' ELSE 'salon' END
            AND u.seq > CASE WHEN c.salon_id = $1 THEN c.salon_read_seq ELSE c.client_read_seq END
    ) AS unread
FROM picked AS c
JOIN messaging.participant AS salon ON salon.id = c.salon_id
JOIN messaging.participant AS client ON client.id = c.client_id
LEFT JOIN messaging.message AS m
    ON m.conversation_id = c.id AND m.seq = greatest(c.salon_message_seq, c.client_message_seq)
