-- Work that may wait (D14). A job is entered by the change that causes it, in its transaction, and is
-- gone when it is done. While somebody works on it `run_at` is the end of their lease: whoever is
-- killed is followed by another one, and `attempts` tells the two apart.
CREATE TABLE messaging.job (
    id messaging.id PRIMARY KEY,
    kind text NOT NULL CHECK (kind ~ '^[a-z_]{1,64}$'),
    -- What it is about; empty when the kind says all.
    subject text COLLATE "C" NOT NULL CHECK (char_length(subject) <= 255),
    created_at timestamptz(3) NOT NULL,
    run_at timestamptz(3) NOT NULL,
    attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    -- When it was given up.
    dead_at timestamptz(3),
    last_failure text CHECK (char_length(last_failure) BETWEEN 1 AND 200)
) WITH (fillfactor = 75);

CREATE INDEX job_due ON messaging.job (run_at, id) WHERE dead_at IS NULL;
CREATE INDEX job_dead ON messaging.job (created_at, id) WHERE dead_at IS NOT NULL;

-- Enters a job, and returns its id. The same may be entered twice: somebody may be about to finish the
-- first one, having looked before this change.
CREATE FUNCTION messaging.enter_job(p_kind text, p_subject text, p_at timestamptz) RETURNS text
LANGUAGE sql AS $$
    INSERT INTO messaging.job (id, kind, subject, created_at, run_at)
    VALUES (gen_random_uuid()::text, p_kind, p_subject, p_at, p_at)
    RETURNING id::text
$$;

-- Jobs that come again and again. Each is entered once for all nodes: whoever moves `next_run_at`
-- enters it.
CREATE TABLE messaging.schedule (
    -- The kind of its jobs.
    name text PRIMARY KEY CHECK (name ~ '^[a-z_]{1,64}$'),
    every_ms bigint NOT NULL CHECK (every_ms >= 1000),
    next_run_at timestamptz(3) NOT NULL,
    -- The newest of its jobs. While that one waits no other is entered.
    job_id text COLLATE "C"
);

-- Due at once on a new database.
INSERT INTO messaging.schedule (name, every_ms, next_run_at)
VALUES ('purge_uploads', 3600000, '1970-01-01T00:00:00Z');
