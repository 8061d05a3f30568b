-- Takes the token $1 at $2, unless a call with it was executed, or was begun after $3 and has no outcome yet.
-- On the way some tokens are forgotten that were taken before $4.
WITH forgotten AS (
    DELETE FROM messaging.webhook_token WHERE token = ANY (ARRAY(
        SELECT token FROM messaging.webhook_token
        WHERE taken_at < $4 AND token <> $1 ORDER BY taken_at LIMIT 100 FOR UPDATE SKIP LOCKED
    ))
), taken AS (
    INSERT INTO messaging.webhook_token AS known (token, taken_at) VALUES ($1, $2)
    ON CONFLICT (token) DO UPDATE SET taken_at = excluded.taken_at
        WHERE NOT known.is_executed AND known.taken_at <= $3
    RETURNING true
)
SELECT EXISTS (SELECT FROM taken) AS is_taken,
    EXISTS (SELECT FROM messaging.webhook_token WHERE token = $1 AND is_executed) AS was_executed
