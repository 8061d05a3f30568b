-- Claims the jobs that wait longest: $1 now, $2 the end of the lease, $3 at most so many, $4 the kinds
-- that this node knows. What another node claims at this moment is passed over. The jobs are named as an
-- array: however many are asked for, each is found through the index.
WITH due AS (
    SELECT id, run_at FROM messaging.job
    WHERE dead_at IS NULL AND run_at <= $1 AND kind = ANY ($4)
    ORDER BY run_at, id LIMIT $3
    FOR UPDATE SKIP LOCKED
), claimed AS (
    UPDATE messaging.job SET attempts = attempts + 1, run_at = $2
    WHERE id = ANY (ARRAY(SELECT id FROM due))
    RETURNING id, kind, subject, attempts
)
SELECT claimed.id, kind, subject, attempts FROM claimed JOIN due ON due.id = claimed.id
ORDER BY due.run_at, due.id
