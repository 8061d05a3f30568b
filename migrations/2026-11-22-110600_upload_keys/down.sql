DROP INDEX messaging.attachment_upload_key;
