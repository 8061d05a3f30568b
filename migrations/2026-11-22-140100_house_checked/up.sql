-- The rule of the last step, looked up in the rows that were there before. Writers go on meanwhile.
ALTER DOMAIN messaging.side VALIDATE CONSTRAINT side_word;
