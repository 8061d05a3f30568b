DROP INDEX messaging.event_of_conversation;
