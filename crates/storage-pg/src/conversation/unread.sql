-- The active conversations in which something waits for $1, at most $2, each with the newest message
-- of the other side.
SELECT
    c.id, c.subject, c.last_message_at, c.salon_id, c.client_id,
    salon.role AS salon_role, salon.first_name AS salon_first_name, salon.last_name AS salon_last_name,
    salon.salon_name AS salon_salon_name, salon.image AS salon_image, salon.email AS salon_email,
    salon.language AS salon_language, salon.zone AS salon_zone, salon.is_forgotten AS salon_is_forgotten,
    client.role AS client_role, client.first_name AS client_first_name, client.last_name AS client_last_name,
    client.salon_name AS client_salon_name, client.image AS client_image, client.email AS client_email,
    client.language AS client_language, client.zone AS client_zone, client.is_forgotten AS client_is_forgotten,
    m.id AS message_id, m.content AS message_content, m.kind AS message_kind, m.created_at AS message_created_at,
    c.writer_id AS message_author_id,
    (
        SELECT count(*) FROM messaging.message AS u
        WHERE u.conversation_id = c.id AND u.deleted_at IS NULL
            AND u.author_side = c.writer_side AND u.seq > c.read_seq
    ) AS unread
FROM (
    SELECT *, 'client' AS writer_side, client_id AS writer_id,
        client_message_seq AS newest_seq, salon_read_seq AS read_seq
    FROM messaging.conversation
    WHERE salon_id = $1 AND status = 'ACTIVE' AND deleted_at IS NULL AND client_message_seq > salon_read_seq
    UNION ALL
    SELECT *, 'salon', salon_id, salon_message_seq, client_read_seq
    FROM messaging.conversation
    WHERE client_id = $1 AND status = 'ACTIVE' AND deleted_at IS NULL AND salon_message_seq > client_read_seq
    ORDER BY last_message_at DESC, id DESC LIMIT $2
) AS c
JOIN messaging.participant AS salon ON salon.id = c.salon_id
JOIN messaging.participant AS client ON client.id = c.client_id
JOIN messaging.message AS m ON m.conversation_id = c.id AND m.seq = c.newest_seq
ORDER BY c.last_message_at DESC, c.id DESC
