-- Whether the id $1 cannot become, or stay, that of the conversation of the salon $2 about the booking $3:
-- another conversation has it, or a deleted one had it; the booking has a conversation of another id; or
-- the id is reserved for another booking, or another id, which can still be used, for this one.
SELECT EXISTS (
    SELECT FROM messaging.conversation AS there
    WHERE there.id = $1
        AND ((there.salon_id, there.appointment_id) IS DISTINCT FROM ($2, $3) OR there.deleted_at IS NOT NULL)
) OR EXISTS (
    SELECT FROM messaging.conversation AS own
    WHERE own.salon_id = $2 AND own.appointment_id = $3 AND own.deleted_at IS NULL AND own.id <> $1
) OR EXISTS (
    SELECT FROM messaging.appointment_event AS before
    WHERE before.wanted_conversation_id = $1 AND (before.salon_id, before.appointment_id) <> ($2, $3)
) OR EXISTS (
    SELECT FROM messaging.appointment_event AS before
    WHERE before.salon_id = $2 AND before.appointment_id = $3 AND before.wanted_conversation_id <> $1
        AND NOT EXISTS (
            SELECT FROM messaging.conversation AS used WHERE used.id = before.wanted_conversation_id
        )
) AS is_taken
