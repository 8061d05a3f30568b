-- The beginnings of the logs of the $2 conversations behind $1, up to the first entry of each that did not
-- happen before $3.
WITH walked AS (
    SELECT id FROM messaging.conversation WHERE id > $1 ORDER BY id LIMIT $2
), old AS (
    SELECT e.conversation_id, e.seq
    FROM walked
    CROSS JOIN LATERAL (
        SELECT coalesce((
            SELECT seq FROM messaging.event
            WHERE conversation_id = walked.id AND at >= $3 ORDER BY seq LIMIT 1
        ), 9223372036854775807) AS seq
    ) AS young
    JOIN messaging.event AS e ON e.conversation_id = walked.id AND e.seq < young.seq
