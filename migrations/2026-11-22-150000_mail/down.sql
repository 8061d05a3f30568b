DELETE FROM messaging.job WHERE kind = 'send_mail';
DROP FUNCTION messaging.settle_mail(
    text, bigint, text, timestamptz, timestamptz, text[], timestamptz[], text[], bigint[], text[], bigint[]
);
DROP FUNCTION messaging.mute_conversation(text, text, integer, timestamptz);
DROP TABLE messaging.suppressed_address;
DROP FUNCTION messaging.mail_address(text);
DROP TABLE messaging.mail_part;
DROP TABLE messaging.mail;
DROP TABLE messaging.told_conversation;
DROP TABLE messaging.mail_recipient;
DROP INDEX messaging.pending_mail_put_off;
DROP INDEX messaging.pending_mail_new;
CREATE INDEX pending_mail_by_conversation ON messaging.pending_mail (conversation_id);
ALTER TABLE messaging.pending_mail
    RESET (fillfactor),
    DROP COLUMN wait_until,
    ADD CONSTRAINT pending_mail_recipient_id_fkey
        FOREIGN KEY (recipient_id) REFERENCES messaging.participant (id) ON DELETE CASCADE,
    ADD CONSTRAINT pending_mail_conversation_id_fkey
        FOREIGN KEY (conversation_id) REFERENCES messaging.conversation (id) ON DELETE CASCADE;
ALTER TABLE messaging.muted_conversation DROP COLUMN muted_at;
ALTER TABLE messaging.preference
    DROP CONSTRAINT preference_zone_length,
    DROP CONSTRAINT preference_quiet_hours,
    DROP COLUMN created_at,
    DROP COLUMN zone,
    DROP COLUMN quiet_to_minute,
    DROP COLUMN quiet_from_minute;
