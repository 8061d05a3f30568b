DROP TABLE messaging.appointment_event;
DROP TABLE messaging.schedule;
DROP FUNCTION messaging.enqueue_job;
DROP TABLE messaging.job;
