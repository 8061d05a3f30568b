DROP TABLE messaging.pending_mail;
DROP TABLE messaging.muted_conversation;
DROP TABLE messaging.preference;
DROP TABLE messaging.import_mark;
DROP TABLE messaging.imported;
