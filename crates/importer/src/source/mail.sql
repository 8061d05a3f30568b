SELECT "conversationId", "recipientUserId", count(*) AS row_count, sum("messageCount")::bigint AS messages,
    floor(extract(epoch FROM min("createdAt")) * 1000)::bigint AS since,
    EXISTS (
        SELECT FROM "Conversation" AS talk
        WHERE talk.id = "conversationId" AND "recipientUserId" IN (talk."salonId", talk."clientUserId")
    ) AS takes_part
FROM "EmailNotificationQueue"
WHERE status::text = 'PENDING' AND ("conversationId", "recipientUserId") > ($1, $2)
GROUP BY "conversationId", "recipientUserId"
ORDER BY "conversationId", "recipientUserId" LIMIT $3
