SELECT id, "conversationId", "senderId", content, type::text AS type, "isRead",
    floor(extract(epoch FROM "readAt") * 1000)::bigint AS read_at,
    "archivedAt" IS NOT NULL AS is_archived,
    floor(extract(epoch FROM "createdAt") * 1000)::bigint AS created_at
FROM "Message" WHERE "conversationId" = ANY($1)
