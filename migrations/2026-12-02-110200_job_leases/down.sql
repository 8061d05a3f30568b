DROP INDEX messaging.job_due;
CREATE INDEX job_due ON messaging.job (run_at, id) WHERE dead_at IS NULL;

ALTER TABLE messaging.job DROP COLUMN leased_until;
