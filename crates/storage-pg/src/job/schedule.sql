-- Enters the jobs of the schedules that are due at $1, and moves each on: by its period, or to its time on
-- the next day. The rows are locked
-- before anything is entered: of two nodes the second one waits, and finds them moved.
WITH due AS (
    SELECT name, job_id FROM messaging.schedule WHERE next_run_at <= $1 FOR UPDATE
), moved AS (
    UPDATE messaging.schedule AS schedule SET
        next_run_at = CASE WHEN at_ms IS NULL THEN $1 + every_ms * interval '1 millisecond'
            ELSE date_trunc('day', $1 - at_ms * interval '1 millisecond', 'UTC')
                + interval '1 day' + at_ms * interval '1 millisecond'
        END,
        job_id = coalesce(
            (SELECT id FROM messaging.job WHERE id = due.job_id AND dead_at IS NULL),
            messaging.enqueue_job(due.name, '', $1)
        )
    FROM due WHERE schedule.name = due.name
    RETURNING schedule.name
)
SELECT count(*) AS due FROM moved
