DROP INDEX messaging.appointment_event_wanting;
