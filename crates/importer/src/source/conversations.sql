SELECT page.*
FROM (
    SELECT counted.*, sum(counted.said) OVER (ORDER BY counted.id) - counted.said AS said_before
    FROM (
        SELECT here.id, here."salonId", here."clientUserId", here."appointmentId", here.subject,
            here.status::text AS status,
            CASE WHEN isfinite(here."createdAt") THEN floor(extract(epoch FROM here."createdAt") * 1000)::bigint END
                AS created_at,
            CASE WHEN isfinite(here."updatedAt") THEN floor(extract(epoch FROM here."updatedAt") * 1000)::bigint END
                AS updated_at,
            CASE WHEN isfinite(here."lastMessageAt")
                THEN floor(extract(epoch FROM here."lastMessageAt") * 1000)::bigint END AS last_message_at,
            EXISTS (SELECT FROM "User" AS person WHERE person.id = here."salonId") AS salon_known,
            EXISTS (SELECT FROM "User" AS person WHERE person.id = here."clientUserId") AS client_known,
            (SELECT count(*) FROM "Message" AS message WHERE message."conversationId" = here.id) AS said
        FROM "Conversation" AS here WHERE here.id > $1 ORDER BY here.id LIMIT $2
    ) AS counted
) AS page
WHERE page.said_before < $3::bigint ORDER BY page.id
