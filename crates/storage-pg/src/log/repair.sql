-- Repairs the counters of the conversation $1, which is locked, if they differ from its messages.
UPDATE messaging.conversation AS here SET
    unread_by_salon = counted.by_salon,
    unread_by_client = counted.by_client,
    salon_message_seq = counted.newest_of_salon,
    client_message_seq = counted.newest_of_client,
    message_count = counted.messages
FROM (
    SELECT
        count(*) FILTER (WHERE m.author_side = 'client' AND m.seq > c.salon_read_seq) AS by_salon,
        count(*) FILTER (WHERE m.author_side = 'salon' AND m.seq > c.client_read_seq) AS by_client,
        coalesce(max(m.seq) FILTER (WHERE m.author_side = 'salon'), 0) AS newest_of_salon,
        coalesce(max(m.seq) FILTER (WHERE m.author_side = 'client'), 0) AS newest_of_client,
        count(m.seq) AS messages
    FROM messaging.conversation AS c
    LEFT JOIN messaging.message AS m ON m.conversation_id = c.id AND m.deleted_at IS NULL
    WHERE c.id = $1
) AS counted
WHERE here.id = $1
    AND (here.unread_by_salon, here.unread_by_client, here.salon_message_seq, here.client_message_seq,
        here.message_count)
    <> (counted.by_salon, counted.by_client, counted.newest_of_salon, counted.newest_of_client,
        counted.messages)
