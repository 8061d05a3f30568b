-- The schema itself stays: it holds the list of migrations.
DROP TABLE messaging.event;
DROP TABLE messaging.attachment;
DROP TABLE messaging.message;
DROP TABLE messaging.conversation;
DROP TABLE messaging.participant;
DROP DOMAIN messaging.id;
