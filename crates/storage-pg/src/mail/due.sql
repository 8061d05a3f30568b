-- At most $3 people about whose mail must be decided: what waits since $1 or longer, or was put off until
-- $2. Of each kind the first $4 are looked at, however much is due: whoever is settled makes room.
SELECT recipient_id FROM (
    (
        SELECT recipient_id, since FROM messaging.pending_mail
        WHERE wait_until IS NULL AND since <= $1 ORDER BY since LIMIT $4
    )
    UNION ALL
    (
        SELECT recipient_id, since FROM messaging.pending_mail
        WHERE wait_until <= $2 ORDER BY wait_until LIMIT $4
    )
) AS due
GROUP BY recipient_id ORDER BY min(since), recipient_id LIMIT $3
