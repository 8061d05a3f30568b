-- A long text becomes several messages, and somebody else has the id of the second already.
INSERT INTO "Conversation" (id, "salonId", "clientUserId", "updatedAt", "lastMessageAt")
SELECT same.id, here."salonId", here."clientUserId", now(), now()
FROM "Conversation" AS here, (VALUES ('csame-a'), ('csame-b')) AS same (id) WHERE here.id = 'codd-silent00000000000000';
INSERT INTO "Message" (id, "conversationId", "senderId", content, "updatedAt")
SELECT same.id, same.place, here."salonId", same.said, now()
FROM "Conversation" AS here, (VALUES
    ('csame-long', 'csame-a', repeat('dix lettre', 1100)), ('csame-long-2', 'csame-b', 'court')
) AS same (id, place, said) WHERE here.id = 'codd-silent00000000000000';
