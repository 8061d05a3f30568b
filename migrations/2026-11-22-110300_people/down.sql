DROP TABLE messaging.erasure;
ALTER TABLE messaging.message DROP CONSTRAINT message_notice_is_the_platform_s, DROP COLUMN notice;
ALTER TABLE messaging.participant DROP COLUMN language, DROP COLUMN zone;
