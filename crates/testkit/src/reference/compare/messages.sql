WITH former AS (
    SELECT said.id, here.id AS place, CASE "senderId" WHEN here."salonId" THEN 'salon' ELSE 'client' END AS side,
        type::text, content, said."createdAt" AT TIME ZONE 'UTC' AS at,
        CASE WHEN "isRead" THEN "readAt" AT TIME ZONE 'UTC' END AS read_at,
        1 + row_number() OVER (PARTITION BY here.id ORDER BY said."createdAt", said.id COLLATE "C") AS seq
    FROM "Message" AS said JOIN "Conversation" AS here ON here.id = "conversationId"
    WHERE here.id ~ '^c[0-9a-f]{24}$'
), ours AS (
    SELECT id::text, conversation_id, author_side::text, kind::text, content::text, created_at, read_at, seq
    FROM messaging.message WHERE conversation_id ~ '^c[0-9a-f]{24}$' AND deleted_at IS NULL
)
(TABLE former EXCEPT TABLE ours) UNION ALL (TABLE ours EXCEPT TABLE former)
