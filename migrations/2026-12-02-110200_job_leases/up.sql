-- While a worker runs a job, `leased_until` is the end of that worker's lease, by the clock of the database;
-- the worker renews it. `run_at` stays what it was: when the job was due.
ALTER TABLE messaging.job ADD COLUMN leased_until timestamptz;

-- The due jobs of each kind: what waits for a mail server keeps no booking waiting.
DROP INDEX messaging.job_due;
CREATE INDEX job_due ON messaging.job (kind, run_at, id) WHERE dead_at IS NULL;
