-- How many messages wait for $1. The partial indexes give the few conversations that count.
SELECT coalesce(sum(waiting.unread), 0)::bigint AS total
FROM (
    SELECT (
        SELECT count(*) FROM messaging.message AS m
        WHERE m.conversation_id = c.id AND m.author_side = 'client'
            AND m.seq > c.salon_read_seq AND m.deleted_at IS NULL
    ) AS unread
    FROM messaging.conversation AS c
    WHERE c.salon_id = $1 AND c.deleted_at IS NULL AND c.client_message_seq > c.salon_read_seq
    UNION ALL
    SELECT (
        SELECT count(*) FROM messaging.message AS m
        WHERE m.conversation_id = c.id AND m.author_side = 'salon'
            AND m.seq > c.client_read_seq AND m.deleted_at IS NULL
    )
    FROM messaging.conversation AS c
    WHERE c.client_id = $1 AND c.deleted_at IS NULL AND c.salon_message_seq > c.client_read_seq
) AS waiting
