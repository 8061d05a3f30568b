-- The conversation $2, if $1 takes part in it.
WITH picked AS (
    SELECT *, salon_id = $1 AS is_salon,
        CASE WHEN salon_id = $1 THEN client_id ELSE salon_id END AS other_id,
        CASE WHEN salon_id = $1 THEN unread_by_salon ELSE unread_by_client END AS unread
    FROM messaging.conversation
    WHERE id = $2 AND deleted_at IS NULL AND $1 IN (salon_id, client_id)
)
