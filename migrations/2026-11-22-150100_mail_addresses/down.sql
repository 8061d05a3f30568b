DROP INDEX messaging.participant_of_address;
