DROP FUNCTION messaging.post_message;
DROP FUNCTION messaging.begin_upload;
DROP FUNCTION messaging.mark_read;
DROP FUNCTION messaging.mark_messages_read;
