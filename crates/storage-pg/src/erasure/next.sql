-- A conversation in which something is left of the person $1, who is to be forgotten. Those in use come
-- first: they are found without looking at the others.
SELECT left_behind.id::text AS id
FROM messaging.erasure
CROSS JOIN LATERAL (
    SELECT id FROM messaging.conversation
    WHERE salon_id = $1 AND status = 'ACTIVE' AND deleted_at IS NULL
    UNION ALL
    SELECT id FROM messaging.conversation
    WHERE client_id = $1 AND status = 'ACTIVE' AND deleted_at IS NULL
    UNION ALL
    SELECT id FROM messaging.conversation
    WHERE salon_id = $1 AND status = 'ARCHIVED' AND deleted_at IS NULL
        AND (subject IS NOT NULL OR salon_message_seq > 0)
    UNION ALL
    SELECT c.id FROM messaging.conversation AS c
    WHERE c.client_id = $1 AND c.status = 'ARCHIVED' AND c.deleted_at IS NULL
        AND (c.subject IS NOT NULL OR c.client_message_seq > 0 OR EXISTS (
            SELECT FROM messaging.message
            WHERE conversation_id = c.id AND author_side = 'salon' AND deleted_at IS NULL
                AND notice ? 'first_name'
        ))
) AS left_behind
WHERE erasure.person_id = $1
LIMIT 1
