-- Of the $2 conversations after $1 those whose counters differ from their messages, and, in each row,
-- where the next page begins. When there are none, one row says that alone.
WITH page AS (
    SELECT * FROM messaging.conversation WHERE id > $1 ORDER BY id LIMIT $2
)
SELECT ends.next_id, c.id
FROM (SELECT max(id) AS next_id FROM page) AS ends
LEFT JOIN (
    SELECT here.id FROM page AS here
    CROSS JOIN LATERAL (
        SELECT
            count(*) FILTER (WHERE author_side = 'client' AND seq > here.salon_read_seq) AS by_salon,
            count(*) FILTER (WHERE author_side = 'salon' AND seq > here.client_read_seq) AS by_client,
            coalesce(max(seq) FILTER (WHERE author_side = 'salon'), 0) AS newest_of_salon,
            coalesce(max(seq) FILTER (WHERE author_side = 'client'), 0) AS newest_of_client,
            count(*) AS messages
        FROM messaging.message WHERE conversation_id = here.id AND deleted_at IS NULL
    ) AS counted
    WHERE (here.unread_by_salon, here.unread_by_client, here.salon_message_seq, here.client_message_seq,
            here.message_count)
        <> (counted.by_salon, counted.by_client, counted.newest_of_salon, counted.newest_of_client,
            counted.messages)
) AS c ON true
ORDER BY c.id
