-- A `read_at` that is there and no time has the largest number, which no calendar has either.
SELECT said.id, said."conversationId", said."senderId", said.content, said.type::text AS type, said."isRead",
    CASE WHEN isfinite(said."readAt") THEN floor(extract(epoch FROM said."readAt") * 1000)::bigint
        WHEN said."readAt" IS NOT NULL THEN 9223372036854775807 END AS read_at,
    said."archivedAt" IS NOT NULL AS is_archived,
    CASE WHEN isfinite(said."createdAt") THEN floor(extract(epoch FROM said."createdAt") * 1000)::bigint END
        AS created_at
FROM "Message" AS said WHERE said."conversationId" = ANY($1)
