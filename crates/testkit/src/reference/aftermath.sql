-- Each side has read up to some position. Often only the last two messages are marked,
-- as when a long conversation is opened at its end and only one page is shown.
UPDATE "Message" AS said SET "isRead" = true, "readAt" = "createdAt" + interval '5 min'
FROM (
    SELECT id, place, hash,
        floor((hash % 101) / 100.0 * count(*) OVER (PARTITION BY "conversationId", "senderId")) AS up_to
    FROM (
        SELECT id, "conversationId", "senderId", abs(hashtext("conversationId" || "senderId")::bigint) AS hash,
            row_number() OVER (PARTITION BY "conversationId", "senderId" ORDER BY "createdAt", id COLLATE "C") AS place
        FROM "Message"
    ) AS placed
) AS reading
WHERE said.id = reading.id AND place <= up_to AND (hash % 4 > 0 OR place > up_to - 2);

INSERT INTO "MessageNotification" (id, "conversationId", "userId", "unreadCount", "lastUnreadAt", "createdAt", "updatedAt")
SELECT 'n' || substr(md5(here.id || reader), 1, 24), here.id, reader,
    unread + CASE WHEN abs(hashtext(here.id || reader)) % 9 = 0 THEN 3 ELSE 0 END,
    CASE WHEN unread > 0 THEN here."lastMessageAt" END, here."createdAt", here."lastMessageAt"
FROM "Conversation" AS here
CROSS JOIN LATERAL (VALUES (here."salonId"), (here."clientUserId")) AS readers (reader)
LEFT JOIN (
    SELECT "conversationId", "senderId", count(*) FROM "Message" WHERE NOT "isRead" GROUP BY 1, 2
) AS waiting (id, sender, counted) ON waiting.id = here.id AND sender <> reader
CROSS JOIN LATERAL (SELECT coalesce(counted, 0)) AS number (unread);

INSERT INTO "NotificationPreference"
    (id, "userId", "emailNotificationsEnabled", "emailFrequency", "mutedConversations", "createdAt", "updatedAt")
SELECT 'p' || substr(md5(id), 1, 24), id, hash % 4 > 0, (ARRAY['IMMEDIATE', 'HOURLY', 'DAILY', 'NEVER'])[1 + hash % 4],
    CASE WHEN hash % 3 = 0 THEN NULL ELSE ARRAY(
        SELECT here.id FROM "Conversation" AS here WHERE id_of.id IN (here."clientUserId") ORDER BY here.id LIMIT 2) END,
    "createdAt", "createdAt"
FROM "User" AS id_of, LATERAL (SELECT abs(hashtext(id)::bigint)) AS hashed (hash) WHERE hash % 5 = 0 AND role = 'client';

INSERT INTO "EmailNotificationQueue"
    (id, "conversationId", "recipientUserId", "messageCount", status, "sentAt", "failureReason", "createdAt", "updatedAt")
SELECT 'q' || substr(md5("conversationId" || "userId" || again), 1, 24), "conversationId", "userId", "unreadCount" + again,
    CASE WHEN hash % 8 < 4 THEN 'SENT' WHEN hash % 8 = 4 THEN 'FAILED' ELSE 'PENDING' END,
    CASE WHEN hash % 8 < 4 THEN "updatedAt" END, CASE WHEN hash % 8 = 4 THEN 'timeout' END,
    "updatedAt" + again * interval '1 min', "updatedAt"
FROM "MessageNotification", LATERAL (SELECT abs(hashtext("userId" || "conversationId")::bigint)) AS hashed (hash),
    generate_series(0, CASE WHEN hash % 16 = 5 THEN 1 ELSE 0 END) AS again
WHERE "unreadCount" > 0 AND hash % 3 = 0;
