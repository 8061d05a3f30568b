SELECT count(*) FROM "Message" AS said WHERE NOT "isRead" AND EXISTS (
    SELECT FROM "Message" AS later
    WHERE later."conversationId" = said."conversationId" AND later."senderId" = said."senderId" AND later."isRead"
        AND (later."createdAt", later.id COLLATE "C") > (said."createdAt", said.id COLLATE "C")
)
-- The odd conversation has one that was refused, so it is not below anything.
AND NOT (said."conversationId" = 'codd-messages000000000000' AND said.id = 'codd-m02')
