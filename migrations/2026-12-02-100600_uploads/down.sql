DROP FUNCTION messaging.begin_upload;
