DROP TABLE messaging.appointment_event;
