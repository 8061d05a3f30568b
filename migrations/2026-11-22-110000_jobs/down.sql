DROP TABLE messaging.schedule;
DROP FUNCTION messaging.enter_job;
DROP TABLE messaging.job;
