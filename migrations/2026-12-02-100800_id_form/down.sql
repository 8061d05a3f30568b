ALTER DOMAIN messaging.id DROP CONSTRAINT id_form;
ALTER DOMAIN messaging.id ADD CONSTRAINT id_form CHECK (value ~ '^[A-Za-z0-9_-]{1,64}$') NOT VALID;
