-- The rules of the last steps, looked up in the rows that were there before. Writers go on meanwhile.
ALTER TABLE messaging.attachment VALIDATE CONSTRAINT attachment_is_in_one_place;
ALTER TABLE messaging.participant VALIDATE CONSTRAINT participant_language_form;
ALTER TABLE messaging.participant VALIDATE CONSTRAINT participant_zone_length;
ALTER TABLE messaging.message VALIDATE CONSTRAINT message_notice_is_the_platform_s;
