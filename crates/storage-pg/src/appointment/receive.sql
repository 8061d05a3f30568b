-- Keeps a report with the job that handles it, once. What is said of a forgotten person's name is not kept.
-- $1 id, $2 salon, $3 client, $4 booking, $5 kind, $6 service, $7 and $8 when it begins and was to begin,
-- $9 the client's first name, $10 time zone, $11 when it happened, $12 now, $13 the kind of job, $14 the id
-- that the platform wants for the conversation.
WITH kept AS (
    INSERT INTO messaging.appointment_event (
        id, salon_id, client_id, appointment_id, kind, service, starts_at, previous_starts_at,
        client_first_name, zone, occurred_at, received_at, wanted_conversation_id
    )
    SELECT $1, $2, $3, $4, $5, $6, $7, $8,
        CASE WHEN NOT EXISTS (SELECT FROM messaging.erasure WHERE person_id = $3) THEN $9 END,
        $10, $11, $12, $14
    ON CONFLICT (id) DO NOTHING
    RETURNING id
)
SELECT messaging.enqueue_job($13, id, $12) FROM kept
