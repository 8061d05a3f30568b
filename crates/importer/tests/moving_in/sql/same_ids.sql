-- A long text is split into several messages, and another message already has the id of the second.
INSERT INTO "Conversation" (id, "salonId", "clientUserId", "updatedAt", "lastMessageAt")
SELECT same.id, conversation."salonId", conversation."clientUserId", now(), now()
FROM "Conversation" AS conversation, (VALUES ('csame-a'), ('csame-b')) AS same (id) WHERE conversation.id = 'codd-silent00000000000000';
INSERT INTO "Message" (id, "conversationId", "senderId", content, "updatedAt")
SELECT same.id, same.conversation, conversation."salonId", same.content, now()
FROM "Conversation" AS conversation, (VALUES
    ('csame-long', 'csame-a', repeat('dix lettre', 1100)), ('csame-long-2', 'csame-b', 'court')
) AS same (id, conversation, content) WHERE conversation.id = 'codd-silent00000000000000';
