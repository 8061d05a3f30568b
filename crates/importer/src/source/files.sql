SELECT file.id, file."messageId", file."fileName", file."fileUrl", file."fileType",
    file."fileSize"::bigint AS size_bytes, file."uploadThingKey"
FROM "MessageAttachment" AS file JOIN "Message" AS message ON message.id = file."messageId"
WHERE message."conversationId" = ANY($1)
ORDER BY file."createdAt", file.id COLLATE "C"
