-- $1 viewer, $2 since, $3 at most so many. The kinds are those of the index `event_of_conversation`.
SELECT c.id::text AS id, c.salon_id::text AS salon_id, c.client_id::text AS client_id,
    c.subject::text AS subject, c.status::text AS status,
    e.seq, e.at, e.actor_id::text AS actor_id, e.kind::text AS kind
FROM messaging.event AS e
JOIN messaging.conversation AS c ON c.id = e.conversation_id
WHERE e.kind IN ('conversation_opened', 'conversation_updated', 'conversation_deleted')
    AND e.at >= $2 AND $1 IN (c.salon_id, c.client_id)
ORDER BY e.at, e.conversation_id, e.seq
LIMIT $3
