-- Claims the jobs that wait longest: $1 now, $2 the lease in milliseconds, $3 at most so many, $4 their
-- kinds, $5 what is recorded of an attempt whose lease has ended. Leases begin and end by the clock of the
-- database: those of the nodes may differ. What another node claims at this moment is passed over. Each kind
-- is a range of the index, so the jobs of others are not read, however many wait. The jobs are named as an
-- array: however many are asked for, each is found through the index.
WITH due AS (
    SELECT of_kind.id, of_kind.run_at, of_kind.follows_lost_lease
    FROM unnest($4::text[]) AS wanted (kind)
    CROSS JOIN LATERAL (
        SELECT id, run_at, leased_until IS NOT NULL AS follows_lost_lease FROM messaging.job
        WHERE kind = wanted.kind AND dead_at IS NULL AND run_at <= $1
            AND (leased_until IS NULL OR leased_until <= clock_timestamp())
        ORDER BY run_at, id LIMIT $3
        FOR UPDATE SKIP LOCKED
    ) AS of_kind
    ORDER BY run_at, id LIMIT $3
), claimed AS (
    UPDATE messaging.job SET
        attempts = attempts + 1,
        leased_until = clock_timestamp() + $2 * interval '1 millisecond',
        last_failure = CASE WHEN leased_until IS NULL THEN last_failure ELSE $5 END
    WHERE id = ANY (ARRAY(SELECT id FROM due))
    RETURNING id, kind, subject, attempts
)
SELECT claimed.id, kind, subject, attempts, follows_lost_lease FROM claimed JOIN due ON due.id = claimed.id
ORDER BY due.run_at, due.id
