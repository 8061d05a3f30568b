-- The schema itself stays: it holds the list of migrations.
DROP TABLE messaging.event;
DROP TABLE messaging.attachment;
DROP TABLE messaging.upload;
DROP TABLE messaging.message;
DROP TABLE messaging.conversation;
DROP TABLE messaging.participant;
DROP FUNCTION messaging.mail_address;
DROP DOMAIN messaging.object_key;
DROP DOMAIN messaging.event_kind;
DROP DOMAIN messaging.content;
DROP DOMAIN messaging.message_kind;
DROP DOMAIN messaging.side;
DROP DOMAIN messaging.status;
DROP DOMAIN messaging.subject;
DROP DOMAIN messaging.id;
