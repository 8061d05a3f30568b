-- How many conversations of the statuses $2 the viewer $1 has. The indexes of the lists are enough.
SELECT
    (
        SELECT count(*) FROM messaging.conversation
        WHERE salon_id = $1 AND status = ANY ($2) AND deleted_at IS NULL
    ) + (
        SELECT count(*) FROM messaging.conversation
        WHERE client_id = $1 AND status = ANY ($2) AND deleted_at IS NULL
    ) AS total,
