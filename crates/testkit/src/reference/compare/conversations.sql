-- Valid conversations: positions and read horizons derived from the flags of the former messages.
WITH placed AS (
    SELECT "conversationId" AS id, "senderId" AS sender, "isRead" AS is_read, "createdAt" AS said,
        1 + row_number() OVER (PARTITION BY "conversationId" ORDER BY "createdAt", id COLLATE "C") AS seq
    FROM "Message"
), former AS (
    SELECT here.id, "salonId", "clientUserId", "appointmentId", nullif(subject, '') AS subject, status::text,
        "createdAt" AT TIME ZONE 'UTC' AS created, "updatedAt" AT TIME ZONE 'UTC' AS updated,
        coalesce(max(said), "createdAt") AT TIME ZONE 'UTC' AS newest,
        coalesce(max(seq) FILTER (WHERE is_read AND sender = "clientUserId"), 0) AS salon_read,
        coalesce(max(seq) FILTER (WHERE is_read AND sender = "salonId"), 0) AS client_read,
        coalesce(max(seq) FILTER (WHERE sender = "salonId"), 0) AS salon_newest,
        coalesce(max(seq) FILTER (WHERE sender = "clientUserId"), 0) AS client_newest,
        count(seq) AS said
    FROM "Conversation" AS here LEFT JOIN placed USING (id)
    WHERE here.id ~ '^c[0-9a-f]{24}$' GROUP BY here.id
), ours AS (
    SELECT id::text, salon_id::text, client_id::text, appointment_id::text, subject::text, status::text, created_at, updated_at,
        last_message_at, salon_read_seq, client_read_seq, salon_message_seq, client_message_seq, message_count
    FROM messaging.conversation WHERE id ~ '^c[0-9a-f]{24}$'
)
(TABLE former EXCEPT TABLE ours) UNION ALL (TABLE ours EXCEPT TABLE former)
