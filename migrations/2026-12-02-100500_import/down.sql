DROP TABLE messaging.import_mark;
DROP TABLE messaging.imported;
