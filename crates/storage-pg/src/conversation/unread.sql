-- The active conversations in which something waits for $1, at most $2, each with the newest message
-- of the other side. `row.rs` reads the columns in this order.
SELECT
    c.id, c.subject, c.last_message_at, c.unread,
    salon.id AS salon_id, salon.role AS salon_role, salon.first_name AS salon_first_name,
    salon.last_name AS salon_last_name, salon.salon_name AS salon_salon_name, salon.image AS salon_image,
    salon.email AS salon_email, salon.language AS salon_language, salon.zone AS salon_zone,
    salon.is_forgotten AS salon_is_forgotten,
    client.id AS client_id, client.role AS client_role, client.first_name AS client_first_name,
    client.last_name AS client_last_name, client.salon_name AS client_salon_name, client.image AS client_image,
    client.email AS client_email, client.language AS client_language, client.zone AS client_zone,
    client.is_forgotten AS client_is_forgotten,
    m.id AS message_id, m.content AS message_content, m.kind AS message_kind,
    m.created_at AS message_created_at, m.author_side AS message_author_side
FROM (
    SELECT *, client_message_seq AS newest_seq, unread_by_salon AS unread
    FROM messaging.conversation
    WHERE salon_id = $1 AND status = 'ACTIVE' AND deleted_at IS NULL AND waits_for_salon
    UNION ALL
    SELECT *, salon_message_seq, unread_by_client
    FROM messaging.conversation
    WHERE client_id = $1 AND status = 'ACTIVE' AND deleted_at IS NULL AND waits_for_client
    ORDER BY last_message_at DESC, id DESC LIMIT $2
) AS c
JOIN messaging.participant AS salon ON salon.id = c.salon_id
JOIN messaging.participant AS client ON client.id = c.client_id
JOIN messaging.message AS m ON m.conversation_id = c.id AND m.seq = c.newest_seq
ORDER BY c.last_message_at DESC, c.id DESC
