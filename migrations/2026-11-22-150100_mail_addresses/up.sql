-- Whose address it is that mail came back from.
CREATE INDEX CONCURRENTLY participant_of_address
    ON messaging.participant (messaging.mail_address(email), id);
