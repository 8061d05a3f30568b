-- What is longer by now stays.
ALTER DOMAIN messaging.content DROP CONSTRAINT content_length;
ALTER DOMAIN messaging.content ADD CONSTRAINT content_length CHECK (char_length(value) <= 4000) NOT VALID;
