-- Opens a conversation, with its opening if there is one, or does nothing when its booking has one,
-- or when another one has its id.
-- $1 id, $2 salon, $3 client, $4 booking, $5 subject, $6 when, $7 and $8 id and words of the opening,
-- $9 status.
WITH opened AS (
    INSERT INTO messaging.conversation (
        id, salon_id, client_id, appointment_id, subject, status,
        created_at, updated_at, last_message_at, last_seq, salon_message_seq, message_count
    )
    VALUES (
        $1, $2, $3, $4, $5, $9, $6, $6, $6,
        CASE WHEN $7::text IS NULL THEN 1 ELSE 2 END,
        CASE WHEN $7::text IS NULL THEN 0 ELSE 2 END,
        CASE WHEN $7::text IS NULL THEN 0 ELSE 1 END
    )
    ON CONFLICT DO NOTHING
    RETURNING id
), said AS (
    INSERT INTO messaging.message (id, conversation_id, seq, author_side, kind, content, created_at)
    SELECT $7, id, 2, 'salon', 'SYSTEM', $8, $6 FROM opened WHERE $7 IS NOT NULL
), logged AS (
    INSERT INTO messaging.event (conversation_id, seq, kind, actor_id, at, message_id)
    SELECT id, 1, 'conversation_opened', $2, $6, NULL FROM opened
    UNION ALL
    SELECT id, 2, 'message_posted', $2, $6, $7 FROM opened WHERE $7 IS NOT NULL
)
SELECT
    EXISTS (SELECT FROM opened) AS opened,
    id, role, first_name, last_name, salon_name, image, email, language, zone, is_forgotten
FROM messaging.participant
WHERE id = $2
