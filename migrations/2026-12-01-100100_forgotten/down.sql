ALTER TABLE messaging.participant DROP COLUMN is_forgotten;
