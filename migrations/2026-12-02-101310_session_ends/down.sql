DROP INDEX messaging.export_object_key;
DROP TABLE messaging.session_end;
