-- A message has at most 10,000 characters. What was there before had fewer, so nothing needs looking up.
ALTER DOMAIN messaging.content DROP CONSTRAINT content_length;
ALTER DOMAIN messaging.content ADD CONSTRAINT content_length CHECK (char_length(value) <= 10000) NOT VALID;
