-- Sides whose counter is not the number of messages of the other side behind the newest read one.
SELECT count(*) FROM messaging.conversation AS conversation
CROSS JOIN LATERAL (VALUES ('salon', salon_id, salon_read_seq), ('client', client_id, client_read_seq))
    AS reader (side, id, up_to)
WHERE (SELECT count(*) FROM messaging.message AS message
        WHERE message.conversation_id = conversation.id AND author_side <> side AND seq > up_to)
    <> (SELECT coalesce(sum("unreadCount"), 0) FROM "MessageNotification" AS counter
        WHERE counter."conversationId" = conversation.id AND counter."userId" = reader.id)
