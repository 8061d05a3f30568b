DROP FUNCTION messaging.post_message_2;
