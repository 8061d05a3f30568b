-- At most $3 people about whose mail must be decided: what is pending since $1 or longer, or was deferred
-- until $2. The first $4 rows of each kind are read, however much is due: a decision takes its rows away.
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
