-- $1 viewer, $2 since, $3 at most so many. Either side is a range of an index, so that nobody else's entries
-- are read, however many they are.
SELECT c.id::text AS id, c.salon_id::text AS salon_id, c.client_id::text AS client_id,
    c.subject::text AS subject, c.status::text AS status,
    e.seq, e.at, e.actor_id::text AS actor_id, e.kind::text AS kind
FROM (
    (
        SELECT conversation_id, seq, at, actor_id, kind FROM messaging.event
        WHERE salon_id = $1 AND at >= $2 ORDER BY at, conversation_id, seq LIMIT $3
    )
    UNION ALL
    (
        SELECT conversation_id, seq, at, actor_id, kind FROM messaging.event
        WHERE client_id = $1 AND at >= $2 ORDER BY at, conversation_id, seq LIMIT $3
    )
) AS e
JOIN messaging.conversation AS c ON c.id = e.conversation_id
ORDER BY e.at, e.conversation_id, e.seq
LIMIT $3
