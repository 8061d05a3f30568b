-- The person $1 with those they share a conversation with, at most $2, the newest message first. For
-- each side and status the index gives the newest in order, so a busy salon's past is not read.
SELECT
    person.id, person.role, person.first_name, person.last_name, person.salon_name, person.image, person.email,
    person.language, person.zone, person.is_forgotten,
    ARRAY(
        SELECT met.partner_id
        FROM (VALUES ('ACTIVE'), ('ARCHIVED')) AS kept (status)
        CROSS JOIN LATERAL (
            (
                SELECT client_id::text AS partner_id, last_message_at FROM messaging.conversation
                WHERE salon_id = $1 AND status = kept.status AND deleted_at IS NULL
                ORDER BY last_message_at DESC, id DESC LIMIT $2
            )
            UNION ALL
            (
                SELECT salon_id::text, last_message_at FROM messaging.conversation
                WHERE client_id = $1 AND status = kept.status AND deleted_at IS NULL
                ORDER BY last_message_at DESC, id DESC LIMIT $2
            )
        ) AS met
        GROUP BY met.partner_id
        ORDER BY max(met.last_message_at) DESC LIMIT $2
    ) AS partner_ids
FROM messaging.participant AS person
WHERE person.id = $1
