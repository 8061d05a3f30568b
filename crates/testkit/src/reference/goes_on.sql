-- Changes the first four conversations by id: new messages, messages read, a message deleted, and the
-- status changed. A client changes their last name.
CREATE TEMPORARY TABLE first AS
SELECT id, "salonId", row_number() OVER (ORDER BY id COLLATE "C") AS place FROM "Conversation"
WHERE id ~ '^c[0-9a-f]{24}$' AND EXISTS (SELECT FROM "Message" WHERE "conversationId" = "Conversation".id)
ORDER BY id COLLATE "C" LIMIT 4;

INSERT INTO "Message" (id, "conversationId", "senderId", content, "createdAt", "updatedAt")
SELECT 'cnew' || n, id, "salonId", 'Encore une chose n° ' || n, timestamp '2026-05-01' + n * interval '1 min', now()
FROM first, generate_series(1, 3) AS n WHERE place = 1;
UPDATE "Conversation" SET "lastMessageAt" = timestamp '2026-05-01 00:03', "updatedAt" = timestamp '2026-05-01 00:03'
WHERE id = (SELECT id FROM first WHERE place = 1);

UPDATE "Message" SET "isRead" = true, "readAt" = timestamp '2026-05-01'
WHERE "conversationId" = (SELECT id FROM first WHERE place = 2) AND NOT "isRead";

DELETE FROM "Message" WHERE id = (
    SELECT id FROM "Message" WHERE "conversationId" = (SELECT id FROM first WHERE place = 3)
    ORDER BY "createdAt", id COLLATE "C" LIMIT 1);

UPDATE "Conversation" SET status = (CASE status WHEN 'ACTIVE' THEN 'ARCHIVED' ELSE 'ACTIVE' END)::"ConversationStatus"
WHERE id = (SELECT id FROM first WHERE place = 4);

UPDATE "User" SET "lastName" = 'Martin'
WHERE id = (SELECT "clientUserId" FROM "Conversation" WHERE id = (SELECT id FROM first WHERE place = 1));

DROP TABLE first;
