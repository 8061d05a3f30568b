WITH former AS (
    SELECT "recipientUserId", "conversationId", sum("messageCount"), min("createdAt") AT TIME ZONE 'UTC'
    FROM "EmailNotificationQueue" WHERE status = 'PENDING' AND id !~ '^codd-' GROUP BY 1, 2
), ours AS (
    SELECT recipient_id, conversation_id, message_count::bigint, since FROM messaging.pending_mail
    WHERE conversation_id !~ '^codd-'
)
(TABLE former EXCEPT TABLE ours) UNION ALL (TABLE ours EXCEPT TABLE former)
