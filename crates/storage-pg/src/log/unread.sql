-- What waits for each side of the conversation $1.
SELECT
    (
        SELECT count(*) FROM messaging.message
        WHERE conversation_id = c.id AND author_side = 'client'
            AND seq > c.salon_read_seq AND deleted_at IS NULL
    ) AS salon,
    (
        SELECT count(*) FROM messaging.message
        WHERE conversation_id = c.id AND author_side = 'salon'
            AND seq > c.client_read_seq AND deleted_at IS NULL
    ) AS client
FROM messaging.conversation AS c
WHERE c.id = $1
