SELECT count(*) FROM "Message" AS message WHERE NOT "isRead" AND EXISTS (
    SELECT FROM "Message" AS later
    WHERE later."conversationId" = message."conversationId" AND later."senderId" = message."senderId" AND later."isRead"
        AND (later."createdAt", later.id COLLATE "C") > (message."createdAt", message.id COLLATE "C")
)
-- This message is refused, so it is below no read one.
AND NOT (message."conversationId" = 'codd-messages000000000000' AND message.id = 'codd-m02')
