-- Whether another message still shows a file of the upload service, before that one is asked to remove it.
CREATE INDEX CONCURRENTLY attachment_upload_key ON messaging.attachment (upload_key) WHERE upload_key IS NOT NULL;
