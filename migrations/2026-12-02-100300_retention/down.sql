DROP FUNCTION messaging.empty_aged;
DROP FUNCTION messaging.archive_for_age;
DROP FUNCTION messaging.is_held;
DROP TABLE messaging.held_conversation;
DROP TABLE messaging.salon_retention;
DROP TABLE messaging.retention_policy;
