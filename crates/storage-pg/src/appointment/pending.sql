-- The event of `picked` with the salon's conversation about the booking, and the newest event of it that
-- was handled and says whether the booking stands. An id for the conversation is free until one has it.
SELECT e.*,
    c.id AS conversation_id, c.client_id AS conversation_client_id, c.subject AS conversation_subject,
    CASE WHEN NOT EXISTS (
        SELECT FROM messaging.conversation AS there WHERE there.id = e.wanted_conversation_id
    ) THEN e.wanted_conversation_id END AS free_conversation_id,
    newest.id AS newest_id, newest.occurred_at AS newest_at, newest.kind AS newest_kind
FROM picked AS e
LEFT JOIN messaging.conversation AS c
    ON c.salon_id = e.salon_id AND c.appointment_id = e.appointment_id AND c.deleted_at IS NULL
LEFT JOIN LATERAL (
    SELECT id, occurred_at, kind FROM messaging.appointment_event
    WHERE salon_id = e.salon_id AND appointment_id = e.appointment_id
        AND handled_at IS NOT NULL AND kind NOT IN ('completed', 'no-show')
    ORDER BY occurred_at DESC, id DESC LIMIT 1
) AS newest ON true
