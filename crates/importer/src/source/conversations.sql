SELECT page.*
FROM (
    SELECT counted.*, sum(counted.messages) OVER (ORDER BY counted.id) - counted.messages AS messages_before
    FROM (
        SELECT conversation.id, conversation."salonId", conversation."clientUserId", conversation."appointmentId",
            conversation.subject, conversation.status::text AS status,
            CASE WHEN isfinite(conversation."createdAt")
                THEN floor(extract(epoch FROM conversation."createdAt") * 1000)::bigint END AS created_at,
            CASE WHEN isfinite(conversation."updatedAt")
                THEN floor(extract(epoch FROM conversation."updatedAt") * 1000)::bigint END AS updated_at,
            CASE WHEN isfinite(conversation."lastMessageAt")
                THEN floor(extract(epoch FROM conversation."lastMessageAt") * 1000)::bigint END AS last_message_at,
            EXISTS (SELECT FROM "User" AS person WHERE person.id = conversation."salonId") AS salon_known,
            EXISTS (SELECT FROM "User" AS person WHERE person.id = conversation."clientUserId") AS client_known,
            (SELECT count(*) FROM "Message" AS message WHERE message."conversationId" = conversation.id) AS messages
        FROM "Conversation" AS conversation WHERE conversation.id > $1 ORDER BY conversation.id LIMIT $2
    ) AS counted
) AS page
WHERE page.messages_before < $3::bigint ORDER BY page.id
