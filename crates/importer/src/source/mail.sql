-- Pending mail, a row for each conversation and recipient. Infinite dates, and those outside the years that we can
-- store, are counted and otherwise ignored.
SELECT pending.*, EXISTS (
    SELECT FROM "Conversation" AS conversation
    WHERE conversation.id = pending."conversationId"
        AND pending."recipientUserId" IN (conversation."salonId", conversation."clientUserId")
) AS takes_part
FROM (
    SELECT queued."conversationId", queued."recipientUserId", count(*) AS row_count,
        sum(queued."messageCount")::bigint AS messages,
        floor(extract(epoch FROM min(queued."createdAt") FILTER (
            WHERE isfinite(queued."createdAt") AND extract(year FROM queued."createdAt") <= 9999
        )) * 1000)::bigint AS since,
        count(*) FILTER (
            WHERE queued."createdAt" IS NULL OR NOT isfinite(queued."createdAt")
                OR extract(year FROM queued."createdAt") > 9999
        ) AS impossible_dates
    FROM "EmailNotificationQueue" AS queued
    WHERE queued.status::text = 'PENDING'
        AND (queued."conversationId", queued."recipientUserId") > ($1, $2)
    GROUP BY queued."conversationId", queued."recipientUserId"
    ORDER BY queued."conversationId", queued."recipientUserId" LIMIT $3
) AS pending
ORDER BY pending."conversationId", pending."recipientUserId"
