-- Whoever was forgotten is shown as such, not as somebody whose name is not known. The receipts of erasures
-- are few.
ALTER TABLE messaging.participant ADD COLUMN is_forgotten boolean NOT NULL DEFAULT false;
UPDATE messaging.participant SET is_forgotten = true
WHERE id IN (SELECT person_id FROM messaging.erasure);
