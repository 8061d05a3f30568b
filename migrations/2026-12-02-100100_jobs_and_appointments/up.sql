-- Background jobs, their schedules (D14), and the bookings that the platform reports (D17).

-- A job is inserted by the change that causes it, in the same transaction, and deleted when it is done.
-- While a worker runs it `run_at` is the end of that worker's lease: when the worker dies another one
-- takes over, and `attempts` tells the two apart.
CREATE TABLE messaging.job (
    id messaging.id PRIMARY KEY,
    kind text NOT NULL CHECK (kind ~ '^[a-z_]{1,64}$'),
    -- What it is about; empty when the kind says all.
    subject text COLLATE "C" NOT NULL CHECK (char_length(subject) <= 255),
    created_at timestamptz(3) NOT NULL,
    run_at timestamptz(3) NOT NULL,
    attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    -- When the last attempt failed and no other one follows.
    dead_at timestamptz(3),
    last_failure text CHECK (char_length(last_failure) BETWEEN 1 AND 200)
) WITH (fillfactor = 75);

CREATE INDEX job_due ON messaging.job (run_at, id) WHERE dead_at IS NULL;
CREATE INDEX job_dead ON messaging.job (created_at, id) WHERE dead_at IS NOT NULL;

-- Enqueues a job, and returns its id. The same job may be enqueued twice: a worker may be about to finish
-- the first one, having looked before this change.
CREATE FUNCTION messaging.enqueue_job(p_kind text, p_subject text, p_at timestamptz) RETURNS text
LANGUAGE sql AS $$
    INSERT INTO messaging.job (id, kind, subject, created_at, run_at)
    VALUES (gen_random_uuid()::text, p_kind, p_subject, p_at, p_at)
    RETURNING id::text
$$;

-- Recurring jobs. Each is enqueued once for all nodes: whoever moves `next_run_at` enqueues it.
CREATE TABLE messaging.schedule (
    -- The kind of its jobs.
    name text PRIMARY KEY CHECK (name ~ '^[a-z_]{1,64}$'),
    every_ms bigint NOT NULL CHECK (every_ms >= 1000),
    -- NULL: a period after the last run was due. Else at this time of each day, in milliseconds after
    -- midnight, UTC.
    at_ms integer CONSTRAINT schedule_time_of_day CHECK (at_ms BETWEEN 0 AND 86399999),
    next_run_at timestamptz(3) NOT NULL,
    -- The newest of its jobs. While that one is not done no other is enqueued.
    job_id text COLLATE "C"
);

-- Due at once on a new database.
INSERT INTO messaging.schedule (name, every_ms, next_run_at)
VALUES ('purge_uploads', 3600000, '1970-01-01T00:00:00Z');

-- At 3:00 UTC, from the coming night on.
INSERT INTO messaging.schedule (name, every_ms, next_run_at, at_ms)
SELECT name, 86400000, date_trunc('day', now() - interval '3 hours', 'UTC') + interval '27 hours', 10800000
FROM unnest(ARRAY['archive_aged', 'empty_aged', 'trim_log']) AS nightly (name);

-- A report about a booking (D17): it is stored first and handled by a job.
CREATE TABLE messaging.appointment_event (
    id messaging.id PRIMARY KEY,
    -- No foreign keys: a booking may be reported before its people are known.
    salon_id messaging.id NOT NULL,
    client_id messaging.id NOT NULL,
    appointment_id messaging.id NOT NULL,
    kind text NOT NULL CONSTRAINT appointment_event_kind_word CHECK (kind IN (
        'booked', 'requested', 'auto-confirmed', 'confirmed', 'rescheduled', 'cancelled', 'completed', 'no-show'
    )),
    service text NOT NULL CONSTRAINT appointment_event_service_word
        CHECK (service IN ('PROJET', 'TATTOO', 'PIERCING', 'RETOUCHE')),
    starts_at timestamptz(3) NOT NULL,
    previous_starts_at timestamptz(3),
    client_first_name text CHECK (char_length(client_first_name) <= 200),
    zone text CHECK (char_length(zone) BETWEEN 1 AND 64),
    -- The id that the platform wants for the conversation, if this event opens it. It is reserved for the
    -- booking.
    wanted_conversation_id messaging.id,
    occurred_at timestamptz(3) NOT NULL,
    received_at timestamptz(3) NOT NULL,
    -- NULL: it is pending.
    handled_at timestamptz(3),
    -- It cannot be handled, and delays none of the later ones.
    rejected_at timestamptz(3),
    CONSTRAINT appointment_event_sides_differ CHECK (salon_id <> client_id),
    CONSTRAINT appointment_event_has_one_end CHECK (handled_at IS NULL OR rejected_at IS NULL)
);

-- The oldest pending event of a booking.
CREATE INDEX appointment_event_pending
    ON messaging.appointment_event (salon_id, appointment_id, occurred_at, id)
    WHERE handled_at IS NULL AND rejected_at IS NULL;

-- The newest handled event of a booking that says whether the booking stands.
CREATE INDEX appointment_event_handled
    ON messaging.appointment_event (salon_id, appointment_id, occurred_at DESC, id DESC)
    WHERE handled_at IS NOT NULL AND kind NOT IN ('completed', 'no-show');

-- The events with a person's first name, for the erasure of that person.
CREATE INDEX appointment_event_naming ON messaging.appointment_event (client_id)
    WHERE client_first_name IS NOT NULL;

-- The booking for which an id was reserved, and the ids that were reserved for a booking.
CREATE INDEX appointment_event_wanting ON messaging.appointment_event (wanted_conversation_id)
    WHERE wanted_conversation_id IS NOT NULL;
CREATE INDEX appointment_event_reserving ON messaging.appointment_event (salon_id, appointment_id)
    WHERE wanted_conversation_id IS NOT NULL;
