SELECT file.id, "messageId", "fileName", "fileUrl", "fileType", "fileSize"::bigint AS size_bytes,
    "uploadThingKey"
FROM "MessageAttachment" AS file JOIN "Message" AS said ON said.id = file."messageId"
WHERE said."conversationId" = ANY($1)
ORDER BY file."createdAt", file.id COLLATE "C"
