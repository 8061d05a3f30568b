WITH former AS (
    SELECT file.id, "messageId", row_number() OVER (PARTITION BY "messageId" ORDER BY file."createdAt", file.id COLLATE "C") AS place,
        "fileName", "fileUrl", "fileType", "fileSize", "uploadThingKey"
    FROM "MessageAttachment" AS file JOIN "Message" AS said ON said.id = "messageId"
    WHERE said."conversationId" ~ '^c[0-9a-f]{24}$'
), ours AS (
    SELECT file.id::text, message_id::text, position::bigint, name, url, media_type, size_bytes, upload_key
    FROM messaging.attachment AS file JOIN messaging.message AS said ON said.id = message_id
    WHERE conversation_id ~ '^c[0-9a-f]{24}$'
)
(TABLE former EXCEPT TABLE ours) UNION ALL (TABLE ours EXCEPT TABLE former)
