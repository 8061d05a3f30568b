-- An infinite `readAt` becomes the largest number, which is outside the years that we can store either.
SELECT message.id, message."conversationId", message."senderId", message.content, message.type::text AS type,
    message."isRead",
    CASE WHEN isfinite(message."readAt") THEN floor(extract(epoch FROM message."readAt") * 1000)::bigint
        WHEN message."readAt" IS NOT NULL THEN 9223372036854775807 END AS read_at,
    message."archivedAt" IS NOT NULL AS is_archived,
    CASE WHEN isfinite(message."createdAt") THEN floor(extract(epoch FROM message."createdAt") * 1000)::bigint END
        AS created_at
FROM "Message" AS message WHERE message."conversationId" = ANY($1)
