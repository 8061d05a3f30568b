-- Of the $2 conversations behind $1 those with the status $3 in which nothing was said after $4, and, in
-- each row, where the next piece begins. When there are none, one row says that alone.
WITH walked AS (
    SELECT * FROM messaging.conversation WHERE id > $1 ORDER BY id LIMIT $2
)
SELECT ends.next_id, c.id, c.salon_id, c.last_message_at, c.updated_at,
    greatest(c.salon_message_seq, c.client_message_seq) > 0 AS has_messages,
    client.language, own.archive_after_days, own.delete_after_days,
    coalesce(own.is_held, false) OR held.conversation_id IS NOT NULL AS is_held
FROM (SELECT max(id) AS next_id FROM walked) AS ends
LEFT JOIN walked AS c ON c.deleted_at IS NULL AND c.status = $3 AND c.last_message_at <= $4
    AND (c.status = 'ACTIVE' OR greatest(c.salon_message_seq, c.client_message_seq) > 0)
LEFT JOIN messaging.participant AS client ON client.id = c.client_id
LEFT JOIN messaging.salon_retention AS own ON own.salon_id = c.salon_id
LEFT JOIN messaging.held_conversation AS held ON held.conversation_id = c.id
ORDER BY c.id
