-- How many messages wait for $1. The partial indexes give the few conversations that count.
SELECT coalesce(sum(waiting.unread), 0)::bigint AS total
FROM (
    SELECT unread_by_salon AS unread FROM messaging.conversation
    WHERE salon_id = $1 AND deleted_at IS NULL AND waits_for_salon
    UNION ALL
    SELECT unread_by_client FROM messaging.conversation
    WHERE client_id = $1 AND deleted_at IS NULL AND waits_for_client
) AS waiting
