DROP TABLE messaging.held_conversation;
DROP TABLE messaging.salon_retention;
DROP TABLE messaging.retention_policy;
