SELECT id, "salonId", "clientUserId", "appointmentId", subject, status, created_at, updated_at,
    last_message_at, salon_known, client_known
FROM (
    SELECT counted.*, sum(said) OVER (ORDER BY id) - said AS said_before
    FROM (
        SELECT id, "salonId", "clientUserId", "appointmentId", subject, status::text AS status,
            floor(extract(epoch FROM "createdAt") * 1000)::bigint AS created_at,
            floor(extract(epoch FROM "updatedAt") * 1000)::bigint AS updated_at,
            floor(extract(epoch FROM "lastMessageAt") * 1000)::bigint AS last_message_at,
            EXISTS (SELECT FROM "User" WHERE "User".id = "salonId") AS salon_known,
            EXISTS (SELECT FROM "User" WHERE "User".id = "clientUserId") AS client_known,
            (SELECT count(*) FROM "Message" WHERE "conversationId" = "Conversation".id) AS said
        FROM "Conversation" WHERE id > $1 ORDER BY id LIMIT $2
    ) AS counted
) AS page
WHERE said_before < $3::bigint ORDER BY id
