DROP TRIGGER release_is_audited ON messaging.held_conversation;
DROP TRIGGER hold_is_audited ON messaging.held_conversation;
DROP TRIGGER salon_is_audited ON messaging.salon_retention;
DROP TRIGGER policy_is_audited ON messaging.retention_policy;
DROP FUNCTION messaging.audit_retention_change;
DROP TABLE messaging.audit;
DROP FUNCTION messaging.refuse_audit_change;
DROP TABLE messaging.export;
DROP TABLE messaging.erasure;
